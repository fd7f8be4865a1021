#!/usr/bin/env bash
# scripts/window-cost.sh PROGRAM: how long the window takes to be there and drawn,
# the second and third time, and what it costs when nobody touches it: processor
# time in half a minute and memory, with the watcher's. Needs a machine that does
# nothing else.
set -euo pipefail
program=$(realpath "$1")
. "$(dirname "$0")/display.sh"

cd "$work"
mkdir home
export HOME=$work/home FERRY_HOME=$work/state
ms() { echo $(($(date +%s%N) / 1000000)); }
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
kilobytes() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }

echo "load of this machine before: $(cut -d' ' -f1 /proc/loadavg)"
for run in 1 2 3; do
  begin=$(ms)
  "$program" 2>/dev/null &
  window=$!
  pids+=("$window")
  id=$(shown "$window")
  there=$(ms)
  until [ "$(colours "$id")" -ge 8 ]; do :; done
  drawn=$(ms)
  [ $run = 1 ] || echo "start: there after $((there - begin)) ms, drawn after $((drawn - begin)) ms"
  [ $run = 3 ] || end "$window"
done
watcher=$(pgrep -P "$window")
sleep 5
before=$(($(ticks "$window") + $(ticks "$watcher")))
sleep 30
after=$(($(ticks "$window") + $(ticks "$watcher")))
echo "idle: $(((after - before) * 1000 / $(getconf CLK_TCK))) ms of processor time in 30 s"
echo "memory: $(($(kilobytes "$window") / 1000)) MB, and the watcher $(($(kilobytes "$watcher") / 1000)) MB"
end "$window"
