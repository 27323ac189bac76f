# Shared by the modes whose cluster another program runs: a kubeconfig of the demo's own, never
# the user's, says which cluster kubectl talks to.
# shellcheck shell=bash

CLUSTER_ID=integration-hub-$CLUSTER_NAME

need_kubeconfig() { [ -s "$RUN/kubeconfig" ] || die "the cluster $CLUSTER_NAME is not up"; }

with_kubeconfig() { KUBECONFIG=$RUN/kubeconfig PATH=$PATH:$BIN "$@"; }

status() {
  need_kubeconfig
  with_kubeconfig kubectl get nodes,pods -A
}

# verbs VERB [ARG...]   what every one of these modes does alike, with its own up, load and down
verbs() {
  case ${1:-} in
    up) up ;;
    down) down ;;
    status) status ;;
    load) need_kubeconfig; shift; load "$@" ;;
    exec) need_kubeconfig; shift; with_kubeconfig exec "$@" ;;
    *) die "usage: cluster up|down|status|load TAR...|exec CMD..." ;;
  esac
}
