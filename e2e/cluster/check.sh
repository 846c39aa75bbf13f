#!/bin/sh
# Checks the form of the code and runs its tests, with the flags of build.sh so that it finds the
# packages of Kubernetes compiled already.
set -eu
cd "$(dirname "$0")"
export CGO_ENABLED=0 GOFLAGS=-trimpath

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
  echo "not formatted by gofmt: $unformatted" >&2
  exit 1
fi
go vet ./...
go test ./...
