#!/usr/bin/env bash
# The same with the logits as binary data behind the JSON, whose length a header says.
set -euo pipefail
url=${LOSSD_URL:-http://localhost:3000}

json='{
  "parameters": {"label_smoothing": 0.1},
  "inputs": [
    {"name": "logits", "datatype": "FP32", "shape": [2, 3], "parameters": {"binary_data_size": 24}},
    {"name": "targets", "datatype": "INT64", "shape": [2], "data": [0, 1]}
  ],
  "outputs": [{"name": "loss"}, {"name": "gradients"}]
}'
{
  printf '%s' "$json"
  # 2, 1, 0.1, 0.5, 2.5, 0.3 as little-endian float32
  printf '\x00\x00\x00\x40\x00\x00\x80\x3f\xcd\xcc\xcc\x3d\x00\x00\x00\x3f\x00\x00\x20\x40\x9a\x99\x99\x3e'
} | curl -sS --fail-with-body "$url/v2/models/cross_entropy/infer" --data-binary @- \
  -H 'content-type: application/octet-stream' -H "inference-header-content-length: ${#json}"
echo
