#!/usr/bin/env bash
# scripts/pictures.sh FROM TO: makes the README's pictures in TO of those that
# scripts/window-run.sh left in FROM: for each step the old phone's window and the
# new phone's, side by side, in few colours.
set -euo pipefail
from=$1 to=$2
mkdir -p "$to"
for step in start wait code what moving done; do
  old=$(find "$from" -name "[0-9][0-9]-$step-old.png") new=$(find "$from" -name "[0-9][0-9]-$step-new.png")
  convert "$old" "$new" -background none -bordercolor none -border 6 +append -strip +dither -colors 96 -define png:compression-level=9 "PNG8:$to/$step.png"
done
