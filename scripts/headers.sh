#!/usr/bin/env bash
# scripts/headers.sh [PACKAGE...]: what it takes to build the window on Debian
# and its kin (a C compiler, and the headers of OpenGL and X11), and the packages
# named. It installs only what is missing, and says so.
set -euo pipefail

missing=()
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
command -v pkg-config >/dev/null || missing+=(pkg-config)
for pair in gl:libgl1-mesa-dev x11:libx11-dev xcursor:libxcursor-dev xrandr:libxrandr-dev xinerama:libxinerama-dev xi:libxi-dev xxf86vm:libxxf86vm-dev xkbcommon:libxkbcommon-dev; do
  pkg-config --exists "${pair%%:*}" 2>/dev/null || missing+=("${pair#*:}")
done
for p in "$@"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
if ! command -v apt-get >/dev/null || { [ -n "$sudo" ] && ! command -v sudo >/dev/null; }; then
  echo "The window needs what these Debian packages have: ${missing[*]}. Install them and run this again." >&2
  exit 1
fi
echo "Installing what the window needs: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"; }; then
  echo "apt could not install them. See what it says above, or install them by hand, and run this again." >&2
  exit 1
fi
