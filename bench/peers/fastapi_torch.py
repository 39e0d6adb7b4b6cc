"""Cross entropy as a service of FastAPI and PyTorch: what lossd is measured against.

Debian's python3-fastapi, python3-uvicorn, python3-httptools, python3-uvloop, python3-torch and python3-ujson. Run as
`uvicorn fastapi_torch:app --loop uvloop --http httptools`.

Answers are sent as a Response of their own: a dict that is returned goes through FastAPI's encoder first, which takes longer than
all the rest. Handlers are `async`, so that a request costs no hop to a thread of the pool. ujson prints floats in a third of the
time of the standard library; Debian has no orjson.
"""
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from fastapi import FastAPI, Request, Response
from fastapi.responses import UJSONResponse
from pydantic import BaseModel, Field

torch.set_num_threads(1)
# The bytes of a body are only read, so they need no copy.
warnings.filterwarnings('ignore', message='The given NumPy array is not writable')
app = FastAPI()


class LossRequest(BaseModel):
    logits: list[list[float]]
    targets: list[int]
    label_smoothing: float = Field(0.0, ge=0, le=1)


@app.get('/readyz')
async def ready():
    return {'status': 'ready'}


@app.post('/loss')
async def evaluate(body: LossRequest):
    # From a nested list, numpy makes an array several times as fast as torch.tensor does.
    logits = torch.from_numpy(np.array(body.logits, dtype=np.float32)).requires_grad_()
    targets = torch.from_numpy(np.array(body.targets, dtype=np.int64))
    smoothing, classes = body.label_smoothing, logits.shape[1]
    losses = F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction='none')
    loss = losses.mean()
    loss.backward()
    off_value = smoothing / classes
    smoothed_targets = torch.full_like(logits, off_value, requires_grad=False)
    smoothed_targets.scatter_(1, targets.unsqueeze(1), 1 - smoothing + off_value)
    return UJSONResponse({
        'loss': loss.item(),
        'losses': losses.tolist(),
        'gradients': logits.grad.tolist(),
        'smoothed_targets': smoothed_targets.tolist(),
    })


@app.post('/binary')
async def evaluate_bytes(request: Request, rows: int, classes: int, label_smoothing: float = 0.0):
    """float32 logits [rows, classes], then int64 targets [rows]; answers the float32 gradients, the loss in a header."""
    body = await request.body()
    logits = torch.from_numpy(np.frombuffer(body, np.float32, rows * classes).reshape(rows, classes)).requires_grad_()
    targets = torch.from_numpy(np.frombuffer(body, np.int64, rows, rows * classes * 4))
    loss = F.cross_entropy(logits, targets, label_smoothing=label_smoothing)
    loss.backward()
    return Response(
        logits.grad.numpy().tobytes(),
        media_type='application/octet-stream',
        headers={'x-loss': repr(loss.item())},
    )
