#!/usr/bin/env bash
# scripts/window-run.sh PROGRAM FERRY FOLDER: a whole move in two real windows on a
# display of its own, an old phone's and a new phone's, by keys, and by the pointer
# where that shows that it does the same. Each
# step's two pictures stay in FOLDER as NN-STEP-old.png and NN-STEP-new.png. In the
# end the two phones are compared, FERRY (the command line) verifies both receipts,
# and neither window may have said anything.
#
# Nothing here knows where something is on the screen. What page a window is on is
# its title; Shift and Tab go from the page's end, where the main button is; and the
# code goes by the clipboard, as a person could do it: "Copy the code" on the new
# phone, and pasted on the old one.
set -euo pipefail
# A network of its own, where that may be made: nobody else's new phone is found.
if [ -z "${FERRY_ALONE:-}" ] && command -v ip >/dev/null && unshare --net true 2>/dev/null; then
  FERRY_ALONE=1 exec unshare --net bash -c 'ip link set lo up && exec "$@"' - bash "$(realpath "$0")" "$@"
fi
cd "$(dirname "$0")/.."
program=$(realpath "$1")
ferry=$(realpath "$2")
mkdir -p "$3"
pictures=$(realpath "$3")
rm -f "$pictures"/[0-9][0-9]-*.png

SCREEN="$((2 * 412 + 8))x915"
. scripts/display.sh

declare -A pid=() window=()
fail() {
  echo "the run: $1" >&2
  local side
  for side in "${!window[@]}"; do
    echo "  $side is at \"$(title "$side")\"; see $pictures/failed-$side.png" >&2
    import -window "${window[$side]}" "$pictures/failed-$side.png" || true
  done
  head -n 20 "$work"/{old,new}.log >&2
  exit 1
}

title() { xdotool getwindowname "${window[$1]}"; }

# at SIDE TITLE: waits until the window's title begins so.
at() {
  local tries=600
  until [[ "$(title "$1")" == "$2"* ]]; do
    ((tries-- > 0)) || fail "$1 does not come to \"$2\""
    kill -0 "${pid[$1]}" 2>/dev/null || fail "$1 has ended"
    sleep 0.1
  done
}

# picture SIDE: a number that says what the window looks like.
picture() { import -window "${window[$1]}" rgb:- | sha256sum; }

# settle SIDE: waits until the window looks the same twice.
settle() {
  local now before="" tries=200
  until now=$(picture "$1") && [ "$now" = "$before" ]; do
    ((tries-- > 0)) || fail "$1 does not come to rest"
    before=$now
    sleep 0.2
  done
}

# differ SIDE PICTURE: waits until the window looks otherwise than it did then.
differ() {
  local tries=600
  while [ "$(picture "$1")" = "$2" ]; do
    ((tries-- > 0)) || fail "nothing happens at $1"
    sleep 0.1
  done
}

# still SIDE: waits until nothing changes there, unless items move.
still() { [[ "$(title "$1")" == 'Moving '* ]] || settle "$1"; }

# keys SIDE KEY...: presses keys there. Without a window manager a window has the
# keyboard only when it is told to.
keys() {
  local side=$1
  shift
  still "$side"
  xdotool windowfocus --sync "${window[$side]}" key --delay 60 "$@"
}

# last SIDE [N]: presses the Nth button from the page's end, the first being its main one.
last() {
  local all=() i
  for ((i = 0; i < ${2:-1}; i++)); do all+=(shift+Tab); done
  keys "$1" "${all[@]}" Return
}

# click SIDE KEY...: clicks what those keys would give the focus, in a window where
# nothing has it: it is where the window changes.
click() {
  local side=$1 place x y
  shift
  still "$side"
  import -window "${window[$side]}" "$work/before.png"
  keys "$side" "$@"
  settle "$side"
  import -window "${window[$side]}" "$work/after.png"
  place=$(convert "$work/before.png" "$work/after.png" -compose difference -composite -threshold 2% -format '%@' info:)
  IFS='x+' read -r width height x y <<<"$place"
  xdotool mousemove --window "${window[$side]}" $((x + width / 2)) $((y + height / 2)) click 1 mousemove 416 0
}

step=0
# look STEP: keeps a picture of both windows.
look() {
  local side
  step=$((step + 1))
  for side in old new; do
    still "$side"
    import -window "${window[$side]}" -strip "$pictures/$(printf '%02d' $step)-$1-$side.png"
  done
}

