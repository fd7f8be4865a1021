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
# The nanoseconds that its threads ran: the processor time in /proc/PID/stat is
# guessed a hundred times a second, and wrong for what runs shortly and often.
ran() { awk '{n += $1} END {printf "%d", n / 1000000}' "/proc/$1/task"/*/schedstat; }
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
before=$(($(ran "$window") + $(ran "$watcher")))
sleep 30
after=$(($(ran "$window") + $(ran "$watcher")))
echo "idle: $((after - before)) ms of processor time in 30 s"
echo "memory: $(($(kilobytes "$window") / 1000)) MB, and the watcher $(($(kilobytes "$watcher") / 1000)) MB"
end "$window"
