"""Liger's Jensen-Shannon divergence in torch, of one source file; its other losses are kernels for a GPU."""

import math

import torch
import torch.nn.functional as F

from ..installed import checked, functions
from . import Route

VERSIONS = checked('liger-kernel')
SOURCE = 'liger_kernel/chunked_loss/jsd_loss.py'
[distillation_loss_fn] = functions('liger-kernel', SOURCE, ['distillation_loss_fn'], {'torch': torch, 'F': F, 'math': math})


def _distillation(c, z):
    """It sums over rows; of one row, that is its loss."""
    student, teacher = z / c.params.temperature, c.t / c.params.temperature
    beta = 0 if c.params.beta is None else c.params.beta
    scale = c.params.temperature**2
    rows = [distillation_loss_fn(student[n : n + 1], teacher[n : n + 1], beta) for n in range(c.N)]
    reduced = distillation_loss_fn(student, teacher, beta) * scale if c.own_reduction == 'sum' else None
    return torch.stack(rows) * scale, reduced


ROUTES = [Route('liger_kernel.LigerFusedLinearJSDFunction.distillation_loss_fn', ('distillation',), lambda c: True, _distillation)]
