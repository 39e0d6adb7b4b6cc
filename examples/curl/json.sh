#!/usr/bin/env bash
# A loss over JSON.
set -euo pipefail
url=${LOSSD_URL:-http://localhost:3000}

curl -sS --fail-with-body "$url/loss" -H 'content-type: application/json' -d '{
  "logits": [[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]],
  "targets": [0, 1],
  "label_smoothing": 0.1,
  "outputs": ["loss", "gradients"]
}'
echo
