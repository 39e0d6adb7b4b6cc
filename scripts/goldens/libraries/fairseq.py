"""fairseq's label smoothing, of one source file: the package itself wants compiled code of an earlier Python."""

import torch
import torch.nn.functional as F

from ..installed import checked, functions
from . import CROSS_ENTROPIES, Route, is_cross_entropy, is_uniform, temperature

VERSIONS = checked('fairseq', file='requirements-fairseq.txt')
SOURCE = 'fairseq/criterions/label_smoothed_cross_entropy.py'
[label_smoothed_nll_loss] = functions('fairseq', SOURCE, ['label_smoothed_nll_loss'], {'torch': torch})


def _expresses(c):
    """Its smoothing gives s/(K-1) to each of the other classes; "uniform" is the same at s (K-1)/K."""
    return c.labels is not None and c.K > 1 and c.smoothing in ('uniform', 'others') and not c.is_weighted


def _smoothed(c, log_p):
    epsilon = c.s * (c.K - 1) / c.K if is_uniform(c) else c.s

    def loss(reduce):
        return label_smoothed_nll_loss(log_p, c.labels, epsilon, reduce=reduce)[0]

    return loss(False), loss(True) if c.own_reduction == 'sum' else None


def _of_logits(c, z):
    return _smoothed(c, F.log_softmax(z / temperature(c), dim=-1))


ROUTES = [
    Route('fairseq.label_smoothed_nll_loss', CROSS_ENTROPIES, lambda c: is_cross_entropy(c) and _expresses(c), _of_logits),
    Route('fairseq.label_smoothed_nll_loss', ('nll',), _expresses, _smoothed),
]
