# To be sourced: a display of its own, $DISPLAY, and a folder, $work. Both go when
# the script ends, and so do the processes whose numbers are in $pids.

work=$(mktemp -d "${TMPDIR:-/tmp}/ferry.XXXX")
pids=()
leave() {
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap leave EXIT

mkfifo "$work/number"
Xvfb -displayfd 3 -screen 0 "${SCREEN:-840x800}x24" 3>"$work/number" >/dev/null 2>&1 &
pids+=($!)
read -r number <"$work/number"
export DISPLAY=:$number LIBGL_ALWAYS_SOFTWARE=1

# end PID: ends a window as a person would, and tells whether it ended well.
end() {
  kill "$1" 2>/dev/null
  wait "$1"
}

# shown PID: waits for a window of that process and prints its number.
shown() { timeout 60 xdotool search --sync --onlyvisible --all --pid "$1" --name 'Ferry$' | head -n 1; }

# colours WINDOW: prints how many there are on it; one that is not drawn yet has one.
colours() { import -window "$1" png:- | identify -format %k -; }
