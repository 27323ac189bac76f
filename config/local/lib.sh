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
export KUBECACHEDIR=$CACHE/kubectl # not the user's ~/.kube, in which it would stay

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

# Builds a static program of a local cluster. Such a program is run for minutes and compiled on
# somebody's first attempt, so compiling must be cheap: without inlining and debug information a
# package takes a fifth less CPU. The flags are the same for all programs, and their modules have
# the same versions (modules_test.go), so what several programs share is compiled once.
COMPILER_FLAGS='all=-l -dwarf=false'
go_build() { # FOLDER OUTPUT PACKAGE [LINKER_FLAGS]
  GOWORK=off CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOGC=${GOGC:-400} GOMEMLIMIT=${GOMEMLIMIT:-2GiB} \
    go -C "$1" build -trimpath -gcflags="$COMPILER_FLAGS" -ldflags "-s -w ${4:-}" -o "$2" "$3" 2> >(grep -v '^go: downloading' >&2) ||
    die "building $(basename "$2" .new) failed. If Go cannot download modules, set HTTPS_PROXY or GOPROXY to a proxy in your network," \
      "and SSL_CERT_FILE to its CA certificate where it inspects TLS"
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
