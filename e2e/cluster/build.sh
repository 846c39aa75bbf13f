#!/bin/sh
# Prints the path of lorax-cluster, which it builds when the cache lacks one of this very content.
# Beside it lie helm and, as a link to it, kubectl.
set -eu
cd "$(dirname "$0")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/lorax"
files=$(find . -name '*.go' ! -name '*_test.go' -o -name 'go.*' -o -name build.sh | LC_ALL=C sort)
key=$({ go env GOVERSION GOARCH; cat $files; } | sha256sum | cut -c1-12)
folder="$cache/cluster-$key"
mkdir -p "$cache"
exec 9>"$cache/cluster.lock"
flock 9
if [ ! -d "$folder" ]; then
  echo "cluster: building (the first time takes about ten minutes on two cores)" >&2
  made=$(mktemp -d "$folder.XXXXXX")
  trap 'rm -rf "$made"' EXIT
  kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
  set -- -s -w -X "lorax.dev/cluster/command.Version=${kubernetes#v}"
  set -- "$@" -X "helm.sh/helm/v3/internal/version.version=$(go list -m -f '{{.Version}}' helm.sh/helm/v3)"
  minor=${kubernetes#v1.}
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    set -- "$@" -X "$package.gitVersion=$kubernetes" -X "$package.gitMajor=1" -X "$package.gitMinor=${minor%%.*}"
  done
  CGO_ENABLED=0 go build -trimpath -ldflags "$*" -o "$made/" . helm.sh/helm/v3/cmd/helm >&2
  mv "$made/cluster" "$made/lorax-cluster"
  ln -s lorax-cluster "$made/kubectl"
  find "$cache" -maxdepth 1 -name 'cluster-*' -mtime +2 -exec rm -rf {} +
  mv "$made" "$folder"
fi
echo "$folder/lorax-cluster"
