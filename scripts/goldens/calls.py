"""The calls that the documents give for each loss, run: every one of them has to give what the loss gives for its example.

A comment behind a call holds what the request says beside the example, as in `# reduction: "sum"`.
"""

import json
import math
import re
from types import SimpleNamespace

import torch
import torch.nn.functional as F

from .catalogue import Case, definitions, evaluate
from .consult import ask_jax
from .inputs import FLOAT64
from .libraries import fairseq, kornia, liger_kernel, run_call, torchvision
from .timm_source import timm

# Kernels for a GPU.
NOT_HERE = 'liger_kernel.transformers.'
ON_JAX = ('keras.', 'optax.', 'jax.')
TOLERANCE = 1e-10
# Some of its losses compute in float32 whatever they are given.
TOLERANCE_TIMM = 2e-6
FIELD = re.compile(r'(\w+): ')

MODULES = {
    'torch': torch,
    'F': F,
    'math': math,
    'timm': timm,
    'torchvision': SimpleNamespace(ops=torchvision),
    'kornia': SimpleNamespace(losses=kornia),
    'fairseq': SimpleNamespace(criterions=SimpleNamespace(label_smoothed_cross_entropy=fairseq)),
    'liger_kernel': SimpleNamespace(chunked_loss=SimpleNamespace(jsd_loss=SimpleNamespace(LigerFusedLinearJSDFunction=liger_kernel))),
}


def check_calls():
    """The number of calls that agree; raises where one does not, or does not run."""
    checked = 0
    for definition in definitions().values():
        for call in definition['calls']:
            if NOT_HERE not in call:
                _check(definition, call)
                checked += 1
    return checked


def _check(definition, call):
    setting = definition['settings'][0]
    request = {'loss': definition['name'], **definition['example'], **FLOAT64, **_said_beside(call)}
    case = Case(definition, setting, request)
    names = _names(case)
    value = ask_jax({'call': call, 'names': names}) if any(name in call for name in ON_JAX) else run_call(call, names, _tensor, MODULES)
    expected = evaluate(case)['loss']
    tolerance = TOLERANCE_TIMM if call.startswith('timm.') else TOLERANCE
    if not abs(float(value) - expected) <= tolerance * abs(expected):
        raise AssertionError(f"{definition['name']}: {call} is {value}, and the loss is {expected}")


def _said_beside(call):
    fields, comment = {}, call.partition('# ')[2]
    while found := FIELD.match(comment):
        fields[found[1]], end = json.JSONDecoder().raw_decode(comment, found.end())
        comment = comment[end:].removeprefix(', ')
    return fields


def _names(case):
    """What a call may name: the fields of the request, the parameters, and the targets before and after smoothing."""
    request = {name: value for name, value in case.request.items() if isinstance(value, (list, int, float))}
    targets = {} if 'teacher_logits' in request else {'q': case.smoothed_targets.tolist(), 'one_hot': case.mix(case.hard_targets).tolist()}
    weights = {'class_weights': case.class_weights.tolist(), 'num_classes': case.num_classes}
    return {**weights, **targets, **case.params, **request}


def _tensor(value, is_index):
    return torch.tensor(value, dtype=torch.int64 if is_index else torch.float64)
