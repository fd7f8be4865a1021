#!/usr/bin/env bash
# scripts/package-check.sh: unpacks dist/Ferry.tar.xz, looks at what is in it,
# and starts it on a display of its own until its window is there.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/display.sh

fail() {
  echo "the package: $1" >&2
  exit 1
}

tar -xJf dist/Ferry.tar.xz -C "$work"
version=$(sed -n 's/^Version = "\(.*\)"$/\1/p' FyneApp.toml)
program=$(find "$work" -path '*/usr/local/bin/ferry-window' -type f -perm -u+x)
desktop=$(find "$work" -name '*.desktop')
icon=$(find "$work" -path '*/share/pixmaps/*.png')
[ -n "$program" ] || fail "no program ferry-window in usr/local/bin"
[ -n "$desktop" ] || fail "no desktop file"
grep -qx 'Name=Ferry' "$desktop" || fail "the desktop file does not call it Ferry"
grep -q '^Exec=ferry-window' "$desktop" || fail "the desktop file starts something else"
named=$(sed -n 's/^Icon=//p' "$desktop")
[ "$(basename "$icon" .png)" = "$(basename "$named" .png)" ] || fail "its icon is not the one that the desktop file names"
cmp -s "$icon" Icon.png || fail "its icon is not Icon.png"
grep -qaF "$PWD" "$program" && fail "the program names the folder that it was built in"
grep -qaF "$version" "$program" || fail "the program does not have the version $version"

mkdir "$work/home"
HOME=$work/home FERRY_HOME=$work/state "$program" -into "$work/phone" 2>"$work/log" &
window=$!
pids+=("$window")
shown "$window" >/dev/null || fail "no window after a minute; it said: $(cat "$work/log")"
end "$window" || fail "it did not end well; it said: $(cat "$work/log")"
[ ! -s "$work/log" ] || fail "it said: $(cat "$work/log")"
echo "dist/Ferry.tar.xz starts, and is called what it should be"
