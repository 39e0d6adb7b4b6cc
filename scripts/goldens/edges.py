"""Cases written by hand: infinities, zeros over zeros, rows that hold anything, defaults, outputs and encodings."""

import base64

import numpy as np

from .designs import LOSSES
from .inputs import FLOAT64

INF, NAN = 'Infinity', 'NaN'
LOGITS = [[2, 1, 0.125], [0.5, 2.5, 0.375], [-1, 0.25, 3]]
LOG_PROBABILITIES = [[-0.5, -1.5, -1.75], [-2.25, -0.25, -2.5], [-4, -2.75, -0.125]]
MASKED = [[2, '-Infinity', 0.125], [0.5, 2.5, 0.375]]
SMOOTH = {'label_smoothing': 0.1}
MASKED_LOG_PROBABILITIES = [[-0.25, '-Infinity', -1.5], [-2, -0.25, -2.5]]
HALF = [[0.5, 0, 0.5], [0.25, 0.5, 0.25]]


def tensor(values, dtype, numpy_type):
    """A tensor of the wire as base64."""
    a = np.array(values, dtype=numpy_type)
    return {'dtype': dtype, 'shape': list(a.shape), 'data': base64.b64encode(a.tobytes()).decode()}


def loss_case(name, targets=(0, 1, 2), logits=LOGITS, **fields):
    targets = targets if isinstance(targets, dict) else list(targets)
    if fields.get('loss') == 'nll':
        given = LOG_PROBABILITIES if logits is LOGITS else MASKED_LOG_PROBABILITIES if logits is MASKED else logits
        return name, {**FLOAT64, 'log_probabilities': given, 'targets': targets, **fields}
    return name, {'loss': 'cross_entropy', **FLOAT64, 'logits': logits, 'targets': targets, **fields}


def masked_classes():
    """A class at -Infinity, by loss and by what the target gives it."""
    for loss in LOSSES:
        sharp = {'loss': loss, 'label_smoothing': 0}
        yield loss_case(f'{loss}_masked_class_without_weight', [0, 1], MASKED, **sharp)
        yield loss_case(f'{loss}_masked_class_without_weight_sum', [2, 1], MASKED, reduction='sum', **sharp)
        yield loss_case(f'{loss}_masked_class_is_target', [1, 1], MASKED, **sharp)
        yield loss_case(f'{loss}_masked_class_is_target_none', [1, 1], MASKED, reduction='none', **sharp)
        yield loss_case(f'{loss}_masked_class_smoothed', [0, 1], MASKED, loss=loss, **SMOOTH)
        yield loss_case(f'{loss}_masked_class_others', [0, 1], MASKED, loss=loss, smoothing='others', **SMOOTH)
        yield loss_case(f'{loss}_masked_class_prior_without_weight', [0, 1], MASKED, loss=loss, prior=[0.75, 0, 0.25], **SMOOTH)
        yield loss_case(f'{loss}_masked_class_probabilities_without_weight', HALF, MASKED, **sharp)
        yield loss_case(f'{loss}_masked_class_probabilities', HALF[::-1], MASKED, **sharp)
        yield loss_case(f'{loss}_masked_class_mixed_in', [0, 1], MASKED, mixup={'lam': 0.75}, **sharp)
        yield loss_case(f'{loss}_masked_class_mixed_without_weight', [0, 2], MASKED, mixup={'lam': 0.75}, **sharp)
        yield loss_case(f'{loss}_masked_class_is_target_of_zero_sample_weight', [1, 1], MASKED, sample_weights=[0, 1], **sharp)
    yield loss_case('one_class_left', [0, 1], [[0.5, '-Infinity', '-Infinity'], ['-Infinity', -3, '-Infinity']])
    yield loss_case('masked_class_weights', [0, 1], MASKED, class_weights=[1, 2, 0.5])
    yield loss_case('masked_class_smoothed_weights', [0, 1], MASKED, class_weights=[1, 2, 0.5], **SMOOTH)
    yield loss_case('masked_class_smoothing_one', [0, 1], MASKED, label_smoothing=1)
    yield loss_case('masked_class_smoothing_one_others', [0, 1], MASKED, label_smoothing=1, smoothing='others')
    yield loss_case('masked_target_smoothing_one_others', [1, 0], MASKED, label_smoothing=1, smoothing='others')


