#!/usr/bin/env bash
# scripts/window-check.sh PROGRAM FOLDER: starts the window on a display of its
# own, keeps a picture of its first screen in FOLDER, and fails if it says
# anything, a wrong thread above all.
set -euo pipefail
program=$(realpath "$1")
mkdir -p "$2"
picture=$(realpath "$2")/start.png
. "$(dirname "$0")/display.sh"

fail() {
  echo "the window: $1; it said:" >&2
  cat "$work/log" >&2
  exit 1
}

cd "$work" # away from FyneApp.toml, which would turn Fyne's check off
mkdir home
HOME=$work/home FERRY_HOME=$work/state "$program" -into "$work/phone" 2>"$work/log" &
window=$!
pids+=("$window")
id=$(shown "$window") || fail "did not come"
for _ in $(seq 300); do
  [ "$(colours "$id")" -lt 8 ] || break
  sleep 0.1
done
import -window "$id" "$picture"
[ "$(identify -format %k "$picture")" -ge 8 ] || fail "stays empty"
end "$window" || fail "did not end well"
! grep -q 'Error in Fyne call thread' "$work/log" || fail "was drawn from a wrong thread"
[ ! -s "$work/log" ] || fail "was not silent"
echo "picture: $picture"
