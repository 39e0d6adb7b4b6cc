"""Requests from rows of a design. Every number but lam and the smoothing factor is a float32 too, so both types compute on the same input."""

import zlib

import numpy as np

SEED = 2005
GRID = 1024
FLOAT64 = {'dtype': 'float64'}

# What each value of a factor puts in the request, and in the name of the case ('' = nothing).
SMOOTHING = {
    'default': ('', {}),
    '0': ('no_smoothing', {'label_smoothing': 0}),
    '0.1': ('smoothing', {'label_smoothing': 0.1}),
    '1': ('smoothing_one', {'label_smoothing': 1, 'smoothing': 'uniform'}),
    'others': ('smoothing_others', {'label_smoothing': 0.1, 'smoothing': 'others'}),
    'others_1': ('smoothing_others_one', {'label_smoothing': 1, 'smoothing': 'others'}),
    'prior': ('smoothing_prior', {'label_smoothing': 0.1}),
    'prior_1': ('smoothing_prior_one', {'label_smoothing': 1}),
    'half': ('smoothing_half', {'label_smoothing': 0.1, 'smoothing': 'half'}),
}
REDUCTION = {
    'default': ('mean', {}),
    'mean': ('explicit_mean', {'reduction': 'mean'}),
    'sum': ('sum', {'reduction': 'sum'}),
    'none': ('none', {'reduction': 'none'}),
    'normalizer': ('normalizer', {'reduction': 'mean', 'normalizer': 6.5}),
}
LAM = {'absent': '', '0': 'mixed_lam_0', '0.3': 'mixed', '1': 'mixed_lam_1', 'rows': 'mixed_lam_rows'}
IGNORE = {'absent': '', 'default': 'ignore', 'custom': 'ignore_custom', 'class': 'ignore_class', 'list': 'ignore_list', 'all': 'ignore_all'}

DEFAULTS = {
    'loss': 'cross_entropy',
    'targets': 'indices',
    'range': 'small',
    'weights': 'absent',
    'sample_weights': 'absent',
    'smoothing': 'default',
    'ignore': 'absent',
    'lam': 'absent',
    'pairing': 'default',
    'reduction': 'default',
    'layout': 'flat',
}


def is_possible(row):
    """Combinations without a meaning: "others" of one class, ignored rows of probabilities, partners of rows that are not mixed."""
    classes = row.get('classes', row.get('shape', (0, 0))[1])
    return not (
        (classes == 1 and row.get('smoothing', '').startswith('others'))
        or (row.get('targets', 'indices') != 'indices' and row.get('ignore', 'absent') != 'absent')
        or (row.get('lam') == 'absent' and row.get('pairing', 'default') != 'default')
    )


def case_name(row, prefix_loss=False):
    row = {**DEFAULTS, **row}
    parts = [
        row['loss'] if prefix_loss else '',
        row['targets'],
        '' if row['range'] == 'small' else row['range'],
        {'absent': '', 'given': 'weights', 'zero': 'zero_weight'}[row['weights']],
        SMOOTHING[row['smoothing']][0],
        IGNORE[row['ignore']],
        {'absent': '', 'given': 'sample_weights', 'zero': 'zero_sample_weight'}[row['sample_weights']],
        LAM[row['lam']],
        '' if row['pairing'] == 'default' else row['pairing'],
        REDUCTION[row['reduction']][0],
        '' if row['layout'] == 'flat' else row['layout'],
        'x'.join(map(str, shape_of(row))),
    ]
    return '_'.join(filter(None, parts))


def shape_of(row):
    """[N, d1, ..., K] or, classes first, [N, K, d1, ...]."""
    if 'shape' in row:
        n, classes, *deeper = row['shape']
        return (n, classes, *deeper) if row['layout'] == 'classes_first' else (n, *deeper, classes)
    return (row['rows'], row['classes'])


