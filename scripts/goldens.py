"""Writes test/goldens/*.json: what real PyTorch, timm, torchvision, fairseq, kornia, Liger, optax and Keras answer to the requests of the
wire contract.

    /usr/bin/python3 -m venv --system-site-packages .venv-goldens
    .venv-goldens/bin/pip install --no-deps -r scripts/goldens/requirements.txt
    .venv-goldens/bin/pip install --no-deps --only-binary :all: --python-version 3.8 --implementation cp --abi cp38 \
        --platform manylinux1_x86_64 --target .venv-goldens/lib/python3.11/site-packages -r scripts/goldens/requirements-fairseq.txt
    /usr/bin/python3 -m venv .venv-jax
    .venv-jax/bin/pip install -r scripts/goldens/requirements-jax.txt
    .venv-goldens/bin/python scripts/goldens.py

with Debian's python3-torch and python3-numpy, of Python 3.11. It takes a few minutes the first time, most of it JAX compiling.

A case is a request and its answer, computed in float64. For the losses that designs.py names, and for targets, nothing here knows lossd:
the answer is computed

  * in closed form, by numpy, from the text of the contract (goldens/reference.py),
  * by every torch and timm function that can express the request, with autograd (goldens/routes.py).

These must agree to 1e-12 of max(1, |value|), or nothing is written. The values are those of the first route of the case's `agrees_with`.
For every other loss, and for the settings of any, it is what the definition's own `oracle` says (goldens/catalogue.py), a function of torch with
autograd; there is no case where torch gives NaN.

Then every function of another library that can express the request is asked for the losses, the gradients and, where it has the reduction, the
reduced loss (goldens/libraries/, a table for each library); where one differs from ten digits, nothing is written. They are the installed
packages' own code. A library is not asked what its formula cannot hold, such as the logarithm of a probability that has become 1; limits it
has beside the formula are moved out of the way, and the file of the library says so. The calls that the documents give are run, too
(goldens/calls.py): each has to give what its loss gives for its example.

`agrees_with` names the functions; `libraries` of the header are their versions.

`source` is "torch" where there is a route or an oracle, and "contract" where there is none: torch answers NaN for 0 * -Infinity, for the gradient of
0/0 and for what an ignored row holds, and has no function for targets alone. Numbers JSON lacks are "NaN", "Infinity" and "-Infinity".

Run again, it changes nothing: inputs are drawn from a seed and the name of the case, and a file whose content is the same keeps its date. On
another processor torch may round the last digit differently.
"""

import json
import platform
import sys
from datetime import date
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np
import torch

from goldens.calls import check_calls
from goldens.catalogue import catalogue_cases, catalogue_definitions
from goldens.consult import versions
from goldens.designs import loss_cases, targets_cases
from goldens.edges import edge_cases, output_cases, target_edge_cases
from goldens.expected import ANSWERS
from goldens.inputs import SEED

FOLDER = Path(__file__).parent.parent / 'test' / 'goldens'
HEADER = {
    'generator': 'scripts/goldens.py',
    'command': '.venv-goldens/bin/python scripts/goldens.py',
    'torch': torch.__version__,
    'libraries': versions(),
    'numpy': np.__version__,
    'python': platform.python_version(),
    'seed': SEED,
    'dtype': 'float64',
}


def plain(value):
    """JSON without NaN, infinities, -0 and the ".0" of whole numbers."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if not isinstance(value, float):
        return value
    if np.isnan(value):
        return 'NaN'
    if np.isinf(value):
        return 'Infinity' if value > 0 else '-Infinity'
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def golden(operation, name, request):
    request = plain(request)
    expected, source, routes = ANSWERS[operation](request)
    case = {'name': name, 'operation': operation, 'source': source, 'request': request, 'expected': plain(expected)}
    return {**case, 'agrees_with': routes} if routes else case


def write(file, cases):
    path = FOLDER / f'{file}.json'
    assert len({case['name'] for case in cases}) == len(cases), file
    written = json.loads(path.read_text()) if path.exists() else {'cases': None}
    kept = written['cases'] == cases and {**written['header'], 'date': None} == {**HEADER, 'date': None}
    header = {**HEADER, 'date': written['header']['date'] if kept else date.today().isoformat()}
    lines = ',\n'.join(json.dumps(case, sort_keys=True, separators=(',', ':'), allow_nan=False) for case in cases)
    path.write_text(f'{{"header":{json.dumps(header, sort_keys=True, indent=2)},\n"cases":[\n{lines}\n]}}\n')
    from_contract = sum(case['source'] == 'contract' for case in cases)
    print(f'{path.name}: {len(cases)} cases, {from_contract} of them from the contract, {path.stat().st_size / 1000:.0f} kB')


def main():
    print(f'{check_calls()} calls of the documents give what their losses do')
    FOLDER.mkdir(exist_ok=True)
    files = {name: [('loss', *case) for case in cases] for name, cases in loss_cases().items()}
    files['edges'] = [('loss', *case) for case in edge_cases()]
    files['outputs'] = [('loss', *case) for case in output_cases()]
    files['targets'] = [('targets', *case) for case in [*targets_cases(), *target_edge_cases()]]
    for file, cases in files.items():
        write(file, [golden(*case) for case in cases])
    for definition in catalogue_definitions():
        cases = catalogue_cases(definition)
        common = {'operation': 'loss', 'source': 'torch'}
        write(f"loss-{definition['name'].replace('_', '-')}", [plain({**case, **common}) for case in cases])


if __name__ == '__main__':
    main()
