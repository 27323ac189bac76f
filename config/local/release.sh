# Shared by build and check: the released programs of Kubernetes and etcd, which are downloaded
# instead of compiled where that is possible. Compiling them is most of a first demo's work.
# shellcheck shell=bash

# Where the two projects publish their releases. A mirror has the same files below its address.
KUBERNETES_RELEASES=${KUBERNETES_RELEASES:-https://dl.k8s.io/release}
ETCD_RELEASES=${ETCD_RELEASES:-https://github.com/etcd-io/etcd/releases/download}
PINNED=$HERE/checksums             # checksums that override the release host's
PROBE_SECONDS=${PROBE_SECONDS:-3}  # a host that has not answered after that is unreachable
STALL_SECONDS=${STALL_SECONDS:-30} # a download that makes no progress for so long has failed

# The version that would be compiled. It is read without Go, which is slower: "check" has a second.
release_version() { # PROJECT
  local module=k8s.io/kubernetes
  [ "$1" = kubernetes ] || module=go.etcd.io/etcd/server/v3
  awk -v module="$module" '$1 == module {print $2; exit}' "$HERE/tools/$1/go.mod"
}

# The platform, as in the names of released files.
release_platform() { # SEPARATOR
  local os arch
  os=$(uname -s | tr '[:upper:]' '[:lower:]')
  arch=$(uname -m)
  case $arch in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
  esac
  echo "$os$1$arch"
}

# Prints the project that releases a program for this machine, or fails. Kubernetes' servers and
# node programs are released for Linux only, and only the kubelet needs a C library, the GNU one.
# For macOS there is kubectl, and etcd in another kind of archive, which no mode needs there.
release_project() { # NAME
  case $1@$(uname -s) in
    kubectl@Linux | kubectl@Darwin | kube-*@Linux) echo kubernetes ;;
    kubelet@Linux) getconf GNU_LIBC_VERSION >/dev/null 2>&1 && echo kubernetes ;;
    etcd@Linux) echo etcd ;;
    *) return 1 ;;
  esac
}

# Where a program's file is, below the address of its project's releases.
release_file() { # NAME
  local project version
  project=$(release_project "$1")
  version=$(release_version "$project")
  case $project in
    kubernetes) echo "$version/bin/$(release_platform /)/$1" ;;
    etcd) echo "$version/etcd-$version-$(release_platform -).tar.gz" ;;
  esac
}

release_url() { # PROJECT FILE
  case $1 in
    kubernetes) echo "${KUBERNETES_RELEASES%/}/$2" ;;
    etcd) echo "${ETCD_RELEASES%/}/$2" ;;
  esac
}

checksum_url() { # PROJECT FILE
  case $1 in
    kubernetes) release_url "$1" "$2.sha256" ;;
    etcd) release_url "$1" "${2%/*}/SHA256SUMS" ;;
  esac
}

# fetch URL FILE [OPTION...]   downloads a file, or fails with the reason and what to do in REASON
fetch() {
  local url=$1 file=$2 status=0
  shift 2
  # In the background, so that a signal can end it. A redirect must not leave TLS.
  curl --fail --location --silent --show-error --stderr "$file.error" --proto "=${url%%:*},https" \
    --output "$file" "$@" "$url" &
  wait $! || status=$?
  [ "$status" = 0 ] || REASON="$url: $(head -n 1 "$file.error").$(fetch_advice "$status")"
  rm -f "$file.error"
  return "$status"
}

fetch_advice() { # STATUS   of curl
  local proxy=${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}
  case $1 in
    5) echo " Correct the proxy in HTTPS_PROXY" ;;
    35 | 60 | 77)
      echo " If a proxy in your network inspects TLS, set SSL_CERT_FILE to a file with its CA certificate; curl and Go read it"
      ;;
    6 | 7 | 28 | 52 | 56 | 97)
      if [ -n "$proxy" ]; then
        echo " Requests use the proxy in HTTPS_PROXY: check that it allows this host, or add the host to NO_PROXY"
      else
        echo " If your network has a proxy, set HTTPS_PROXY"
      fi
      ;;
  esac
}

# Sets CHECKSUM to that of a program's file, or fails with a REASON.
fetch_checksum() { # PROJECT FILE FOLDER [OPTION...]
  local project=$1 file=$2 folder=$3 url
  shift 3
  url=$(checksum_url "$project" "$file")
  fetch "$url" "$folder/checksum" "$@" || return
  # Kubernetes publishes a file with nothing but the checksum, etcd one with all of a release
  CHECKSUM=$(awk -v file="${file##*/}" '{sub(/^\*/, "", $2)} NF == 1 || $2 == file {print $1; exit}' "$folder/checksum")
  rm -f "$folder/checksum"
  [[ $CHECKSUM =~ ^[0-9a-f]{64}$ ]] && return
  REASON="$url: this is not a file with a SHA-256 checksum of ${file##*/}. Is it a page of a proxy or of a login?"
  return 1
}