def generator(name):
    """Random numbers of the case alone: a case that is added changes no other."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def loss_request(row, name):
    row, rng = {**DEFAULTS, **row}, generator(name)
    shape = shape_of(row)
    axis = 1 if row['layout'] == 'classes_first' else len(shape) - 1
    classes, positions = shape[axis], shape[:axis] + shape[axis + 1 :]
    request = {'loss': row['loss'], **FLOAT64}
    if row['layout'] == 'classes_first':
        request['class_axis'] = 1
    logits = scores(rng, row['range'], (*positions, classes))
    if row['loss'] == 'nll':
        request['log_probabilities'] = np.moveaxis(rounded_log_softmax(logits), -1, axis).tolist()
    else:
        request['logits'] = np.moveaxis(logits, -1, axis).tolist()
    request.update(target_fields(rng, row, positions, classes, axis))
    if row['weights'] != 'absent':
        request['class_weights'] = weights(rng, classes, row['weights'])
    if row['sample_weights'] != 'absent':
        flat = np.array(weights(rng, int(np.prod(positions)), row['sample_weights']))
        request['sample_weights'] = flat.reshape(positions).tolist()
    return {**request, **REDUCTION[row['reduction']][1]}


def targets_request(row, name):
    rng, row = generator(name), {**DEFAULTS, **row}
    n, classes = shape_of(row)
    return {'num_classes': classes, **FLOAT64, **target_fields(rng, row, (n,), classes, 1)}


def target_fields(rng, row, positions, classes, axis):
    fields = dict(SMOOTHING[row['smoothing']][1])
    if row['smoothing'].startswith('prior'):
        fields['prior'] = distribution(rng, classes).tolist()
    if row['targets'] == 'indices':
        labels, ignore_index = indices(rng, row['ignore'], int(np.prod(positions)), classes)
        fields['targets'] = labels.reshape(positions).tolist()
        if ignore_index is not None:
            fields['ignore_index'] = ignore_index
    else:
        rows = [distribution(rng, classes, row['targets']) for _ in range(int(np.prod(positions)))]
        fields['targets'] = np.moveaxis(np.array(rows).reshape(*positions, classes), -1, axis).tolist()
    if row['lam'] != 'absent':
        n = positions[0]
        lam = lam_rows(rng, n) if row['lam'] == 'rows' else float(row['lam'])
        pairing = {'default': {}, 'explicit': {'pairing': rng.integers(0, n, n).tolist()}}.get(row['pairing'], {'pairing': row['pairing']})
        fields['mixup'] = {'lam': lam, **pairing}
    return fields


def scores(rng, kind, shape):
    if kind == 'small':
        return rng.integers(-2 * GRID, 2 * GRID + 1, shape) / GRID
    if kind == 'high':
        return rng.integers(90 * GRID, 100 * GRID + 1, shape) / GRID
    return rng.choice([-10_000, 0, 10_000], shape) + rng.integers(-GRID, GRID + 1, shape) / GRID


def rounded_log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.round((shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))) * GRID) / GRID


def distribution(rng, classes, kind='probabilities'):
    if kind == 'one_hot':
        return np.eye(classes)[rng.integers(classes)]
    p = rng.dirichlet(np.ones(classes))
    if kind == 'sparse_probabilities':
        p[rng.permutation(classes)[: classes // 2]] = 0
    return rng.multinomial(GRID, p / p.sum()) / GRID


def weights(rng, size, kind):
    values = rng.integers(1, 25, size) / 8
    if kind == 'zero':
        values[rng.integers(size)] = 0
    return values.tolist()


def lam_rows(rng, n):
    """One of them 0 and one 1, where there are three."""
    lam = rng.integers(1, 16, n) / 16
    if n > 2:
        lam[rng.permutation(n)[:2]] = [0, 1]
    return lam.tolist()


def indices(rng, ignore, size, classes):
    """(labels, ignore_index), some of the rows ignored but, where there are two, not all."""
    labels = rng.integers(0, classes, size)
    if ignore == 'absent':
        return labels, None
    if ignore == 'all':
        return np.full(size, -100), None
    if ignore == 'class':
        return labels, int(labels[rng.integers(size)])
    hit = rng.random(size) < 0.3
    first, second = rng.permutation(size)[[0, -1]]
    hit[second] = False
    hit[first] = True
    labels[hit] = {'default': -100, 'custom': -1, 'list': 255_000}[ignore]
    if ignore == 'list':
        labels[first] = -1
    return labels, {'default': None, 'custom': -1, 'list': [-1, 255_000]}[ignore]
