#!/bin/sh
# Makes the trimmed Java runtime that every image carries: jlink.sh JDK TARGET
set -eu
# What the three programs use, found by jdeps and by running them. The last line is for reflection:
# management beans, Vert.x and Netty (unsafe), elliptic curves for TLS.
modules=java.base,java.compiler,java.desktop,java.logging,java.management,java.naming
modules=$modules,java.net.http,java.security.jgss,java.sql,java.xml
modules=$modules,jdk.crypto.ec,jdk.httpserver,jdk.jfr,jdk.management,jdk.net,jdk.unsupported,jdk.zipfs

exec "$1/bin/jlink" --add-modules "$modules" --output "$2" \
  --strip-debug --no-header-files --no-man-pages --compress zip-6