# Downloads a program's file to FOLDER/file and verifies it, or fails with a REASON. SOURCE is where
# the expected checksum is from.
fetch_verified() { # PROJECT FILE FOLDER
  local url actual status=0 limits=(--connect-timeout 10 --speed-limit 1000 --speed-time "$STALL_SECONDS")
  url=$(release_url "$1" "$2")
  CHECKSUM=$(awk -v file="$2" '$2 == file {print $1; exit}' "$PINNED")
  SOURCE=${PINNED#"$ROOT/"}
  if [ -z "$CHECKSUM" ]; then
    SOURCE=$(checksum_url "$1" "$2")
    fetch_checksum "$1" "$2" "$3" "${limits[@]}" --max-time 60 || return
  fi
  rm -f "$3/file"
  if ! fetch "$url" "$3/file" "${limits[@]}"; then
    say "trying once more: $REASON"
    fetch "$url" "$3/file" "${limits[@]}" --continue-at - || status=$?
    if [ "$status" = 33 ]; then # the host sends whole files only
      rm -f "$3/file"
      status=0
      fetch "$url" "$3/file" "${limits[@]}" || status=$?
    fi
    [ "$status" = 0 ] || return
  fi
  actual=$(sha256sum <"$3/file")
  [ "${actual%% *}" = "$CHECKSUM" ] && return
  REASON="$url: its SHA-256 checksum is ${actual%% *}, but $SOURCE has $CHECKSUM. The file was deleted"
  return 1
}

# Downloads a program into BIN, or fails with a REASON. Before it is verified nothing can run it.
download() { # NAME FOLDER
  local project file
  project=$(release_project "$1")
  file=$(release_file "$1")
  fetch_verified "$project" "$file" "$2" || return
  if [ "$project" = etcd ]; then
    file=${file##*/}
    if ! tar -xzOf "$2/file" "${file%.tar.gz}/etcd" >"$2/program"; then
      REASON="$(release_url etcd "$(release_file etcd)"): etcd cannot be unpacked from it"
      return 1
    fi
    mv "$2/program" "$2/file" || return
  fi
  REASON="it cannot be put into $BIN"
  chmod 755 "$2/file" && rm -f "$BIN/.$1.version" && mv "$2/file" "$BIN/$1" && release_stamp "$1" >"$BIN/.$1.version"
}

# What is kept about a downloaded program, to know whether it is up to date.
release_stamp() { echo "released $(release_file "$1")"; } # NAME

# Downloads programs, and prints the names of those that could not be downloaded. It is run in the
# background, where a signal ends it and the download.
download_all() { # NAME...
  local name start number=0
  DOWNLOADS=$(mktemp -d "$BIN/.download.XXXXXX")
  trap 'exit 143' TERM
  trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$DOWNLOADS"' EXIT
  for name; do
    number=$((number + 1))
    start=$SECONDS
    say "downloading $name $(release_version "$(release_project "$name")") ($number of $#)"
    if download "$name" "$DOWNLOADS"; then
      say "downloaded $name in $((SECONDS - start))s: $(($(wc -c <"$BIN/$name") / 1000000)) MB, with the checksum in $SOURCE"
    else
      say "not downloaded: $name: $REASON"
      echo "$name"
    fi
  done
}

# Sets PROGRAMS where it is not set: to auto, or to compile in CI and where a reason for it is given.
default_programs() { # [REASON]
  COMPILE_REASON="PROGRAMS=compile asks for it"
  if [ -z "${PROGRAMS:-}" ]; then
    COMPILE_REASON=${1:-}
    [ "${CI:-}" != true ] || COMPILE_REASON="CI=true"
    PROGRAMS=${COMPILE_REASON:+compile}
    PROGRAMS=${PROGRAMS:-auto}
    COMPILE_REASON+=", and PROGRAMS is not set"
  fi
  case $PROGRAMS in
    auto | release | compile) ;;
    *) die "PROGRAMS is auto, release or compile, not $PROGRAMS" ;;
  esac
}

# choose_releases NAME...   sets DOWNLOAD_FROM to those projects whose programs are downloaded, of
# the projects that release the given programs, and prints a line about each with the reason. Which
# hosts can be reached is found out within PROBE_SECONDS. Fails when PROGRAMS=release and one cannot.
choose_releases() {
  local folder project name first reason result=0
  DOWNLOAD_FROM=
  folder=$(mktemp -d)
  for project in kubernetes etcd; do
    first=
    for name; do
      if [ "$(release_project "$name")" = "$project" ]; then first=$name; break; fi
    done
    [ -n "$first" ] || continue
    : >"$folder/$project"
    if [ "$PROGRAMS" = compile ]; then
      echo "$COMPILE_REASON" >"$folder/$project"
    elif ! command -v curl >/dev/null; then
      echo "curl is not installed" >"$folder/$project"
    elif [ "$project" = etcd ] && ! command -v gzip >/dev/null; then
      echo "gzip is not installed" >"$folder/$project"
    else
      (
        mkdir "$folder/$project.probe"
        fetch_checksum "$project" "$(release_file "$first")" "$folder/$project.probe" --max-time "$PROBE_SECONDS" || echo "$REASON" >"$folder/$project"
      ) &
    fi
  done
  wait
  for project in kubernetes etcd; do
    [ -e "$folder/$project" ] || continue
    reason=$(cat "$folder/$project")
    name="$([ "$project" = etcd ] && echo etcd || echo Kubernetes) $(release_version "$project")"
    if [ -z "$reason" ]; then
      DOWNLOAD_FROM+=" $project"
      echo "$name is downloaded from $(release_url "$project" '')."
    elif [ "$PROGRAMS" = release ]; then
      echo "$name cannot be downloaded, but PROGRAMS=release asks for it: $reason."
      result=1
    else
      echo "$name is compiled: $reason."
    fi
  done
  DOWNLOAD_FROM=${DOWNLOAD_FROM# }
  rm -rf "$folder"
  return "$result"
}
