#!/usr/bin/env bash
# [TAGS=TAG,...] scripts/build-window.sh PROGRAM [FLAG...]: builds the window into
# PROGRAM; the FLAGs are the go command's. All that is built of
# the window is built here, with the same flags for the compilers, so that what one
# build has left in Go's cache is there for the next: OpenGL is C, and slow.
#
# X11 alone: it then starts where libwayland is missing, and on a Wayland desktop
# through XWayland.
set -euo pipefail
program=$(realpath -m "$1")
shift
cd "$(dirname "$0")/.."
export CGO_ENABLED=1 CGO_CFLAGS="-O1 -include $PWD/scripts/cgo.h"
exec go build -trimpath -tags "x11${TAGS:+,$TAGS}" -o "$program" "$@" ./app
