//go:build windows || android

package phone

import "github.com/ferry-move/ferry/mobile/files"

const profile = files.Portable
