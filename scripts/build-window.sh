#!/usr/bin/env bash
# scripts/build-window.sh PROGRAM [FLAG...]: builds the window into PROGRAM.
# Everybody builds it here, with the same flags of the compilers, so that what
# one build has left in Go's cache is there for the next. The FLAGs are the go
# command's, in front of its own.
#
# X11 alone: it then starts where libwayland is missing, and on a Wayland desktop
# through XWayland.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1
shift
export CGO_ENABLED=1 CGO_CFLAGS="-O1 -include $PWD/scripts/cgo.h"
exec go build -trimpath -tags "x11${TAGS:+,$TAGS}" -o "$program" "$@" ./app
