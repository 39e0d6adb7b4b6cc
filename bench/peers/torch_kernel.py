"""The same evaluation as crossEntropySparseF32 by eager PyTorch on one thread: cross entropy and its gradient.

Usage: torch_kernel.py <rows> <classes> <float32 logits file> <int32 labels file>; prints "ready", then answers each line on
stdin with the nanoseconds of one forward and backward pass and the sum of the losses.
"""
import sys
import time

import torch
import torch.nn.functional as F

rows, classes = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
with open(sys.argv[3], 'rb') as file:
    logits = torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(rows, classes).requires_grad_()
with open(sys.argv[4], 'rb') as file:
    labels = torch.frombuffer(bytearray(file.read()), dtype=torch.int32).long()


def evaluate():
    logits.grad = None
    loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
    loss.backward()
    return loss


for _ in range(10):
    evaluate()
print('ready', flush=True)
for _ in sys.stdin:
    start = time.perf_counter_ns()
    loss = evaluate()
    print(time.perf_counter_ns() - start, float(loss) * rows, flush=True)
