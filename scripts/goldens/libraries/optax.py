"""optax's losses; it has no reductions of its own."""

import jax
import jax.numpy as jnp
import optax

from ..installed import checked
from . import CROSS_ENTROPIES, Route, is_cross_entropy, is_hard, is_uniform, temperature

VERSIONS = checked('optax', 'jax', file='requirements-jax.txt')


def _softmax_cross_entropy(c, z):
    return optax.losses.softmax_cross_entropy(z / temperature(c), c.w * c.q)


def _smooth_labels(c, z):
    return optax.losses.softmax_cross_entropy(z / temperature(c), c.w * optax.losses.smooth_labels(c.t, c.s))


def _safe_softmax_cross_entropy(c, z):
    return optax.losses.safe_softmax_cross_entropy(z / temperature(c), c.w * c.q)


def _integer_labels(c, z):
    return c.w[c.labels] * optax.losses.softmax_cross_entropy_with_integer_labels(z / temperature(c), c.labels)


def _is_small(c):
    """It takes a logit from a logsumexp: of large ones no digit of the loss is left."""
    return bool((jnp.abs(c.z) < 1e5).all())


def _poly(c, z):
    return optax.losses.poly_loss_cross_entropy(z, c.w * c.q, epsilon=c.params.epsilon)


def _brier(c, z):
    return c.row_weight * optax.losses.squared_error(jax.nn.softmax(z), c.q).sum(axis=-1)


def _kl_divergence(c, z):
    return optax.losses.kl_divergence(jax.nn.log_softmax(z), c.q)


def _distillation(c, z):
    student, teacher = (jax.nn.log_softmax(each / c.params.temperature) for each in (z, c.t))
    towards = (student, teacher) if not c.params.beta else (teacher, student)
    return c.params.temperature**2 * optax.losses.kl_divergence_with_log_targets(*towards)


def _hinge(c, z):
    """At a margin other than 1 the scores are measured in margins."""
    return c.params.margin * c.w[c.labels] * optax.losses.multiclass_hinge_loss(z / c.params.margin, c.labels)


def has_one_rival(c):
    """JAX shares the gradient of a maximum among its places; where the rivals tie there is no derivative."""
    ordered = jnp.sort(rivals(c), axis=-1)
    return c.K < 3 or bool((ordered[:, -1] > ordered[:, -2]).all())


def rivals(c):
    """The scores of the rows that were asked for, -Infinity in the place of the class of the target."""
    return jnp.where(c.t == 1, -jnp.inf, c.z)[: c.N]


def _binary_cross_entropy(c, z):
    return (c.w * optax.losses.sigmoid_binary_cross_entropy(z, c.q)).sum(axis=-1)


def _sigmoid_focal(c, z):
    return (c.w * optax.losses.sigmoid_focal_loss(z, c.q, alpha=c.params.alpha, gamma=c.params.gamma)).sum(axis=-1)


ROUTES = [
    Route('optax.losses.softmax_cross_entropy', CROSS_ENTROPIES, is_cross_entropy, _softmax_cross_entropy),
    Route(
        'optax.losses.softmax_cross_entropy(optax.losses.smooth_labels)',
        CROSS_ENTROPIES,
        lambda c: is_cross_entropy(c) and is_uniform(c),
        _smooth_labels,
    ),
    Route('optax.losses.safe_softmax_cross_entropy', CROSS_ENTROPIES, is_cross_entropy, _safe_softmax_cross_entropy, takes_masks=True),
    Route(
        'optax.losses.softmax_cross_entropy_with_integer_labels',
        CROSS_ENTROPIES,
        lambda c: is_cross_entropy(c) and is_hard(c) and _is_small(c),
        _integer_labels,
    ),
    Route('optax.losses.poly_loss_cross_entropy', ('poly1',), lambda c: True, _poly),
    Route('optax.losses.squared_error', ('brier',), lambda c: True, _brier),
    Route('optax.losses.kl_divergence', ('kl_divergence',), lambda c: not c.is_weighted, _kl_divergence),
    Route('optax.losses.kl_divergence_with_log_targets', ('distillation',), lambda c: c.params.beta in (None, 0, 1), _distillation),
    Route('optax.losses.multiclass_hinge_loss', ('categorical_hinge',), lambda c: c.params.margin > 0 and has_one_rival(c), _hinge),
    Route('optax.losses.sigmoid_binary_cross_entropy', ('binary_cross_entropy',), lambda c: c.params.pos_weight is None, _binary_cross_entropy),
    Route('optax.losses.sigmoid_focal_loss', ('sigmoid_focal',), lambda c: True, _sigmoid_focal),
]
