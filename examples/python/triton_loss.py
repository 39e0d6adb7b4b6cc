"""A loss over the Open Inference Protocol v2, with Triton's own client: every loss is a model."""

import os

import numpy as np
import tritonclient.http as triton

URL = os.environ.get("LOSSD_URL", "http://localhost:3000")

logits = np.array([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]], dtype=np.float32)
targets = np.array([0, 1], dtype=np.int64)

client = triton.InferenceServerClient(URL.removeprefix("http://"))
inputs = [
    triton.InferInput("logits", logits.shape, "FP32").set_data_from_numpy(logits),
    triton.InferInput("targets", targets.shape, "INT64").set_data_from_numpy(targets),
]
outputs = [triton.InferRequestedOutput("loss"), triton.InferRequestedOutput("gradients")]

# Fields that are no tensors are parameters.
result = client.infer("cross_entropy", inputs, outputs=outputs, parameters={"label_smoothing": 0.1})
print("loss", float(result.as_numpy("loss")[0]))
print("gradients", result.as_numpy("gradients").tolist())
