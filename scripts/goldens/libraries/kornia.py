"""kornia's focal losses, of their source files: the package, its checks of arguments included, wants a later torch."""

import torch
import torch.nn.functional as F
from torch import nn

from ..installed import checked, functions
from . import Route, is_hard

VERSIONS = checked('kornia')
_checks = dict.fromkeys(['KORNIA_CHECK', 'KORNIA_CHECK_IS_TENSOR', 'KORNIA_CHECK_SHAPE'], lambda *_: None)
_namespace = {'torch': torch, 'F': F, 'nn': nn, **_checks}
functions('kornia', 'kornia/losses/_utils.py', ['mask_ignore_pixels'], _namespace)
functions('kornia', 'kornia/losses/one_hot.py', ['one_hot'], _namespace)
focal_loss, binary_focal_loss_with_logits, _ = functions(
    'kornia', 'kornia/losses/focal.py', ['focal_loss', 'binary_focal_loss_with_logits', '_masked_log_softmax'], _namespace
)


def _focal(c, z):
    """Its alpha is for two classes; factors of classes go with their weights. It gives the part of every class."""
    weight = c.w if c.params.alpha is None else c.w * c.params.alpha
    return focal_loss(z, c.labels, alpha=None, gamma=c.params.gamma, weight=weight).sum(dim=1)


def _sigmoid_focal(c, z):
    options = {'alpha': c.params.alpha, 'gamma': c.params.gamma, 'weight': c.w}
    return binary_focal_loss_with_logits(z, c.q, **options).sum(dim=1)


ROUTES = [
    Route('kornia.losses.focal_loss', ('focal',), is_hard, _focal),
    # Of labels between 0 and 1 it makes another loss: each of their two sides has a factor of its own.
    Route('kornia.losses.binary_focal_loss_with_logits', ('sigmoid_focal',), lambda c: bool(((c.q == 0) | (c.q == 1)).all()), _sigmoid_focal),
]
