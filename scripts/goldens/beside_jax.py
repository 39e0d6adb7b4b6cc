"""Answers for the libraries on JAX, which have an environment of their own: a question a line on the standard input, an answer a line."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

# JAX compiles every operation for every shape, which takes longer than all else: it does so without optimising, keeps what it has
# compiled, and sees only a few numbers of rows.
os.environ['XLA_FLAGS'] = '--xla_backend_optimization_level=0'

import jax
import jax.numpy as jnp

from .libraries import question, run_call

jax.config.update('jax_enable_x64', True)
jax.config.update('jax_compilation_cache_dir', str(Path(sys.prefix) / 'compiled'))
jax.config.update('jax_persistent_cache_min_compile_time_secs', 0)

ROWS = [8, 64, 512]
BY_ROW = ['t', 'q', 'row_weight', 'labels']


def answer(fields, libraries):
    if 'versions' in fields:
        return {name: version for library in libraries for name, version in library.VERSIONS.items()}
    if 'call' in fields:
        modules = {'jax': jax, **{name: sys.modules[name] for name in ('optax', 'keras')}}
        return float(run_call(fields['call'], fields['names'], _array, modules))
    asked = question(_padded(fields), _array, lambda value: _array(value, is_index=True))
    routes = [route for library in libraries for route in library.ROUTES if route.can(asked)]
    return {route.name: _evaluate(route, asked, fields['N']) for route in routes}


def _array(value, is_index=False):
    return jnp.asarray(value, dtype=jnp.int64 if is_index else jnp.float64)


def _padded(fields):
    """Behind the rows stand rows that weigh nothing: logits of 0 with the targets of the first row."""
    more = next(rows for rows in ROWS if rows >= fields['N']) - fields['N']
    padded = {name: fields[name] and fields[name] + [fields[name][0]] * more for name in BY_ROW}
    return {**fields, **padded, 'z': fields['z'] + [[0.0] * fields['K']] * more, 'v': fields['v'] + [0.0] * more}


def _evaluate(route, asked, rows):
    def total(z):
        answered = route.answer(asked, z)
        losses, loss = answered if isinstance(answered, tuple) else (answered, None)
        # 0 * Infinity is 0, for sample weights of the wire.
        losses = jnp.where(asked.v == 0, 0, losses * asked.v)
        return losses.sum() / asked.normalizer if loss is None else loss, losses

    (loss, losses), gradients = jax.value_and_grad(total, has_aux=True)(asked.z)
    return {'loss': float(loss), 'losses': losses[:rows].tolist(), 'gradients': gradients[:rows].tolist()}


def main():
    libraries = [import_module(f'.libraries.{name}', __package__) for name in ('optax', 'keras')]
    # What a library prints is none of the answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), libraries)), file=answers, flush=True)


if __name__ == '__main__':
    main()
