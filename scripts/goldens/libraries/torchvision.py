"""torchvision's focal loss, of one source file: the package wants a later torch."""

import torch
import torch.nn.functional as F

from ..installed import checked, functions
from . import Route

VERSIONS = checked('torchvision')
SOURCE = 'torchvision/ops/focal_loss.py'
[sigmoid_focal_loss] = functions('torchvision', SOURCE, ['sigmoid_focal_loss'], {'torch': torch, 'F': F, '_log_api_usage_once': lambda _: None})


def _sigmoid_focal(c, z):
    def loss(reduction):
        # -1 stands for no alpha.
        return sigmoid_focal_loss(z, c.q, -1 if c.params.alpha is None else c.params.alpha, c.params.gamma, reduction)

    reduction = {'sum': 'sum', 'elements': 'mean'}.get(c.own_reduction)
    return (c.w * loss('none')).sum(dim=-1), loss(reduction) if reduction and not c.is_weighted else None


def _has_gradient(c):
    """The derivative of (1 - p) ** gamma is infinite, and then NaN, where 1 - p has become 0."""
    return c.is_moderate or c.params.gamma == 0 or c.params.gamma >= 1


ROUTES = [Route('torchvision.ops.sigmoid_focal_loss', ('sigmoid_focal',), _has_gradient, _sigmoid_focal)]
