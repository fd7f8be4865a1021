package session

import (
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/phone"
)

// OpenFolder opens a folder as a phone; make makes it if it is missing.
func OpenFolder(dir string, make bool) (mobile.Device, error) {
	return phone.OpenFolder(dir, phone.FolderOptions{Create: make})
}
