"""timm's own functions: what the packages around `timm.loss` and `timm.data.mixup` import would pull in torchvision and the model zoo."""

from importlib import import_module

from .installed import checked, shell

VERSION = checked('timm')['timm']

timm = shell('timm', 'timm')
timm.data = shell('timm.data', 'timm')
timm.loss = import_module('timm.loss')
timm.data.mixup = import_module('timm.data.mixup')

LabelSmoothingCrossEntropy = timm.loss.LabelSmoothingCrossEntropy
SoftTargetCrossEntropy = timm.loss.SoftTargetCrossEntropy
mixup_target = timm.data.mixup.mixup_target
