#!/usr/bin/env bash
# A loss over the Open Inference Protocol v2: every loss is a model, fields that are no tensors are parameters.
set -euo pipefail
url=${LOSSD_URL:-http://localhost:3000}

curl -sS --fail-with-body "$url/v2/models/cross_entropy/infer" -H 'content-type: application/json' -d '{
  "parameters": {"label_smoothing": 0.1},
  "inputs": [
    {"name": "logits", "datatype": "FP32", "shape": [2, 3], "data": [2.0, 1.0, 0.1, 0.5, 2.5, 0.3]},
    {"name": "targets", "datatype": "INT64", "shape": [2], "data": [0, 1]}
  ],
  "outputs": [{"name": "loss"}, {"name": "gradients"}]
}'
echo