def ignored_rows():
    for content in (NAN, INF, '-Infinity'):
        bad = [[content] * 3, LOGITS[1], LOGITS[2]]
        yield loss_case(f'ignored_row_of_{content}', [-100, 1, 2], bad)
        yield loss_case(f'ignored_row_of_{content}_sum', [-100, 1, 2], bad, reduction='sum', **SMOOTH)
        yield loss_case(f'ignored_row_of_{content}_soft_target', [-100, 1, 2], bad, loss='soft_target_cross_entropy', **SMOOTH)
        yield loss_case(f'ignored_row_of_{content}_nll', [-100, 1, 2], bad, loss='nll')
    for reduction in ('mean', 'sum', 'none'):
        for loss in LOSSES:
            yield loss_case(f'{loss}_all_ignored_{reduction}', [-100] * 3, loss=loss, reduction=reduction)
    yield loss_case('all_ignored_normalizer', [-100] * 3, normalizer=4)
    yield loss_case('all_ignored_mixup', [-100] * 3, mixup={'lam': 0.75})
    yield loss_case('ignored_by_list_of_one', [0, 7, 2], ignore_index=[7])
    yield loss_case('ignored_by_empty_list', [0, 1, 2], ignore_index=[])
    yield loss_case('partner_ignored', [-100, 1, 2], mixup={'lam': 0.75})
    yield loss_case('partner_ignored_without_weight', [-100, 1, 2], mixup={'lam': [1, 0.5, 1]})
    yield loss_case('itself_ignored_without_weight', [-100, 1, 2], mixup={'lam': [0, 0.5, 0]})


def denominators():
    for loss in LOSSES:
        sharp = {'loss': loss, 'label_smoothing': 0}
        yield loss_case(f'{loss}_zero_weight_of_every_target', [0, 0, 0], class_weights=[0, 1, 2], **sharp)
        yield loss_case(f'{loss}_zero_sample_weights', [0, 1, 2], sample_weights=[0, 0, 0], **sharp)
        yield loss_case(f'{loss}_weights_differ_by_route_indices', [0, 1, 0], class_weights=[0.25, 4, 1], loss=loss, **SMOOTH)
        yield loss_case(f'{loss}_weights_differ_by_route_one_hot', [[1, 0, 0], [0, 1, 0], [1, 0, 0]], class_weights=[0.25, 4, 1], loss=loss, **SMOOTH)
    yield loss_case('zero_weight_of_every_target_sum', [0, 0, 0], class_weights=[0, 1, 2], reduction='sum')
    yield loss_case('zero_weight_of_every_target_normalizer', [0, 0, 0], class_weights=[0, 1, 2], normalizer=2)
    yield loss_case('zero_weight_of_every_target_one_hot', [[1, 0, 0]] * 3, class_weights=[0, 1, 2])
    yield loss_case('zero_weight_of_every_target_smoothed', [0, 0, 0], class_weights=[0, 1, 2], **SMOOTH)
    yield loss_case('rare_class_outweighs_target', [0, 0, 0], class_weights=[1, 1, 100], **SMOOTH)


def numbers():
    yield loss_case('confident_and_right', [0], [[50, 0, 0]])
    yield loss_case('confident_and_wrong', [1], [[50, 0, 0]])
    yield loss_case('all_equal', [1, 0], [[0, 0, 0], [-7, -7, -7]])
    yield loss_case('logits_of_1e30', [0, 2], [[1e30, -1e30, 0], [-1e30, 1e30, 1e30]])
    yield loss_case('gap_overflows_exp', [0, 1], [[0, 1000, 0], [-100_000, 0, 100_000]], **SMOOTH)
    yield loss_case('subnormal', [0, 1], [[1e-40, 0, -1e-40], [0, 1e-40, 0]])
    yield loss_case('one_class', [0, 0], [[5], [-5]], **SMOOTH)
    yield loss_case('one_class_probabilities', [[1], [1]], [[5], [-5]], **SMOOTH)
    yield loss_case('sum_of_probabilities_above_one', [[0.5, 0.25, 0.25048828125]], [[1, 2, 3]], **SMOOTH)
    yield loss_case('sum_of_probabilities_below_one', [[0.5, 0.25, 0.24951171875]], [[1, 2, 3]])
    yield loss_case('log_probabilities_not_normalised', [0, 1], [[-1, -1, -1], [0, 0, 0]], loss='nll')
    yield loss_case('log_probabilities_positive', [0, 1], [[1, 2, 3], [3, 2, 1]], loss='nll', **SMOOTH)


