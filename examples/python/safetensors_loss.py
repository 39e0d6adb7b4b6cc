"""A loss over safetensors: arrays go and come as they are, without a digit printed."""

import os

import numpy as np
import requests
from safetensors.numpy import load, save

URL = os.environ.get("LOSSD_URL", "http://localhost:3000")

logits = np.array([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]], dtype=np.float32)
targets = np.array([0, 1])

# Tensors have the names of their fields, "mixup.lam" included; every other field is metadata, as JSON text.
body = save({"logits": logits, "targets": targets}, metadata={"label_smoothing": "0.1"})
response = requests.post(
    f"{URL}/loss",
    data=body,
    headers={"Content-Type": "application/vnd.safetensors"},
    timeout=30,
)
if not response.ok:
    problem = response.json()
    raise SystemExit(f"{problem['code']}: {problem['detail']}")

tensors = load(response.content)
print("loss", float(tensors["loss"]))
print("gradients", tensors["gradients"].tolist())
