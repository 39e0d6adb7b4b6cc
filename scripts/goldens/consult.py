"""Asks every function of other libraries that can express a request, and holds its answer to ten digits."""

import json
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import torch

from .libraries import question

BESIDE_TORCH = ['pytorch', 'timm', 'torchvision', 'fairseq', 'kornia', 'liger_kernel']
BESIDE_JAX = ['optax', 'keras']
SCRIPTS = Path(__file__).parent.parent
JAX_PYTHON = SCRIPTS.parent / '.venv-jax/bin/python'

# What is left of gradients that cancel is as large as the rounding of what they are the difference of.
RELATIVE, ABSOLUTE = 1e-10, 1e-13
# Beyond it 1 - p, which some libraries compute so, has lost more than six of sixteen digits.
MODERATE = 1e-6


def consult(case, answer):
    """[name] of the functions that agree with {normalizer, loss, losses, gradients} of a case; raises where one does not."""
    if not answer['normalizer'] or not case.counted.any():
        return []
    fields = _fields(case, answer['normalizer'])
    asked = question(fields, torch.tensor, torch.tensor)
    answers = {route.name: _evaluate(route, asked) for route in _routes() if route.can(asked)}
    answers.update(ask_jax(fields))
    expected = {**answer, 'losses': answer['losses'][case.counted], 'gradients': answer['gradients'][case.counted]}
    for name, given in answers.items():
        for key, value in given.items():
            if not _agree(value, expected[key]):
                raise AssertionError(f'{name} has other {key} for {case.request}:\n{value}\n{expected[key]}')
    return list(answers)


def versions():
    """{distribution: version} of all that is asked."""
    found = {}
    for name in BESIDE_TORCH:
        found.update(getattr(_library(name), 'VERSIONS', {}))
    return {**found, **ask_jax({'versions': True})}


def _agree(given, expected):
    given, expected = np.asarray(given, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    with np.errstate(invalid='ignore'):
        return bool(((given == expected) | (np.abs(given - expected) <= RELATIVE * np.abs(expected) + ABSOLUTE)).all())


def _library(name):
    return import_module(f'.libraries.{name}', __package__)


@cache
def _routes():
    return [route for name in BESIDE_TORCH for route in _library(name).ROUTES]


def _evaluate(route, asked):
    z = asked.z.clone().requires_grad_()
    answered = route.answer(asked, z)
    losses, loss = answered if isinstance(answered, tuple) else (answered, None)
    given = {}
    if losses is not None:
        given['losses'] = (losses * asked.v).detach().numpy()
        loss = (losses * asked.v).sum() / asked.normalizer if loss is None else loss
    loss.backward()
    return {**given, 'loss': loss.item(), 'gradients': z.grad.numpy()}


@cache
def _jax():
    if not JAX_PYTHON.exists():
        raise SystemExit(f'no {JAX_PYTHON}: scripts/goldens.py says how to make it')
    command = [str(JAX_PYTHON), '-m', 'goldens.beside_jax']
    return subprocess.Popen(command, cwd=SCRIPTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask_jax(fields):
    process = _jax()
    print(json.dumps(fields), file=process.stdin, flush=True)
    line = process.stdout.readline()
    if not line:
        sys.exit('the libraries on JAX ended')
    return json.loads(line)


def _fields(case, normalizer):
    """The rows of a request that count: `question` in libraries/__init__.py says what they are."""
    counted, request = case.counted, case.request
    z, q, w, v = case.scores[counted], case.smoothed_targets[counted], case.class_weights, case.sample_weights[counted]
    is_distilled = 'teacher_logits' in request
    t = np.array(request['teacher_logits']) if is_distilled else case.shared(case.mix(case.hard_targets))[counted]
    is_labelled = not is_distilled and case.is_indices and case.mixup is None
    is_weighted, has_sample_weights = bool((w != 1).any()), bool((v != 1).any())
    means = {float(len(z)): 'rows', float(z.size): 'elements'}
    own = {'sum': 'sum', 'mean': means.get(normalizer)}.get(case.reduction)
    return {
        'loss': case.definition['name'],
        'params': case.params,
        'z': z.tolist(),
        't': t.tolist(),
        'q': q.tolist(),
        'labels': case.shared(case.labels)[counted].tolist() if is_labelled else None,
        'w': w.tolist(),
        'v': v.tolist(),
        'row_weight': ((w * q).sum(axis=-1) if is_weighted else np.ones(len(z))).tolist(),
        's': case.smoothing,
        'smoothing': 'prior' if 'prior' in request else request.get('smoothing', 'uniform'),
        'N': len(z),
        'K': case.num_classes,
        'reduction': case.reduction,
        'normalizer': normalizer,
        'own_reduction': None if has_sample_weights else own,
        'is_weighted': is_weighted,
        'has_sample_weights': has_sample_weights,
        'is_masked': bool(np.isneginf(z).any()),
        'is_moderate': _is_moderate(case, z),
    }


def _is_moderate(case, z):
    if 'labels' in case.definition['forms']:
        p = 1 / (1 + np.exp(-np.clip(z, -700, 700)))
    else:
        p = np.exp(z - z.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
    return bool((p > MODERATE).all() and (p < 1 - MODERATE).all())
