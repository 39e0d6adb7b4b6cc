#!/usr/bin/env bash
# A loss over safetensors, answered in JSON: a length in 8 bytes, a JSON header, the bytes of the tensors.
set -euo pipefail
url=${LOSSD_URL:-http://localhost:3000}

header='{
  "__metadata__": {"label_smoothing": "0.1", "outputs": "[\"loss\", \"gradients\"]"},
  "logits": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
  "targets": {"dtype": "U8", "shape": [2], "data_offsets": [24, 26]}
}'
{
  printf "\\x$(printf '%02x' $((${#header} % 256)))\\x$(printf '%02x' $((${#header} / 256)))\0\0\0\0\0\0"
  printf '%s' "$header"
  # 2, 1, 0.1, 0.5, 2.5, 0.3 as little-endian float32
  printf '\x00\x00\x00\x40\x00\x00\x80\x3f\xcd\xcc\xcc\x3d\x00\x00\x00\x3f\x00\x00\x20\x40\x9a\x99\x99\x3e'
  printf '\x00\x01'
} | curl -sS --fail-with-body "$url/loss" --data-binary @- \
  -H 'content-type: application/vnd.safetensors' -H 'accept: application/json'
echo
