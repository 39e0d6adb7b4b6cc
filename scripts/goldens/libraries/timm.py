"""timm's losses, at the settings training recipes use."""

import torch

from ..installed import checked
from ..timm_source import timm
from . import CROSS_ENTROPIES, Route, is_cross_entropy, is_uniform, temperature

VERSIONS = checked('timm')


class Float64(torch.Tensor):
    """float64 that stays so in losses that cast to float32 what they are given, so that their own code can be held to ten digits."""

    def float(self):
        return self


def _smooths(c):
    """timm smooths class indices by less than 1, and most of its losses know no class weights."""
    return c.labels is not None and is_uniform(c) and c.s < 1 and not c.is_weighted


def _row_by_row(c, z, criterion, target):
    """Of a criterion that knows only means: the mean of one row is its loss."""
    rows = [criterion(z[n : n + 1], target[n : n + 1]) for n in range(c.N)]
    return torch.stack(rows), criterion(z, target) if c.own_reduction == 'rows' else None


def _reduced(c, loss, mean='rows'):
    """Of loss(reduction), which knows them all; losses of elements are summed over the classes."""
    reduction = {'sum': 'sum', mean: 'mean'}.get(c.own_reduction)
    rows, reduced = (loss(each).as_subclass(torch.Tensor) if each else None for each in ('none', reduction))
    return rows if rows.ndim == 1 else rows.sum(dim=-1), reduced


def _label_smoothing(c, z):
    return _row_by_row(c, z / temperature(c), timm.loss.LabelSmoothingCrossEntropy(c.s), c.labels)


def _soft_target(c, z):
    return _row_by_row(c, z / temperature(c), timm.loss.SoftTargetCrossEntropy(), c.q)


def _binary_cross_entropy(c, z):
    # Class indices become on and off values of the "uniform" convention; smooth_dense smooths labels towards 1/2.
    is_half = c.smoothing == 'half' and c.s < 1
    is_index = c.labels is not None and is_uniform(c) and c.s < 1
    target = c.labels if is_index else c.t if is_half else c.q
    smoothing, threshold = (c.s, c.params.target_threshold) if is_index or is_half else (0, None)

    def loss(reduction, sum_classes=False):
        weights = {'weight': c.w, 'pos_weight': c.params.pos_weight}
        options = {'reduction': reduction, 'sum_classes': sum_classes, 'smooth_dense': is_half}
        return timm.loss.BinaryCrossEntropy(smoothing, threshold, **weights, **options)(z, target)

    if c.params.sum_classes and c.own_reduction == 'rows':
        return loss('none').sum(dim=-1), loss('mean', sum_classes=True)
    return _reduced(c, loss, 'elements')


def _asymmetric_multi_label(c, z):
    z, target, params = z.as_subclass(Float64), c.q.as_subclass(Float64), c.params

    def loss(reduction):
        # eps, below which timm takes no logarithm, is put where float64 does not come.
        options = {'eps': 1e-300, 'reduction': reduction, 'weight': c.w}
        return timm.loss.AsymmetricLossMultiLabel(params.gamma_neg, params.gamma_pos, params.clip, **options)(z, target)

    return _reduced(c, loss, 'elements')


def _asymmetric_single_label(c, z):
    def loss(reduction):
        return timm.loss.AsymmetricLossSingleLabel(c.params.gamma_pos, c.params.gamma_neg, eps=c.s, reduction=reduction)(z, c.labels)

    return loss('none'), loss('mean') if c.own_reduction == 'rows' else None


def _poly(c, z):
    z, target = z.as_subclass(Float64), c.q.as_subclass(Float64)
    return _reduced(c, lambda reduction: timm.loss.PolyCrossEntropy(c.params.epsilon, reduction=reduction)(z, target))


def _sigmoid_focal(c, z):
    """Of which the focal loss is the case without a polynomial."""
    z, target = z.as_subclass(Float64), c.q.as_subclass(Float64)

    def loss(reduction):
        return timm.loss.PolyBinaryCrossEntropy(0, c.params.gamma, c.params.alpha, reduction=reduction)(z, target)

    return _reduced(c, loss, 'elements')


def _jsd(c, z):
    """The mean over the groups of rows that belong together; losses of rows are not to be had."""
    criterion = timm.loss.JsdCrossEntropy(c.params.splits, c.params.alpha, c.s)
    return None, criterion(z, c.labels) * (c.N // c.params.splits) / c.normalizer


ROUTES = [
    Route('timm.loss.LabelSmoothingCrossEntropy', CROSS_ENTROPIES, lambda c: is_cross_entropy(c) and _smooths(c), _label_smoothing),
    Route('timm.loss.SoftTargetCrossEntropy', CROSS_ENTROPIES, lambda c: is_cross_entropy(c) and not c.is_weighted, _soft_target),
    Route('timm.loss.BinaryCrossEntropy', ('binary_cross_entropy',), lambda c: True, _binary_cross_entropy),
    Route('timm.loss.AsymmetricLossMultiLabel', ('asymmetric_multi_label',), lambda c: c.is_moderate, _asymmetric_multi_label),
    Route(
        'timm.loss.AsymmetricLossSingleLabel',
        ('asymmetric_single_label',),
        lambda c: c.labels is not None and is_uniform(c) and not c.is_weighted and c.is_moderate,
        _asymmetric_single_label,
    ),
    Route('timm.loss.PolyCrossEntropy', ('poly1',), lambda c: not c.is_weighted, _poly),
    Route('timm.loss.PolyBinaryCrossEntropy', ('sigmoid_focal',), lambda c: c.is_moderate and not c.is_weighted, _sigmoid_focal),
    Route('timm.loss.JsdCrossEntropy', ('jsd_consistency',), lambda c: _smooths(c) and not c.has_sample_weights and c.is_moderate, _jsd),
]
