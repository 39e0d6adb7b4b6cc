"""PyTorch's own functions with their own reductions, where an oracle takes only their losses of rows."""

import torch.nn.functional as F

from . import Route


def _kl_divergence(c, z):
    return None, F.kl_div(F.log_softmax(z, dim=-1), c.q, reduction='sum' if c.own_reduction == 'sum' else 'batchmean')


def _distillation(c, z):
    student, teacher = (F.log_softmax(each / c.params.temperature, dim=-1) for each in (z, c.t))
    reduction = 'sum' if c.own_reduction == 'sum' else 'batchmean'
    return None, c.params.temperature**2 * F.kl_div(student, teacher, reduction=reduction, log_target=True)


def _binary_cross_entropy(c, z):
    reduction = 'sum' if c.own_reduction == 'sum' else 'mean'
    return None, F.binary_cross_entropy_with_logits(z, c.q, weight=c.w, pos_weight=c.params.pos_weight, reduction=reduction)


def _multi_margin(c, z):
    reduction = 'sum' if c.own_reduction == 'sum' else 'mean'
    return None, F.multi_margin_loss(z, c.labels, p=c.params.p, margin=c.params.margin, weight=c.w, reduction=reduction)


def _reduces(*means):
    return lambda c: c.own_reduction in ('sum', *means)


ROUTES = [
    Route('F.kl_div', ('kl_divergence',), lambda c: not c.is_weighted and _reduces('rows')(c), _kl_divergence),
    Route('F.kl_div', ('distillation',), lambda c: not c.params.beta and _reduces('rows')(c), _distillation),
    Route('F.binary_cross_entropy_with_logits', ('binary_cross_entropy',), _reduces('elements'), _binary_cross_entropy),
    Route('F.multi_margin_loss', ('multi_margin',), _reduces('rows'), _multi_margin),
]
