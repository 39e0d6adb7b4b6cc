"""The expected answer of a case: the numpy reference, and every function of a library that can express the request, agreeing."""

import numpy as np
import torch
import torch.nn.functional as F

from .catalogue import Case, definitions
from .consult import consult
from .reference import DEFAULT_OUTPUTS, Batch
from .routes import ROUTES, is_flipped, is_uniform, timm_mixed_targets

TOLERANCE = 1e-12


def agree(a, b):
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid='ignore'):
        return bool((same | (np.abs(a - b) <= TOLERANCE * np.maximum(1, np.abs(b)))).all())


def answer_loss(request):
    """(expected, source, routes that agree)."""
    batch = Batch(request)
    reference = batch.evaluate()
    # Only here may torch differ: 0 * inf, 0 / 0 and what an ignored row holds are the contract's to decide.
    is_degenerate = not np.isfinite(batch.scores).all() or batch.normalizer == 0
    agreeing = {}
    for name, route in ROUTES.items():
        answer = route(batch)
        if answer is None:
            continue
        if all(agree(answer[key], reference[key]) for key in answer):
            agreeing[name] = answer
        elif not is_degenerate:
            raise AssertionError(f'{name} differs for {request}:\n{answer}\n{reference}')
    values = {**reference, **(next(iter(agreeing.values())) if agreeing else {})}
    expected = {'normalizer': batch.normalizer}
    for name in request.get('outputs', DEFAULT_OUTPUTS):
        if name == 'loss':
            if batch.reduction != 'none':
                expected['loss'] = values['loss']
        elif name in values:
            expected[name] = batch.shaped(values[name])
        else:
            expected[name] = OUTPUTS[name](batch)
    definition = definitions()[batch.loss]
    others = consult(Case(definition, definition['settings'][0], request), {**reference, 'normalizer': batch.normalizer})
    return expected, 'torch' if agreeing else 'contract', list(dict.fromkeys([*agreeing, *others]))


def _log_probabilities(batch):
    scores = torch.tensor(batch.scores)
    return scores if batch.loss == 'nll' else F.log_softmax(scores, dim=-1)


def _metrics(batch):
    """Means over the rows that count, of targets that are mixed and not smoothed, without weights."""
    counted = batch.counted
    log_p, targets = _log_probabilities(batch)[counted], torch.tensor(batch.mix(batch.hard_targets)[counted])
    nll = torch.where(targets == 0, 0.0, -targets * log_p).sum(dim=-1).mean()
    accuracy = (log_p.argmax(dim=-1) == targets.argmax(dim=-1)).double().mean()
    return {'accuracy': accuracy.item(), 'nll': nll.item(), 'perplexity': nll.exp().item()}


OUTPUTS = {
    'smoothed_targets': lambda batch: batch.shaped(batch.smoothed_targets),
    'probabilities': lambda batch: batch.shaped(_log_probabilities(batch).exp().numpy()),
    'log_probabilities': lambda batch: batch.shaped(_log_probabilities(batch).numpy()),
    'predictions': lambda batch: batch.shaped(np.argmax(batch.scores, axis=-1)),
    'metrics': _metrics,
}


def answer_targets(request):
    """(expected, source, routes that agree)."""
    batch = Batch(request)
    smoothed = batch.smoothed_targets
    expected = {'smoothed_targets': batch.shaped(smoothed)}
    if batch.is_indices and 'prior' not in request:
        expected['on_value'], expected['off_value'] = batch.on_off
    if not (batch.is_indices and is_uniform(batch) and is_flipped(batch) and batch.counted.all()):
        return expected, 'contract', []
    if not agree(timm_mixed_targets(batch).numpy(), smoothed):
        raise AssertionError(f'timm differs for {request}')
    return expected, 'torch', ['timm.data.mixup.mixup_target']


ANSWERS = {'loss': answer_loss, 'targets': answer_targets}
