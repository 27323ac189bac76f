# Shared by the scripts of this folder: where things are, and how they speak.
# shellcheck shell=bash

CACHE=${INTEGRATION_HUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/integration-hub}/local
BIN=$CACHE/bin            # programs of the control plane and the node
CLUSTER=${CLUSTER:-auto}  # the mode that is asked for
CLUSTER_NAME=${CLUSTER_NAME:-demo}
RUN=$CACHE/run/$CLUSTER_NAME   # everything a running cluster keeps
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CGROUP_ROOT=${CGROUP_ROOT:-/sys/fs/cgroup}

# Nobody pulls from this registry: images are put into the nodes. Only a cluster of your own may
# pull them from elsewhere.
REGISTRY=integrationhub.local
IMG=$CACHE/img            # image archives
if [ "$CLUSTER" = existing ] && [ -n "${IMAGES:-}" ]; then
  REGISTRY=${IMAGES%/}
  IMG=$CACHE/img/${REGISTRY//[^A-Za-z0-9.-]/_}
fi

say() { printf '%4ds  %s\n' "$SECONDS" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# A group of tests that this machine cannot run. CI must have everything: there it is a failure.
skip() { # WHAT REASON
  [ "${CI:-}" != true ] || die "CI must not skip $1: $2"
  say "skipped: $1: $2"
  [ -z "${SKIPPED:-}" ] || echo "$1: $2" >>"$SKIPPED"
}

# The version of the cgroups that are mounted.
cgroup_version() { if [ "$(stat -f -c %T "$CGROUP_ROOT" 2>/dev/null)" = cgroup2fs ]; then echo 2; else echo 1; fi; }

# Says which of STEPS comes now (STEP counts from 0), and which come after it.
progress() {
  local rest=("${STEPS[@]:STEP+1}")
  printf -v rest '%s, ' "${rest[@]:-}"
  say "step $((STEP + 1)) of ${#STEPS[@]}: ${STEPS[STEP]}$([ "$((STEP + 1))" = ${#STEPS[@]} ] || printf ' (then: %s)' "${rest%, }")"
}

# On an emulated machine everything takes longer.
TIMEOUT_FACTOR=${TIMEOUT_FACTOR:-1}
timeout_flag() { echo "--timeout=$(($1 * TIMEOUT_FACTOR))s"; } # SECONDS

# wait_for SECONDS WHAT COMMAND...
wait_for() {
  local end=$((SECONDS + $1 * TIMEOUT_FACTOR)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "timed out waiting for $what" >&2; return 1; }
    sleep 0.2
  done
}