# open SIDE X FLAG...: opens a window there.
open() {
  local side=$1 left=$2
  shift 2
  (cd "$work" && exec env HOME="$work/$side-home" FERRY_HOME="$work/$side-state" LANG=en_US.UTF-8 LC_ALL= "$program" -loopback "$@" 2>"$work/$side.log") &
  pid[$side]=$!
  pids+=($!)
  window[$side]=$(shown "${pid[$side]}") || fail "no window of $side"
  xdotool windowmove --sync "${window[$side]}" "$left" 0 || true
}

# An old phone with something of each kind, and photos that can be looked at. It
# sends slowly enough to be looked at.
"$ferry" demo --seed 7 --into "$work/old" >"$work/demo.log" 2>&1 || fail "no old phone was made"
rm -rf "$work/old"/.ferry*
mkdir -p "$work/old-home" "$work/new-home" "$work/old-state" "$work/new-state" "$work/old/DCIM/Camera"
for i in 1 2 3 4 5 6 7 8 9; do
  convert -seed "$i" -size 800x600 plasma:fractal -quality 80 "$work/old/DCIM/Camera/IMG_2026050$i.jpg"
done
echo '{"version": 1, "appearance": "light", "limit": 250000}' >"$work/old-state/settings.json"
echo '{"version": 1, "appearance": "dark"}' >"$work/new-state/settings.json"

open old 0 -name 'Galaxy S9' -from "$work/old"
open new 420 -name 'Pixel 9' -into "$work/Pixel 9"
xdotool mousemove 416 0 # between them
for side in old new; do
  at "$side" 'Move to a new phone'
  xdotool windowsize --sync "${window[$side]}" 412 915 || true
done
look start

keys new Tab Tab Return # the second of two
at new 'Waiting for your old phone'
keys old Tab Return
at old 'Choose your new phone'
look wait

# The list's first phone comes after the way back. Until it is there, the next
# button is the one for phones that are not.
for try in $(seq 30); do
  keys old Tab Tab Return
  sleep 0.5
  case $(title old) in
  'Type the code'*) break ;;
  'Type its address'*) keys old Escape; at old 'Choose' ;;
  esac
done
at old 'Type the code'
look code

settle new
before=$(picture new)
xdotool windowfocus --sync "${window[old]}" type --delay 60 0000000
differ new "$before" # it tells of a wrong code
look wrong-code
click new Tab # copy the code
settle new
keys old ctrl+v
at old 'What to move'
at new 'Your old phone is here'
look what

last old 2 # the preview
at old 'What would happen'
look preview
keys old Escape
at old 'What to move'
last old
at new 'Galaxy S9 wants to move here'
at old 'On Pixel 9'
look asking

click new shift+Tab
at new 'Moving from'
at old 'Moving to'
tries=600
until [ "$(find "$work/Pixel 9/DCIM" -type f 2>/dev/null | wc -l)" -ge 30 ]; do # some photos have come
  ((tries-- > 0)) || fail "nothing moves"
  sleep 0.1
done
look moving
last old # pause, which gives its place and the focus to going on
settle old
settle new
look paused
keys old Return
at old 'Everything is on Pixel 9'
at new 'All that was sent is here'
look done

last old
last new
at old 'Move to a new phone'
at new 'Move to a new phone'
keys old Tab Tab Return # from what was chosen the last time
keys new Tab Tab Return
at old 'History'
at new 'Settings'
look sides

for side in old new; do
  end "${pid[$side]}" || fail "$side did not end well"
  unset "pid[$side]" "window[$side]"
done
for side in old new; do
  [ ! -s "$work/$side.log" ] || fail "$side was not silent"
done

# The same files, but for contacts, which are put in the new phone's order.
diff -r --exclude .ferry --exclude Contacts "$work/old" "$work/Pixel 9" >"$work/diff.log" || fail "the two phones differ: $(head -n 5 "$work/diff.log")"
[ "$(cat "$work"/old/Contacts/*.vcf | grep -c '^BEGIN:VCARD')" = "$(cat "$work/Pixel 9"/Contacts/*.vcf | grep -c '^BEGIN:VCARD')" ] || fail "the contacts are not as many"
for side in old new; do
  "$ferry" verify "$work/$side-state"/receipts/*.receipt >"$work/verify.log" 2>&1 || fail "the receipt of $side: $(cat "$work/verify.log")"
done
echo "a whole move in two windows: pictures in $pictures"
