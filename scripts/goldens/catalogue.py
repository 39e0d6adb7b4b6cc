"""Cases of every loss of the catalogue from its own definition: its oracle, in PyTorch float64 with autograd, says what is right."""

import json
import subprocess
import textwrap
import zlib
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F

from . import timm_source
from .consult import consult
from .covering import all_pairs
from .designs import LOSSES, MIXUP, RANGES, REDUCTIONS, WEIGHTS
from .inputs import DEFAULTS, FLOAT64, REDUCTION, SEED, SMOOTHING, case_name, distribution, generator, is_possible, scores, target_fields, weights
from .reference import DEFAULT_OUTPUTS, Batch, array

ROOT = Path(__file__).parent.parent.parent
SIZES = {'classes': [1, 2, 3, 4, 5, 8, 9, 33], 'rows': [1, 2, 3, 5]}
FORMS = {
    'indices': ['indices'],
    'probabilities': ['probabilities', 'one_hot', 'sparse_probabilities'],
    'labels': ['labels', 'on_off_labels'],
    'logits': ['teacher'],
}
SMOOTHINGS = {'uniform': ['default', '0.1', '1', 'prior'], 'others': ['others', 'others_1'], 'half': ['half']}
DENOMINATORS = {
    'labelWeights': lambda case: case.label_weights,
    'countedRows': lambda case: float(case.counted.sum()),
    'countedElements': lambda case: float(case.counted.sum() * case.num_classes),
}
# Confident and right, confident and wrong, beyond what exp can hold, and classes that are masked out.
EDGES = {
    'confident': ([[50, 0, 0], [0, 40, 0]], [0, 1]),
    'confident_and_wrong': ([[50, 0, 0], [0, 40, 0]], [1, 0]),
    'saturated': ([[1000, 0, 0], [0, -1000, 0]], [0, 2]),
    'saturated_and_wrong': ([[1000, 0, 0], [0, -1000, 0]], [1, 1]),
    'masked_class': ([[2, '-Infinity', 0.125], [0.5, 2.5, 0.375]], [0, 1]),
    'masked_target': ([[2, '-Infinity', 0.125], [0.5, 2.5, 0.375]], [1, 1]),
    'equal': ([[0, 0, 0], [-7, -7, -7]], [1, 0]),
}


