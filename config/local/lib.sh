# Shared by the scripts of this folder: where things are, and how they speak.
# shellcheck shell=bash

CACHE=${INTEGRATION_HUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/integration-hub}/local
BIN=$CACHE/bin            # programs of the control plane and the node
IMG=$CACHE/img            # image archives
CLUSTER_NAME=${CLUSTER_NAME:-demo}
RUN=$CACHE/run/$CLUSTER_NAME   # everything a running cluster keeps
REGISTRY=integrationhub.local  # nobody pulls from it: images are put into the node
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

say() { printf '%4ds  %s\n' "$SECONDS" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# wait_for SECONDS WHAT COMMAND...
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "timed out waiting for $what" >&2; return 1; }
    sleep 0.2
  done
}
