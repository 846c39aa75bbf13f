#!/bin/sh
# Installs what the embedded cluster and the image builder need from Debian. Safe to run again.
set -eu

cluster="containerd runc containernetworking-plugins nftables busybox-static"
images="buildah debootstrap openssl"

missing=""
for package in $cluster $images; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "packages: all installed"
  exit 0
fi

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
  echo "packages missing:$missing; run as root: apt-get update && $install" >&2
  exit 1
fi
echo "packages: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
$install -qq >/dev/null
echo "packages: done"
