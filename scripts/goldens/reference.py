"""What the contract says a request gives, in numpy float64 and closed forms: the opinion torch and timm must share."""

import base64
from dataclasses import dataclass
from functools import cached_property

import numpy as np

DEFAULT_OUTPUTS = ['loss', 'losses', 'gradients', 'smoothed_targets']
DEFAULT_SMOOTHING = {'label_smoothing_cross_entropy': 0.1}
NUMPY_TYPES = {'F32': '<f4', 'F64': '<f8', 'I64': '<i8', 'I32': '<i4'}


def array(value):
    """A tensor of the wire as float64."""
    if isinstance(value, dict):
        data = np.frombuffer(base64.b64decode(value['data']), NUMPY_TYPES[value['dtype']])
        return data.reshape(value['shape']).astype(np.float64)
    return np.array(value, dtype=np.float64)


@dataclass
class Batch:
    """A request, read. Rows are the positions of the batch, classes are last; `shaped` gives back the client's layout."""

    request: dict

    @cached_property
    def loss(self):
        return self.request.get('loss', 'cross_entropy')

    @cached_property
    def smoothing(self):
        return self.request.get('label_smoothing', DEFAULT_SMOOTHING.get(self.loss, 0.0))

    @cached_property
    def raw_scores(self):
        return array(self.request['log_probabilities' if self.loss == 'nll' else 'logits'])

    @cached_property
    def raw_targets(self):
        return array(self.request['targets'])

    @cached_property
    def is_indices(self):
        if 'num_classes' in self.request:
            return self.raw_targets.ndim == 1
        return self.raw_targets.ndim == self.raw_scores.ndim - 1

    @cached_property
    def class_axis(self):
        return self.request.get('class_axis', -1)

    @cached_property
    def positions_shape(self):
        """Shape of the batch without its classes."""
        if self.is_indices:
            return self.raw_targets.shape
        return np.moveaxis(self.raw_targets, self.class_axis, -1).shape[:-1]

    @cached_property
    def num_classes(self):
        return self.request.get('num_classes') or self.raw_scores.shape[self.class_axis]

    def rows(self, tensor):
        return np.moveaxis(tensor, self.class_axis, -1).reshape(-1, self.num_classes)

    def shaped(self, rows):
        if rows.ndim == 1:
            return rows.reshape(self.positions_shape)
        axis = self.class_axis if len(self.positions_shape) > 1 else -1
        return np.moveaxis(rows.reshape(*self.positions_shape, self.num_classes), -1, axis)

    @cached_property
    def scores(self):
        return self.rows(self.raw_scores)

    @cached_property
    def labels(self):
        """[rows], -100 where ignored, however the client wrote that."""
        ignored = np.atleast_1d(array(self.request.get('ignore_index', -100)))
        labels = self.raw_targets.reshape(-1).astype(np.int64)
        return np.where(np.isin(labels, ignored), -100, labels)

    @cached_property
    def hard_targets(self):
        """[rows, classes] before smoothing and mixing; 0 where ignored."""
        if not self.is_indices:
            return self.rows(self.raw_targets)
        return (self.labels[:, None] == np.arange(self.num_classes)).astype(np.float64)

    @cached_property
    def mixup(self):
        """(lam [N], partner [N]) along the first axis; None without mixup."""
        if 'mixup' not in self.request:
            return None
        n = self.positions_shape[0]
        pairing = self.request['mixup'].get('pairing', 'flip')
        named = {'flip': np.arange(n)[::-1], 'roll': np.roll(np.arange(n), 1)}
        partner = named[pairing] if isinstance(pairing, str) else array(pairing).astype(np.int64)
        return np.broadcast_to(array(self.request['mixup']['lam']), (n,)), partner

    def mix(self, rows):
        if self.mixup is None:
            return rows
        lam, partner = self.mixup
        samples = rows.reshape(len(lam), -1, self.num_classes)
        lam = lam[:, None, None]
        return (lam * samples + (1 - lam) * samples[partner]).reshape(-1, self.num_classes)

    @cached_property
    def counted(self):
        if not self.is_indices:
            return np.ones(len(self.hard_targets), dtype=bool)
        own = self.labels != -100
        if self.mixup is None:
            return own
        lam, partner = self.mixup
        samples = own.reshape(len(lam), -1)
        return (samples & (samples[partner] | (lam == 1)[:, None])).reshape(-1)

    @cached_property
    def on_off(self):
        s, k = self.smoothing, self.num_classes
        if self.request.get('smoothing') == 'others':
            return 1 - s, s / (k - 1)
        if self.request.get('smoothing') == 'half':
            return 1 - s / 2, s / 2
        return 1 - s + s / k, s / k

    @cached_property
    def smoothed_targets(self):
        hard = self.hard_targets
        if 'prior' in self.request:
            smoothed = (1 - self.smoothing) * hard + self.smoothing * array(self.request['prior'])
        else:
            on, off = self.on_off
            smoothed = on * hard + off * (1 - hard)
        return np.where(self.counted[:, None], self.mix(smoothed), 0)

    @cached_property
    def class_weights(self):
        return array(self.request.get('class_weights', np.ones(self.num_classes)))

    @cached_property
    def sample_weights(self):
        return array(self.request.get('sample_weights', np.ones(len(self.counted)))).reshape(-1)

    @cached_property
    def reduction(self):
        return self.request.get('reduction', 'mean')

    @cached_property
    def normalizer(self):
        if self.reduction != 'mean':
            return 1.0
        if 'normalizer' in self.request:
            return float(self.request['normalizer'])
        if self.is_indices and self.mixup is None:
            counted = self.counted
            return float((self.sample_weights[counted] * self.class_weights[self.labels[counted]]).sum())
        return float(self.counted.sum())

    @cached_property
    def log_probabilities(self):
        if self.loss == 'nll':
            return self.scores
        with np.errstate(all='ignore'):
            shifted = self.scores - self.scores.max(axis=-1, keepdims=True)
            return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))

    def evaluate(self):
        """{loss, losses, gradients}, rows flat."""
        target = self.class_weights * self.smoothed_targets
        scale = self.sample_weights[:, None] / self.normalizer if self.normalizer else np.zeros((len(target), 1))
        with np.errstate(all='ignore'):
            losses = np.where(target == 0, 0, -target * self.log_probabilities).sum(axis=-1)
            losses = np.where(self.sample_weights == 0, 0, self.sample_weights * losses)
            if self.loss == 'nll':
                gradients = -target
            else:
                gradients = target.sum(axis=-1, keepdims=True) * np.exp(self.log_probabilities) - target
            # torch adds the 0/0 of the labels to whatever smoothing gives: a mean over nothing is NaN, never infinite.
            loss = losses.sum() / self.normalizer if self.normalizer else np.nan
        gradients = np.where(self.counted[:, None], gradients * scale, 0)
        return {'loss': loss, 'losses': losses, 'gradients': gradients}
