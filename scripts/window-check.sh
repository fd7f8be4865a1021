#!/usr/bin/env bash
# scripts/window-check.sh PROGRAM FOLDER: starts the window on a display of its
# own, keeps a picture of its first screen in FOLDER, and fails if it says
# anything, a wrong thread above all.
set -euo pipefail
program=$(realpath "$1")
mkdir -p "$2"
pictures=$(realpath "$2")

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
  echo "the window: $1; it said:" >&2
  cat "$work/log" >&2
  exit 1
}

mkfifo "$work/number"
Xvfb -displayfd 3 -screen 0 840x800x24 3>"$work/number" >/dev/null 2>&1 &
x=$!
read -r number <"$work/number"
export DISPLAY=:$number
cd "$work" # away from FyneApp.toml, which would turn Fyne's check off
mkdir home
HOME=$work/home FERRY_HOME=$work/state "$program" -into "$work/phone" 2>"$work/log" &
window=$!
timeout 60 xdotool search --sync --onlyvisible --all --pid "$window" --name 'Ferry$' >/dev/null || fail "did not come"
# It is drawn when there is more than one colour on it.
for _ in $(seq 100); do
  import -window root "$pictures/start.png"
  [ "$(identify -format %k "$pictures/start.png")" -lt 8 ] || break
  sleep 0.1
done
[ "$(identify -format %k "$pictures/start.png")" -ge 8 ] || fail "stays empty"
kill "$window"
wait "$window" || fail "did not end well"
window=""
! grep -q 'Error in Fyne call thread' "$work/log" || fail "was drawn from a wrong thread"
[ ! -s "$work/log" ] || fail "was not silent"
echo "picture: $pictures/start.png"
