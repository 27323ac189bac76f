# Shared by build and check: the tools of a local cluster, and which of them are up to date.
# shellcheck shell=bash

# name, module folder, package, and about how long the first build takes on two cores
tools() {
  cat <<'END'
kube-apiserver kubernetes k8s.io/kubernetes/cmd/kube-apiserver 5 minutes
kube-controller-manager kubernetes k8s.io/kubernetes/cmd/kube-controller-manager 80 seconds
kube-scheduler kubernetes k8s.io/kubernetes/cmd/kube-scheduler 10 seconds
kubelet kubernetes k8s.io/kubernetes/cmd/kubelet 20 seconds
kube-proxy kubernetes k8s.io/kubernetes/cmd/kube-proxy 10 seconds
kubectl kubernetes k8s.io/kubernetes/cmd/kubectl 20 seconds
etcd etcd go.etcd.io/etcd/server/v3 20 seconds
cert-manager certmanager . 95 seconds
coredns coredns . 55 seconds
helm helm helm.sh/helm/v4/cmd/helm 90 seconds
controller-gen helm sigs.k8s.io/controller-tools/cmd/controller-gen 10 seconds
image image . 1 second
pause pause . 1 second
registry registry . 30 seconds
END
}

# What a mode needs. Where the cluster is another program's, kubectl may be there already.
tools_for() { # MODE
  local kubectl=kubectl
  ! command -v kubectl >/dev/null || kubectl=
  case $1 in
    node) echo image pause etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl coredns cert-manager ;;
    process) echo etcd kube-apiserver kube-controller-manager kube-scheduler kubectl cert-manager ;;
    kind | k3d | minikube) echo image $kubectl cert-manager ;;
    existing) echo image $kubectl ;;
    *) die "there is no mode $1" ;;
  esac
}

# The flags of the linker. Kubernetes' programs refuse to work without knowing their version.
linker_flags() { # MODULE
  local v flags="" p
  if [ "$1" = kubernetes ]; then
    v=$(release_version kubernetes)
    for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
      flags+=" -X $p.gitVersion=$v -X $p.gitMajor=1 -X $p.gitMinor=$(cut -d. -f2 <<<"$v")"
      flags+=" -X $p.gitTreeState=clean -X $p.buildDate=2026-01-01T00:00:00Z"
    done
  fi
  echo "$flags"
}

# What a program is made of: the toolchain, the package, the flags and the module's files. The
# scripts' own text is not part of it: an edit there must not rebuild Kubernetes.
stamp() { # MODULE PACKAGE FLAGS
  { go version; echo "$2 $3 $COMPILER_FLAGS"; find "$HERE/tools/$1" -type f -print0 | sort -z | xargs -0 cat; } | sha256sum
}

# Prints those of the tools that are not up to date. One that was downloaded is, and one that was
# compiled, unless PROGRAMS asks for the other.
outdated() { # NAME...
  local name module package have
  while read -r name module package _; do
    [[ " $* " == *" $name "* ]] || continue
    if [ -x "$BIN/$name" ] && have=$(cat "$BIN/.$name.version" 2>/dev/null); then
      if ! release_project "$name" >/dev/null; then
        [ "$have" != "$(stamp "$module" "$package" "$(linker_flags "$module")")" ] || continue
      else
        [ "$PROGRAMS" = compile ] || [ "$have" != "$(release_stamp "$name")" ] || continue
        [ "$PROGRAMS" = release ] || [ "$have" != "$(stamp "$module" "$package" "$(linker_flags "$module")")" ] || continue
      fi
    fi
    echo "$name"
  done < <(tools)
}
