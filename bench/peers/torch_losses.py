"""Every loss and its gradient by eager PyTorch on one thread, from the oracles of the definitions.

Usage: torch_losses.py <rows> <classes> <float32 scores file> <int32 labels file>; prints "ready". Each line on stdin is then a JSON object
{oracle, params, form, label_smoothing, rows} to prepare, answered with the sum of its losses, or an empty line, answered with the nanoseconds
of one forward and backward pass of what was prepared last.
"""
import json
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F

# timm as the goldens have it: importing the package would pull in torchvision.
sys.path.append(str(Path(__file__).parent.parent.parent / 'scripts'))
try:
    from goldens.timm_source import timm
except ImportError:
    timm = None

rows, classes = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
with open(sys.argv[3], 'rb') as file:
    scores = torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(rows, classes)
with open(sys.argv[4], 'rb') as file:
    labels = torch.frombuffer(bytearray(file.read()), dtype=torch.int32).long()


def prepare(case):
    """A function that evaluates once and returns the losses. What a training loop has at hand, like dense targets, is made here."""
    n, s = case['rows'], case['label_smoothing']
    z = scores[:n].clone().requires_grad_()
    params = {name: torch.tensor(value) if isinstance(value, list) else value for name, value in case['params'].items()}
    is_teacher = case['form'] == 'logits'
    hard = scores[:n].flip(0) if is_teacher else F.one_hot(labels[:n], classes).float()
    names = {
        **params,
        'z': z,
        'y': None if is_teacher else labels[:n],
        't': hard,
        'q': torch.softmax(hard / params['temperature'], -1) if is_teacher else (1 - s) * hard + s / classes,
        'w': torch.ones(classes),
        's': s,
        'K': classes,
        'unweighted': 1.0,
        'params': SimpleNamespace(**params),
        'torch': torch,
        'F': F,
        'timm': timm,
    }
    body = textwrap.indent(textwrap.dedent(case['oracle']).strip('\n'), '    ')
    namespace = {}
    exec(f"def oracle({', '.join(names)}):\n{body}", namespace)

    def evaluate():
        z.grad = None
        losses = namespace['oracle'](**names)
        losses = losses[0] if isinstance(losses, tuple) else losses
        (losses.sum() / n).backward()
        return losses

    return evaluate


print('ready', flush=True)
evaluate = None
for line in sys.stdin:
    if line.strip():
        try:
            evaluate = prepare(json.loads(line))
            total = float(evaluate().double().sum())
            evaluate()
            print(total, flush=True)
        except Exception as error:
            print('failed:', repr(error).replace('\n', ' '), flush=True)
        continue
    start = time.perf_counter_ns()
    evaluate()
    print(time.perf_counter_ns() - start, flush=True)
