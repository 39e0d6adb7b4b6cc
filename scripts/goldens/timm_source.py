"""timm's own functions, from the installed package of the pinned version.

`timm.loss` and `timm.data.mixup` are imported for themselves: what the packages around them import would pull in torchvision and the model zoo.
"""

import sys
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

PINNED = Path(__file__).with_name('requirements.txt').read_text().strip().removeprefix('timm==')


def _package(name):
    """A package whose own code is not run; its modules are found where they are."""
    package = ModuleType(name)
    package.__path__ = [str(distribution('timm').locate_file(name.replace('.', '/')))]
    sys.modules[name] = package
    return package


if distribution('timm').version != PINNED:
    raise SystemExit(f"expected timm {PINNED}, found {distribution('timm').version}")

timm = _package('timm')
timm.data = _package('timm.data')
timm.loss = import_module('timm.loss')
timm.data.mixup = import_module('timm.data.mixup')

LabelSmoothingCrossEntropy = timm.loss.LabelSmoothingCrossEntropy
SoftTargetCrossEntropy = timm.loss.SoftTargetCrossEntropy
mixup_target = timm.data.mixup.mixup_target
VERSION = PINNED
