"""timm's own functions, from the installed package of the pinned version.

Their files are loaded one by one: importing the package would pull in torchvision and the model zoo.
"""

import importlib.util
from importlib.metadata import distribution
from pathlib import Path

PINNED = Path(__file__).with_name('requirements.txt').read_text().strip().removeprefix('timm==')


def _load(path):
    timm = distribution('timm')
    if timm.version != PINNED:
        raise SystemExit(f'expected timm {PINNED}, found {timm.version}')
    spec = importlib.util.spec_from_file_location(path.replace('/', '_')[:-3], timm.locate_file(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_losses = _load('timm/loss/cross_entropy.py')

LabelSmoothingCrossEntropy = _losses.LabelSmoothingCrossEntropy
SoftTargetCrossEntropy = _losses.SoftTargetCrossEntropy
mixup_target = _load('timm/data/mixup.py').mixup_target
VERSION = PINNED
