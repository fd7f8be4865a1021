#!/usr/bin/env bash
# scripts/package.sh TARGET: makes the window's package for linux, windows,
# darwin, ios, android or android/arm64, in dist/. docs/packaging.md says what
# each of them needs.
#
# Fyne's tool looks for FyneApp.toml, the icons and the Android manifest beside
# package main, and counts up the build number where it found it. So it gets
# copies, and the tree stays as it was.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

target=${1:-}
case $target in
linux | windows | darwin | ios | android | android/*) ;;
*)
  echo "usage: scripts/package.sh linux|windows|darwin|ios|android[/arm64]" >&2
  exit 2
  ;;
esac

mkdir -p bin dist
(cd tools/fyne && CGO_ENABLED=0 GOOS='' GOARCH='' go build -o "$root/bin/fyne" fyne.io/tools/cmd/fyne)

work=$(mktemp -d)
clean() {
  rm -rf "$work" app/FyneApp.toml app/Icon*.png app/AndroidManifest.xml app/fyne_metadata_init.go
  rm -rf app/tmp-pkg app/Ferry.tar.xz app/Ferry.exe app/Ferry.app app/Ferry.ipa app/Ferry.apk
}
trap clean EXIT
cp FyneApp.toml Icon*.png AndroidManifest.xml app/
cd app

case $target in
linux)
  # Fyne's check of threads is for tests.
  TAGS=no_metadata,migrated_fynedo "$root/scripts/build-window.sh" "$work/ferry-window" -ldflags '-s -w'
  "$root/bin/fyne" package --os linux --executable "$work/ferry-window"
  ;;
*)
  "$root/bin/fyne" package --os "$target"
  ;;
esac

for made in Ferry.tar.xz Ferry.exe Ferry.app Ferry.ipa Ferry.apk; do
  [ -e "$made" ] || continue
  rm -rf "$root/dist/$made"
  mv "$made" "$root/dist/$made"
  echo "dist/$made"
  exit 0
done
echo "fyne package left nothing" >&2
exit 1
