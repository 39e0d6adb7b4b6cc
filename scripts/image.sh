#!/usr/bin/env bash
# Builds the image, runs it as strictly as a cluster would, checks it and removes the container.
# ENGINE is docker or podman (default: the first that answers), IMAGE the tag, PORT a free port of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

engine=${ENGINE:-}
if [ -z "$engine" ]; then
  for candidate in docker podman; do
    if "$candidate" info >/dev/null 2>&1; then engine=$candidate && break; fi
  done
fi
[ -n "$engine" ] || { echo 'needs docker or podman, running; ENGINE names another' >&2; exit 1; }
image=${IMAGE:-lossd:local}
port=${PORT:-18080}
url=http://127.0.0.1:$port
container=

remove() { if [ -n "$container" ]; then "$engine" rm --force "$container" >/dev/null 2>&1 || true; fi; }
trap remove EXIT

# Without --format docker, podman writes an image that cannot hold a HEALTHCHECK.
build=("$engine" build --tag "$image")
if "$engine" build --help 2>&1 | grep -q -- '--format'; then build+=(--format docker); fi
"${build[@]}" .

failed=0
check() {
  local name=$1
  shift
  if "$@" >/dev/null 2>&1; then echo "ok   $name"; else echo "FAIL $name" && failed=1; fi
}
inspect() { "$engine" inspect --format "$1" "$container"; }
within() {
  local tries=$(($1 * 10))
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}
answers_loss() {
  curl --silent --fail "$url/loss" --header 'content-type: application/json' \
    --data '{"logits": [[2, 1, 0.1]], "targets": [0], "label_smoothing": 0.1}' | grep -q '"loss":0.513'
}
is_healthy() { [ "$(inspect '{{.State.Health.Status}}')" = healthy ]; }
is_not_root() { [ "$("$engine" exec "$container" id -u)" != 0 ]; }
has_no() { ! "$engine" exec "$container" sh -c "$1"; }
has_exited_cleanly() { [ "$(inspect '{{.State.ExitCode}}')" = 0 ]; }

container=$("$engine" run --detach --publish "127.0.0.1:$port:3000" --read-only --cap-drop ALL \
  --security-opt no-new-privileges --memory 256m --pids-limit 64 "$image")
check 'becomes ready on a read-only root' within 20 curl --silent --fail "$url/readyz"
check 'answers a loss' answers_loss
check 'HEALTHCHECK says healthy' within 30 is_healthy
check 'does not run as root' is_not_root
check 'cannot write to its file system' has_no 'touch /app/x'
check 'holds no build tools' has_no 'command -v npm || command -v cc || ls node_modules/typescript node_modules/assemblyscript'
"$engine" stop --time 20 "$container" >/dev/null
check 'ends with 0 on SIGTERM' has_exited_cleanly
if [ "$failed" != 0 ]; then "$engine" logs "$container" 2>&1 | tail -n 20; fi
exit "$failed"
