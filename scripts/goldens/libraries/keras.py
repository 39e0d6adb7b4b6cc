"""Keras' losses on JAX, reduced and weighted by Keras itself: what multiplies a row is its `sample_weight`."""

import os
import warnings

os.environ['KERAS_BACKEND'] = 'jax'

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras.src.backend.common import dtypes

from ..installed import checked
from . import CROSS_ENTROPIES, Route, is_cross_entropy, is_hard, is_uniform, temperature
from .optax import has_one_rival, rivals

VERSIONS = checked('keras', file='requirements-jax.txt')

keras.config.set_floatx('float64')
# Keras keeps probabilities this far from 0 and 1, by default 1e-7: a loss then differs where a row is surer than that, and has no gradient.
keras.config.set_epsilon(1e-300)
# Keras on JAX takes means of float64 in float32, unlike Keras on TensorFlow, whose entry of this table it is.
dtypes.BIT64_TO_BIT32_DTYPE['float64'] = 'float64'
# Of one class Keras says that two would be better.
warnings.filterwarnings('ignore', category=SyntaxWarning)


def _reduced(c, criterion, target, predicted, times=1, weight=None):
    """`criterion` makes the loss for a reduction; `times` is the number of classes where it is a mean over them."""
    weight = jnp.ones_like(c.v) if weight is None else weight
    rows = times * criterion(reduction=None)(target, predicted, sample_weight=weight)
    reduction, scale = _reduction(c, times, float((weight * c.v).sum()))
    if reduction is None:
        return rows, None
    return rows, scale * criterion(reduction=reduction)(target, predicted, sample_weight=weight * c.v)


def _reduction(c, times, weights):
    """(Keras' reduction that divides by the normalizer of the request, factor)"""
    if c.reduction == 'sum':
        return 'sum', times
    for scale in (1, times):
        if c.reduction == 'mean' and np.isclose(c.normalizer * scale, weights * times, rtol=1e-14):
            return 'mean_with_sample_weight', scale
    return None, None


def _with(make, **options):
    return lambda **reduction: make(**options, **reduction)


def _categorical_cross_entropy(c, z):
    smooths = is_uniform(c) and not c.is_weighted
    criterion = _with(keras.losses.CategoricalCrossentropy, from_logits=True, label_smoothing=c.s if smooths else 0)
    return _reduced(c, criterion, c.t if smooths else c.w * c.q, z / temperature(c))


def _sparse_categorical_cross_entropy(c, z):
    criterion = _with(keras.losses.SparseCategoricalCrossentropy, from_logits=True)
    return _reduced(c, criterion, c.labels, z / temperature(c), weight=c.w[c.labels])


def _focal(c, z):
    alpha = c.w if c.params.alpha is None else c.w * c.params.alpha
    smoothing = c.s if is_uniform(c) else 0
    options = {'alpha': alpha, 'gamma': c.params.gamma, 'from_logits': True, 'label_smoothing': smoothing}
    return _reduced(c, _with(keras.losses.CategoricalFocalCrossentropy, **options), c.t if is_uniform(c) else c.q, z)


def _generalized_cross_entropy(c, z):
    criterion = _with(keras.losses.CategoricalGeneralizedCrossEntropy, q=c.params.q)
    return _reduced(c, criterion, c.labels, jax.nn.softmax(z), weight=c.w[c.labels])


def _mean_absolute_error(c, z):
    return _reduced(c, keras.losses.MeanAbsoluteError, c.q, jax.nn.softmax(z), times=c.K, weight=c.row_weight)


def _mean_squared_error(c, z):
    return _reduced(c, keras.losses.MeanSquaredError, c.q, jax.nn.softmax(z), times=c.K, weight=c.row_weight)


def _kl_divergence(c, z):
    return _reduced(c, keras.losses.KLDivergence, c.q, jax.nn.softmax(z))


def _hinge(c, z):
    return _reduced(c, keras.losses.CategoricalHinge, c.t, z, weight=c.w[c.labels])


def _has_rival_above_zero(c):
    """Keras' best rival is at least the 0 that it puts in the place of the class of the target."""
    return bool((rivals(c).max(axis=-1) > 0).all())


def _binary_cross_entropy(c, z):
    halved = c.smoothing == 'half' and c.params.target_threshold is None
    criterion = _with(keras.losses.BinaryCrossentropy, from_logits=True, label_smoothing=c.s if halved else 0)
    return _reduced(c, criterion, c.t if halved else c.q, z, times=c.K)


def _sigmoid_focal(c, z):
    halved = c.smoothing == 'half'
    balance = {} if c.params.alpha is None else {'apply_class_balancing': True, 'alpha': c.params.alpha}
    options = {'gamma': c.params.gamma, 'from_logits': True, 'label_smoothing': c.s if halved else 0, **balance}
    return _reduced(c, _with(keras.losses.BinaryFocalCrossentropy, **options), c.t if halved else c.q, z, times=c.K)


ROUTES = [
    Route('keras.losses.CategoricalCrossentropy', CROSS_ENTROPIES, is_cross_entropy, _categorical_cross_entropy),
    Route(
        'keras.losses.SparseCategoricalCrossentropy',
        CROSS_ENTROPIES,
        lambda c: is_cross_entropy(c) and is_hard(c),
        _sparse_categorical_cross_entropy,
    ),
    Route('keras.losses.CategoricalFocalCrossentropy', ('focal',), lambda c: c.is_moderate, _focal),
    Route(
        'keras.losses.CategoricalGeneralizedCrossEntropy',
        ('generalized_cross_entropy',),
        lambda c: is_hard(c) and c.params.q < 1 and c.is_moderate,
        _generalized_cross_entropy,
    ),
    Route('keras.losses.MeanAbsoluteError', ('mae',), lambda c: True, _mean_absolute_error),
    Route('keras.losses.MeanSquaredError', ('brier',), lambda c: True, _mean_squared_error),
    Route('keras.losses.KLDivergence', ('kl_divergence',), lambda c: c.is_moderate and not c.is_weighted, _kl_divergence),
    Route(
        'keras.losses.CategoricalHinge',
        ('categorical_hinge',),
        lambda c: c.params.margin == 1 and _has_rival_above_zero(c) and has_one_rival(c),
        _hinge,
    ),
    Route(
        'keras.losses.BinaryCrossentropy',
        ('binary_cross_entropy',),
        lambda c: c.params.pos_weight is None and not c.is_weighted,
        _binary_cross_entropy,
    ),
    Route('keras.losses.BinaryFocalCrossentropy', ('sigmoid_focal',), lambda c: c.is_moderate and not c.is_weighted, _sigmoid_focal),
]
