#!/usr/bin/env bash
# scripts/package-check.sh: unpacks dist/Ferry.tar.xz, looks at what is in it,
# and starts it on a display of its own until its window is there.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
x="" window=""
clean() {
  [ -z "$window" ] || kill "$window" 2>/dev/null || true
  [ -z "$x" ] || kill "$x" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap clean EXIT
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

mkfifo "$work/number"
Xvfb -displayfd 3 -screen 0 840x800x24 3>"$work/number" >/dev/null 2>&1 &
x=$!
read -r number <"$work/number"
mkdir "$work/home"
HOME=$work/home FERRY_HOME=$work/home/state DISPLAY=:$number "$program" -into "$work/phone" 2>"$work/log" &
window=$!
id=$(DISPLAY=:$number timeout 30 xdotool search --sync --onlyvisible --pid "$window" --name Ferry | head -n 1) || true
[ -n "$id" ] || fail "no window after 30 s; it said: $(cat "$work/log")"
kill "$window"
wait "$window" || fail "it did not end well; it said: $(cat "$work/log")"
window=""
[ ! -s "$work/log" ] || fail "it said: $(cat "$work/log")"
echo "dist/Ferry.tar.xz starts, and is called what it should be"
