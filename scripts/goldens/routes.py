"""The same answers from real torch and timm functions, float64 autograd. Each route says which requests it can express."""

import numpy as np
import torch
import torch.nn.functional as F

from .timm_source import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy, mixup_target

# timm builds its one-hot targets in the default type.
torch.set_default_dtype(torch.float64)


def is_plain(batch):
    """Whether torch's own reductions apply: no sample weights, no explicit denominator."""
    return 'sample_weights' not in batch.request and 'normalizer' not in batch.request


def is_uniform(batch):
    return batch.request.get('smoothing', 'uniform') == 'uniform' and 'prior' not in batch.request


def is_timm(batch):
    """timm knows a mean over [N, K] and neither weights nor ignored rows."""
    return (
        is_plain(batch)
        and is_uniform(batch)
        and batch.loss != 'nll'
        and batch.reduction == 'mean'
        and batch.scores.shape == batch.raw_scores.shape
        and 'class_weights' not in batch.request
        and batch.counted.all()
    )


def is_flipped(batch):
    return batch.mixup is None or (batch.mixup[1] == np.arange(len(batch.counted))[::-1]).all()


def timm_mixed_targets(batch):
    """timm's targets [N, K] of class indices."""
    lam = 1.0 if batch.mixup is None else torch.tensor(batch.mixup[0]).unsqueeze(1)
    return mixup_target(torch.tensor(batch.labels), batch.num_classes, lam, batch.smoothing)


def timm_label_smoothing(batch):
    if is_timm(batch) and batch.is_indices and batch.mixup is None and batch.smoothing < 1:
        criterion = LabelSmoothingCrossEntropy(batch.smoothing)
        return _answer(batch, lambda z: (None, criterion(z, torch.tensor(batch.labels))))


def timm_soft_target(batch):
    if is_timm(batch) and batch.is_indices and is_flipped(batch):
        return _answer(batch, lambda z: (None, SoftTargetCrossEntropy()(z, timm_mixed_targets(batch))))
    if is_timm(batch) and not batch.is_indices and batch.mixup is None and batch.smoothing == 0:
        return _answer(batch, lambda z: (None, SoftTargetCrossEntropy()(z, torch.tensor(batch.hard_targets))))


def cross_entropy_indices(batch):
    """torch's index route in torch's own layout, [N, K, d1, ...]."""
    if batch.loss == 'nll' or not batch.is_indices or batch.mixup is not None or not is_uniform(batch):
        return None
    return _torch_route(batch, F.cross_entropy, batch.labels.reshape(batch.positions_shape), {'label_smoothing': batch.smoothing})


def cross_entropy_probabilities(batch):
    if batch.loss == 'nll' or batch.is_indices or batch.mixup is not None or not is_uniform(batch):
        return None
    targets = np.moveaxis(batch.hard_targets.reshape(*batch.positions_shape, -1), -1, 1)
    return _torch_route(batch, F.cross_entropy, targets, {'label_smoothing': batch.smoothing})


def cross_entropy_smoothed_targets(batch):
    """torch's probability route on targets that are smoothed and mixed already: it can express any of them."""
    if batch.loss == 'nll':
        return None
    weight, q = torch.tensor(batch.class_weights), torch.tensor(batch.smoothed_targets)
    return _answer(batch, lambda z: (F.cross_entropy(z, q, weight=weight, reduction='none'), None))


def nll_loss(batch):
    if batch.loss != 'nll' or not batch.is_indices or batch.mixup is not None or batch.smoothing != 0:
        return None
    return _torch_route(batch, F.nll_loss, batch.labels.reshape(batch.positions_shape), {})


def formula(batch):
    """-sum w q log p as it stands."""
    weight, q = torch.tensor(batch.class_weights), torch.tensor(batch.smoothed_targets)
    log_p = (lambda z: z) if batch.loss == 'nll' else (lambda z: F.log_softmax(z, dim=-1))
    return _answer(batch, lambda z: (-(weight * q * log_p(z)).sum(dim=-1), None))


ROUTES = {
    'timm.loss.LabelSmoothingCrossEntropy': timm_label_smoothing,
    'timm.loss.SoftTargetCrossEntropy(timm.data.mixup.mixup_target)': timm_soft_target,
    'F.cross_entropy(class indices)': cross_entropy_indices,
    'F.cross_entropy(probabilities)': cross_entropy_probabilities,
    'F.nll_loss': nll_loss,
    'F.cross_entropy(smoothed targets)': cross_entropy_smoothed_targets,
    'autograd of -sum(w * q * log_p)': formula,
}


def _torch_route(batch, function, targets, options):
    def evaluate(z):
        # nll_loss of images asks for it in its backward pass.
        scores = torch.movedim(z.reshape(*batch.positions_shape, -1), -1, 1).contiguous()
        given = {'weight': torch.tensor(batch.class_weights) if 'class_weights' in batch.request else None, **options}
        losses = function(scores, torch.tensor(targets), reduction='none', **given).reshape(-1)
        if batch.reduction == 'none' or not is_plain(batch):
            return losses, None
        return losses, function(scores, torch.tensor(targets), reduction=batch.reduction, **given)

    return _answer(batch, evaluate)


def _answer(batch, evaluate):
    """{loss, losses, gradients} from (losses, loss), either of which may be None: what the route does not say."""
    z = torch.tensor(batch.scores, requires_grad=True)
    losses, loss = evaluate(z)
    if losses is not None:
        losses = losses * torch.tensor(batch.sample_weights)
    if loss is None:
        loss = losses.sum() / batch.normalizer
    loss.backward()
    answer = {'loss': loss.item(), 'gradients': z.grad.numpy()}
    return answer if losses is None else {**answer, 'losses': losses.detach().numpy()}
