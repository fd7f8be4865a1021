package say

import (
	"errors"
	"syscall"

	"github.com/ferry-move/ferry/app/archives"
	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
)

// unpackError says what an error means that only a command about archives meets,
// or one that has nobody to ask for a password; empty for any other error.
func unpackError(err error) Problem {
	switch {
	case errors.Is(err, ab.ErrNoPassword):
		return Problem{"This archive is encrypted.", "Give the file with its password with --password-file, or run this where the password can be typed."}
	case errors.Is(err, ab.ErrPassword):
		return Problem{"The password is wrong, or the archive's key is damaged.", "Try again; Ferry cannot tell one from the other."}
	case errors.Is(err, archives.ErrNotMade):
		return Problem{"The disk is full, and no archive was made.", "Free some space there, or put the archive on another disk."}
	case errors.Is(err, archive.ErrNoSpace):
		return Problem{"There is not enough free space here.", "Free some space and start again: what is complete is passed over."}
	case errors.Is(err, archives.ErrBusy):
		return Problem{"Another run is unpacking into this folder.", "Wait until it has ended, and start again: what is complete is passed over."}
	case errors.Is(err, archive.ErrInTheWay):
		return Problem{"Something that is no folder is called \"apps\" there.", "Move it away, or unpack into another folder."}
	case errors.Is(err, archives.ErrPassword):
		return Problem{"That is no file with a password.", "Give a text file in UTF-8 whose first line is the password."}
	case errors.Is(err, archives.ErrExists):
		return Problem{"There is a file of that name already.", "Give the archive another name, or move that file away."}
	case errors.Is(err, archives.ErrNotFile):
		return Problem{"That is not a file.", "Give the path of the archive."}
	case errors.Is(err, syscall.EROFS):
		return readOnly
	}
	return Problem{}
}