@cache
def definitions():
    """{name: what scripts/goldens/definitions.ts says of a loss}"""
    dump = ['node', '--import', 'tsx', 'scripts/goldens/definitions.ts']
    printed = subprocess.run(dump, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {each['name']: each for each in json.loads(printed)}


def catalogue_definitions():
    """The losses that have an oracle's cases: those without cases of their own, and those with settings to go through."""
    return [each for each in definitions().values() if each['name'] not in LOSSES or len(each['settings']) > 1]


def catalogue_cases(definition):
    """[case] of a loss, with the functions that agree; where torch gives NaN there is none."""
    designed = {each[0]: each for each in [*_designed(definition), *_plain(definition), *_edges(definition)]}
    cases = [_golden(definition, *each) for each in designed.values()]
    return [case for case in cases if case]


def _designed(definition):
    """(name, setting, request)"""
    fields, smoothings = definition['fields'], definition['smoothings']
    factors = {
        **SIZES,
        'setting': list(range(len(definition['settings']))),
        'targets': [kind for form in definition['forms'] for kind in FORMS[form]],
        'reduction': REDUCTIONS,
        'range': RANGES,
        'sample_weights': WEIGHTS,
        'weights': WEIGHTS if 'class_weights' in fields else ['absent'],
        'smoothing': [each for convention in smoothings for each in SMOOTHINGS[convention]] or ['default'],
        'ignore': ['absent', 'default', 'list', 'all'] if 'ignore_index' in fields else ['absent'],
        'lam': ['absent', '0.3', 'rows'] if 'mixup' in fields else ['absent'],
        'pairing': MIXUP['pairing'] if 'mixup' in fields else ['default'],
    }
    name = definition['name']
    for row in all_pairs(factors, SEED + zlib.crc32(name.encode()), is_possible):
        setting = definition['settings'][row['setting']]
        row = {**DEFAULTS, **row, 'rows': row['rows'] * setting['rows_together']}
        label = f"{name}_{_suffix(row['setting'])}{case_name(row)}"
        yield label, setting, _request(definition, setting, row, label)


def _plain(definition):
    """What libraries themselves can be asked for: their own means and sums, without weights, at every setting."""
    forms = {'targets': FORMS[definition['forms'][0]][0], 'smoothing': '0.1' if definition['smoothings'] else 'default'}
    others = {'targets': FORMS[definition['forms'][-1]][0], 'smoothing': 'half' if 'half' in definition['smoothings'] else 'default'}
    rows = [
        {**forms, 'classes': 4, 'rows': 3},
        {**forms, 'classes': 4, 'rows': 3, 'reduction': 'sum'},
        {**others, 'classes': 9, 'rows': 2},
        {**others, 'targets': forms['targets'], 'smoothing': 'default', 'classes': 9, 'rows': 2},
    ]
    for index, setting in enumerate(definition['settings']):
        for row in rows:
            row = {**DEFAULTS, **row, 'rows': row['rows'] * setting['rows_together']}
            label = f"{definition['name']}_{_suffix(index)}plain_{case_name(row)}"
            yield label, setting, _request(definition, setting, row, label)


def _edges(definition):
    if 'indices' not in definition['forms']:
        return
    for index, setting in enumerate(definition['settings']):
        for edge, (logits, labels) in EDGES.items():
            if definition['field'] != 'logits':
                continue
            for smoothing in ('0', '0.1') if definition['smoothings'] else ('0',):
                name = f"{definition['name']}_{_suffix(index)}edge_{edge}{'' if smoothing == '0' else '_smoothed'}"
                repeat = setting['rows_together']
                request = {'loss': definition['name'], **FLOAT64, 'logits': logits * repeat, 'targets': labels * repeat}
                if definition['smoothings']:
                    request.update(SMOOTHING[smoothing][1])
                yield name, setting, {**request, **_params(setting, generator(name), 3)}


def _suffix(setting):
    return f'variant{setting}_' if setting else ''


def _params(setting, rng, classes):
    return {name: weights(rng, classes, 'given') if value == 'per_class' else value for name, value in setting['params'].items()}


def _request(definition, setting, row, name):
    rng = generator(name)
    n, classes = row['rows'], row['classes']
    request = {'loss': definition['name'], **FLOAT64, definition['field']: scores(rng, row['range'], (n, classes)).tolist()}
    if row['targets'] == 'teacher':
        request['teacher_logits'] = scores(rng, 'small', (n, classes)).tolist()
    elif row['targets'].endswith('labels'):
        fields = target_fields(rng, {**row, 'targets': 'probabilities'}, (n,), classes, 1)
        labels = rng.random((n, classes)) if row['targets'] == 'labels' else rng.integers(0, 2, (n, classes))
        request.update({**fields, 'targets': (np.round(labels * 1024) / 1024).tolist()})
    else:
        request.update(target_fields(rng, row, (n,), classes, 1))
    if row['weights'] != 'absent':
        request['class_weights'] = weights(rng, classes, row['weights'])
    if row['sample_weights'] != 'absent':
        request['sample_weights'] = weights(rng, n, row['sample_weights'])
    return {**request, **REDUCTION[row['reduction']][1], **_params(setting, rng, classes)}


class Case(Batch):
    """A request of a loss whose definition says what its fields mean."""

    def __init__(self, definition, setting, request):
        super().__init__(request)
        self.definition, self.setting = definition, setting

    @cached_property
    def smoothing(self):
        return self.request.get('label_smoothing', self.definition['label_smoothing'])

    @cached_property
    def raw_scores(self):
        return array(self.request[self.definition['field']])

    @cached_property
    def raw_targets(self):
        """The softmax of a teacher over its temperature, where there is one."""
        if 'teacher_logits' not in self.request:
            return array(self.request['targets'])
        return torch.softmax(torch.tensor(array(self.request['teacher_logits'])) / self.params['temperature'], dim=-1).numpy()

    @cached_property
    def params(self):
        return {name: self.request.get(name, value) for name, value in self.setting['operands'].items()}

    def shared(self, rows):
        """The first row's for every row of its group."""
        groups = len(rows) // self.setting['rows_together']
        return rows[np.arange(len(rows)) % groups]

    @cached_property
    def counted(self):
        return self.shared(super().counted)

    @cached_property
    def smoothed_targets(self):
        smoothed, threshold = self.shared(super().smoothed_targets), self.params.get('target_threshold')
        return np.where(self.counted[:, None], smoothed if threshold is None else smoothed > threshold, 0).astype(np.float64)

    @cached_property
    def label_weights(self):
        if not self.is_indices or self.mixup is not None:
            return float(self.counted.sum())
        counted = self.counted
        return float((self.sample_weights[counted] * self.class_weights[self.shared(self.labels)[counted]]).sum())

    @cached_property
    def normalizer(self):
        if self.reduction != 'mean':
            return 1.0
        if 'normalizer' in self.request:
            return float(self.request['normalizer'])
        denominator = DENOMINATORS.get(self.setting['denominator'])
        return denominator(self) if denominator else None

    @cached_property
    def unweighted(self):
        """What averages a part of the loss that class weights do not touch over rows."""
        if self.reduction != 'mean' or 'normalizer' in self.request or 'class_weights' not in self.request or not self.normalizer:
            return 1.0
        plain = Case(self.definition, self.setting, {k: v for k, v in self.request.items() if k != 'class_weights'})
        return self.normalizer / plain.normalizer

    def names(self, z):
        """What an oracle is given: see src/losses/definition.ts."""
        counted, request = self.counted, self.request
        is_plain = self.is_indices and self.mixup is None and 'prior' not in request and request.get('smoothing', 'uniform') == 'uniform'
        hard = array(request['teacher_logits']) if 'teacher_logits' in request else self.shared(self.mix(self.hard_targets))
        params = {name: torch.tensor(value) if isinstance(value, list) else value for name, value in self.params.items()}
        return {
            **params,
            'z': z,
            'y': torch.tensor(self.shared(self.labels)[counted]) if is_plain else None,
            't': torch.tensor(hard[counted]),
            'q': torch.tensor(self.smoothed_targets[counted]),
            'w': torch.tensor(self.class_weights),
            's': self.smoothing,
            'K': self.num_classes,
            'unweighted': self.unweighted,
            'params': SimpleNamespace(**params),
            'torch': torch,
            'F': F,
            'timm': timm_source.timm,
        }


def evaluate(case, dtype=torch.float64):
    """{normalizer, loss, losses, gradients}: the oracle, reduced."""
    z = torch.tensor(case.scores[case.counted], dtype=dtype, requires_grad=True)
    losses = oracle(case.definition)(**case.names(z))
    normalizer = case.normalizer
    if isinstance(losses, tuple):
        losses, own = losses
        normalizer = own if normalizer is None else normalizer
    if not case.counted.any():
        losses = losses * 0
    losses = losses * torch.tensor(case.sample_weights[case.counted])
    total = losses.sum()
    if normalizer and losses.requires_grad:
        (total / normalizer).backward()
    answer = {
        'normalizer': float(normalizer),
        'loss': total.item() / normalizer if normalizer else float('nan'),
        'losses': np.zeros(len(case.counted)),
        'gradients': np.zeros(case.scores.shape),
    }
    answer['losses'][case.counted] = losses.detach().numpy()
    if z.grad is not None:
        answer['gradients'][case.counted] = z.grad.numpy()
    return answer


def oracle(definition):
    """The oracle of a loss as a function of the names it is given."""
    body = textwrap.indent(textwrap.dedent(definition['oracle']).strip('\n'), '    ')
    names = 'z, y, t, q, w, s, K, unweighted, params, torch, F, timm'
    own = ''.join(f', {name}' for name in definition['settings'][0]['operands'] if name not in names.split(', '))
    namespace = {}
    exec(f'def oracle({names}{own}, **_):\n{body}', namespace)
    return namespace['oracle']


def _golden(definition, name, setting, request):
    case = Case(definition, setting, request)
    answer = evaluate(case)
    is_mean_over_nothing = answer['normalizer'] == 0
    if np.isnan(answer['losses']).any() or not np.isfinite(answer['gradients']).all():
        return None
    if not is_mean_over_nothing and np.isnan(answer['loss']):
        return None
    expected = {'normalizer': answer['normalizer'], 'smoothed_targets': case.smoothed_targets}
    for output in DEFAULT_OUTPUTS:
        if output in answer and not (output == 'loss' and case.reduction == 'none'):
            expected[output] = answer[output]
    agreeing = [f"the oracle of {definition['name']}", *consult(case, answer)]
    return {'name': name, 'request': request, 'expected': expected, 'agrees_with': agreeing}
