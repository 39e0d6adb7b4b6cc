"""Which cases there are: a design of all pairs for each file, and a few at K = 1000, where a case takes 100 kB."""

import zlib

from .covering import all_pairs
from .inputs import SEED, case_name, is_possible, loss_request, targets_request

# Around the lane widths of SIMD kernels.
SIZES = {'classes': [1, 2, 3, 4, 5, 7, 8, 9, 31, 33], 'rows': [1, 2, 3, 5]}
SMOOTHINGS = ['default', '0.1', '1', 'others', 'others_1', 'prior', 'prior_1']
REDUCTIONS = ['default', 'sum', 'none', 'normalizer']
WEIGHTS = ['absent', 'given', 'zero']
IGNORES = ['absent', 'default', 'custom', 'class', 'list', 'all']
RANGES = ['small', 'high', 'gaps']
LOSSES = ['cross_entropy', 'label_smoothing_cross_entropy', 'soft_target_cross_entropy', 'nll']
LARGE = {'classes': 1000, 'rows': 2}

COMMON = {**SIZES, 'weights': WEIGHTS, 'sample_weights': WEIGHTS, 'reduction': REDUCTIONS}
MIXUP = {'lam': ['0', '0.3', '1', 'rows'], 'pairing': ['default', 'flip', 'roll', 'explicit']}
LAYOUTS = {
    'layout': ['classes_last', 'classes_first'],
    'shape': [(2, 3), (2, 3, 4), (3, 5, 2), (1, 8, 5), (2, 7, 1), (2, 33, 3), (2, 3, 2, 2), (1, 5, 3, 2), (2, 4, 2, 3)],
}

DESIGNS = {
    'cross-entropy-indices': (
        {**COMMON, 'smoothing': SMOOTHINGS, 'ignore': IGNORES, 'range': RANGES},
        [{**LARGE, 'smoothing': '0.1'}, {**LARGE, 'smoothing': 'others', 'weights': 'given', 'range': 'high'}],
    ),
    'cross-entropy-probabilities': (
        {**COMMON, 'targets': ['probabilities', 'one_hot', 'sparse_probabilities'], 'smoothing': SMOOTHINGS, 'range': RANGES},
        [{**LARGE, 'targets': 'probabilities', 'smoothing': '0.1', 'weights': 'given'}],
    ),
    'mixup': (
        {
            **COMMON,
            **MIXUP,
            'loss': LOSSES,
            'targets': ['indices', 'probabilities'],
            'smoothing': ['0', '0.1', '1', 'others', 'prior'],
            'ignore': IGNORES,
        },
        [{**LARGE, 'lam': '0.3', 'smoothing': '0.1'}],
    ),
    'nll': (
        {**COMMON, 'loss': ['nll'], 'targets': ['indices', 'probabilities'], 'smoothing': SMOOTHINGS, 'ignore': IGNORES, 'range': ['small', 'gaps']},
        [{**LARGE, 'loss': 'nll', 'weights': 'given'}],
    ),
    'label-smoothing': (
        {
            **COMMON,
            'loss': ['label_smoothing_cross_entropy'],
            'targets': ['indices', 'probabilities'],
            'smoothing': ['0', *SMOOTHINGS],
            'ignore': IGNORES,
            'range': RANGES,
        },
        [{**LARGE, 'loss': 'label_smoothing_cross_entropy'}],
    ),
    'soft-target': (
        {
            **COMMON,
            'loss': ['soft_target_cross_entropy'],
            'targets': ['indices', 'probabilities'],
            'lam': ['absent', '0.3', 'rows'],
            'smoothing': SMOOTHINGS,
            'ignore': IGNORES,
            'range': RANGES,
        },
        [{**LARGE, 'loss': 'soft_target_cross_entropy', 'smoothing': '0.1'}],
    ),
    'shapes': (
        {
            **LAYOUTS,
            'loss': LOSSES,
            'targets': ['indices', 'probabilities'],
            'lam': ['absent', '0.3', 'rows'],
            'weights': WEIGHTS,
            'sample_weights': ['absent', 'given'],
            'smoothing': ['0', '0.1', 'others', 'prior'],
            'ignore': ['absent', 'default', 'list', 'all'],
            'reduction': REDUCTIONS,
        },
        [],
    ),
}

# What timm and torch themselves can be asked for: plain means, at every size.
PLAIN_SIZES = [{'classes': k, 'rows': 3 if k % 2 else 5} for k in SIZES['classes']]
PLAIN_SHAPES = [{'layout': layout, 'shape': shape} for layout in LAYOUTS['layout'] for shape in LAYOUTS['shape']]
PLAIN = {
    'label-smoothing': [{'loss': 'label_smoothing_cross_entropy', 'smoothing': s, 'reduction': 'mean'} for s in ('default', '0')],
    'soft-target': [
        {'loss': 'soft_target_cross_entropy', 'smoothing': s, 'lam': lam, 'reduction': 'mean'}
        for s, lam in (('0.1', '0.3'), ('0.1', 'absent'), ('1', 'rows'))
    ],
    'cross-entropy-indices': [
        {'smoothing': '0.1', 'reduction': 'mean', 'weights': 'given', 'ignore': 'default'},
        {'smoothing': 'default', 'reduction': 'mean', 'ignore': 'default'},
    ],
    'shapes': [
        {'loss': 'cross_entropy', 'smoothing': '0.1', 'reduction': 'mean', 'weights': 'given', 'ignore': 'default'},
        {'loss': 'cross_entropy', 'smoothing': '0.1', 'reduction': 'mean', 'targets': 'probabilities'},
        {'loss': 'nll', 'smoothing': '0', 'reduction': 'mean', 'weights': 'given', 'ignore': 'default'},
        {'loss': 'soft_target_cross_entropy', 'smoothing': '0.1', 'reduction': 'mean', 'lam': '0.3'},
    ],
}

TARGETS_DESIGN = {
    **SIZES,
    'targets': ['indices', 'probabilities', 'sparse_probabilities'],
    'lam': ['absent', *MIXUP['lam']],
    'pairing': MIXUP['pairing'],
    'smoothing': SMOOTHINGS,
    'ignore': IGNORES,
}


def loss_cases():
    """{file: [(name, request)]}"""
    return {name: _loss_cases(name) for name in DESIGNS}


def _loss_cases(file):
    factors, large = DESIGNS[file]
    sizes = PLAIN_SHAPES if 'shape' in factors else PLAIN_SIZES
    plain = [{**row, **size} for row in PLAIN.get(file, []) for size in sizes]
    rows = [*all_pairs(factors, _seed(file), is_possible), *plain, *large]
    names = [case_name(row, len(factors.get('loss', [])) > 1) for row in rows]
    return [(name, loss_request(row, f'{file}/{name}')) for name, row in dict(zip(names, rows)).items()]


def targets_cases():
    """[(name, request)]"""
    rows = [*all_pairs(TARGETS_DESIGN, _seed('targets'), is_possible), {**LARGE, 'smoothing': '0.1', 'lam': '0.3'}]
    plain = [{'classes': k, 'rows': 3, 'smoothing': '0.1', 'lam': lam} for k in SIZES['classes'] for lam in ('absent', '0.3')]
    rows = {case_name(row).replace('_mean_', '_'): row for row in [*rows, *plain]}
    return [(name, targets_request(row, f'targets/{name}')) for name, row in rows.items()]


def _seed(file):
    return SEED + zlib.crc32(file.encode())