def defaults():
    yield 'no_loss_named', {**FLOAT64, 'logits': LOGITS, 'targets': [0, 1, 2]}
    for loss in LOSSES:
        yield loss_case(f'{loss}_nothing_but_required', loss=loss)
    yield loss_case('every_default_written', [0, 1, 2], class_axis=-1, label_smoothing=0, smoothing='uniform', ignore_index=-100,
                    reduction='mean', encoding='array', outputs=['loss', 'losses', 'gradients', 'smoothed_targets'])
    yield loss_case('class_axis_of_a_matrix', class_axis=1, **SMOOTH)


def edge_cases():
    """[(name, request)]"""
    return [*masked_classes(), *ignored_rows(), *denominators(), *numbers(), *defaults()]


def output_cases():
    """[(name, request)]: what is asked for, and how tensors are written."""
    derived = ['probabilities', 'log_probabilities', 'predictions']
    everything = ['loss', 'losses', 'gradients', 'smoothed_targets', *derived, 'metrics']
    cases = []
    for loss in LOSSES:
        scores = {'loss': loss}
        cases += [
            loss_case(f'{loss}_every_output', [0, 2, 2], outputs=everything, **scores),
            loss_case(f'{loss}_every_output_base64', [0, 2, 2], outputs=everything, encoding='base64', **scores),
            loss_case(f'{loss}_loss_alone', outputs=['loss'], **scores),
            loss_case(f'{loss}_derived_outputs', outputs=derived, **scores),
            loss_case(f'{loss}_metrics_smoothed', [0, 2, 2], outputs=['metrics', 'loss'], **scores, **SMOOTH),
            loss_case(f'{loss}_metrics_ignored', [0, -100, 0], outputs=['metrics'], class_weights=[1, 2, 3], **scores),
            loss_case(f'{loss}_metrics_probabilities', [*HALF, [0.125, 0.125, 0.75]], outputs=['metrics'], **scores),
            loss_case(f'{loss}_metrics_mixed', outputs=['metrics'], mixup={'lam': 0.75, 'pairing': 'roll'}, **scores),
            loss_case(f'{loss}_no_loss_with_reduction_none', outputs=['loss', 'losses'], reduction='none', **scores),
        ]
    layout = {'logits': [[[1, 2], [3, 0.5], [0, 0]], [[2, 1], [1, 4], [5, 0.25]]], 'targets': [[1, 0], [2, 1]], 'class_axis': 1}
    return cases + [
        loss_case('tie_goes_to_the_lowest_class', [1, 0], [[1, 1, 1], [0, 3, 3]], outputs=['predictions', 'metrics']),
        loss_case('every_output_classes_first', **layout, outputs=everything),
        loss_case('every_output_classes_first_base64', **layout, outputs=everything, encoding='base64'),
        loss_case('masked_class_probabilities', [0, 1], MASKED, outputs=['probabilities', 'log_probabilities', 'predictions', 'metrics']),
        loss_case('tensors_as_base64_F32', tensor([0, 1, 2], 'I64', '<i8'), tensor(LOGITS, 'F32', '<f4'), class_weights=tensor([1, 2, 3], 'F32', '<f4')),
        loss_case('tensors_as_base64_F64', tensor([0, 1, 2], 'I32', '<i4'), tensor(LOGITS, 'F64', '<f8'), mixup={'lam': tensor([0.25, 0.5, 1], 'F64', '<f8')}),
        loss_case('probabilities_as_base64', tensor([*HALF, HALF[0]], 'F32', '<f4'), prior=tensor([0.5, 0.25, 0.25], 'F32', '<f4'), **SMOOTH),
    ]


def target_edge_cases():
    """[(name, request)] of `POST /targets`."""
    three = {'num_classes': 3, **FLOAT64}
    return [
        ('the_contract', {**three, 'targets': [0, 2], **SMOOTH, 'mixup': {'lam': 0.3}}),
        ('every_default_written', {**three, 'targets': [0, 2], 'class_axis': -1, 'label_smoothing': 0, 'smoothing': 'uniform', 'ignore_index': -100, 'encoding': 'array'}),
        ('encoding_base64', {**three, 'targets': [0, 2], **SMOOTH, 'encoding': 'base64'}),
        ('as_base64', {**three, 'targets': tensor([0, 2], 'I64', '<i8'), **SMOOTH}),
        ('sequence_of_probabilities', {**three, 'targets': [HALF, HALF[::-1]], **SMOOTH, 'mixup': {'lam': [0.25, 0.75]}}),
        ('probabilities_classes_first', {**three, 'class_axis': 1, 'targets': [[[0.5, 0.25], [0.25, 0.5], [0.25, 0.25]]], **SMOOTH}),
    ]
