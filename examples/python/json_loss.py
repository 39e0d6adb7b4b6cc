"""A loss over JSON, with numpy and requests."""

import os

import numpy as np
import requests

URL = os.environ.get("LOSSD_URL", "http://localhost:3000")

logits = np.array([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]], dtype=np.float32)
targets = np.array([0, 1])

response = requests.post(
    f"{URL}/loss",
    json={"logits": logits.tolist(), "targets": targets.tolist(), "label_smoothing": 0.1},
    timeout=30,
)
answer = response.json()
if not response.ok:
    # RFC 9457: a stable code, and the places at fault.
    raise SystemExit(f"{answer['code']}: {answer['detail']}")

# Numbers that JSON lacks come as "NaN", "Infinity" and "-Infinity"; float() and numpy read them.
print("loss", float(answer["loss"]))
print("gradients", np.array(answer["gradients"], dtype=np.float32).tolist())
