package say

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/ferry-move/ferry/app/archives"
	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
)

// archiveError says what an error about a backup archive means; empty for any
// other error.
func archiveError(err error) (Problem, Fields) {
	var damage *archive.DamageError
	var header *ab.DamageError
	switch {
	case errors.Is(err, ab.ErrFormat):
		return Problem{"This is not an Android backup archive.", "Give a file that \"adb backup\" or \"ferry archive create\" made."}, nil
	case errors.Is(err, ab.ErrVersion):
		return Problem{"This archive is of a version that ferry does not know.", "Update ferry, or make the archive again."}, nil
	case errors.Is(err, ab.ErrEncryption):
		return Problem{"This archive is encrypted in a way that ferry does not know.", "Make it again on the phone, with a password or without."}, nil
	case errors.Is(err, ab.ErrRounds):
		return Problem{"This archive asks for more work than any archive of Android's needs before its password can be tried.", "Do not use it unless you know who made it."}, nil
	case errors.Is(err, ab.ErrNoPassword):
		return Problem{"This archive is encrypted.", "Give the file with its password with --password-file, or run this where the password can be typed."}, nil
	case errors.Is(err, ab.ErrPassword):
		return Problem{"The password is wrong, or the archive's key is damaged.", "Try again; ferry cannot tell one from the other."}, nil
	case errors.Is(err, ab.ErrTooLarge), errors.Is(err, archive.ErrLimit):
		if errors.As(err, &damage) {
			return Problem{"There is more in this archive than any phone holds: from byte {{.Byte}} of the file on it was not read.", "Do not use it unless you know who made it."}, Fields{"Byte": fmt.Sprint(damage.File)}
		}
		return Problem{"There is more in this archive than any phone holds.", "Do not use it unless you know who made it."}, nil
	case errors.Is(err, archives.ErrNotMade):
		return Problem{"The disk is full, and no archive was made.", "Free some space there, or put the archive on another disk."}, nil
	case errors.Is(err, archive.ErrNoSpace):
		return Problem{"There is not enough free space here.", "Free some space and start again: what is complete is passed over."}, nil
	case errors.Is(err, archives.ErrBusy):
		return Problem{"Another run is unpacking into this folder.", "Wait until it has ended, and start again: what is complete is passed over."}, nil
	case errors.Is(err, archive.ErrInTheWay):
		return Problem{"Something that is no folder is called \"apps\" there.", "Move it away, or unpack into another folder."}, nil
	case errors.Is(err, archives.ErrPassword):
		return Problem{"That is no file with a password.", "Give a text file in UTF-8 whose first line is the password."}, nil
	case errors.Is(err, archives.ErrExists):
		return Problem{"There is a file of that name already.", "Give the archive another name, or move that file away."}, nil
	case errors.Is(err, archives.ErrNotFile):
		return Problem{"That is not a file.", "Give the path of the archive."}, nil
	case errors.As(err, &damage) && damage.Offset < 0: // in its header
		return Problem{"The archive is damaged near byte {{.Byte}} of the file: {{.Cause}}.", "Take the archive from its source again."}, Fields{"Byte": fmt.Sprint(damage.File), "Cause": damage.What()}
	case errors.As(err, &damage):
		return Problem{
			"The archive is damaged near byte {{.Byte}} of the file (byte {{.Offset}} of its content): {{.Cause}}.",
			"What came before that was read. Take the archive from its source again.",
		}, Fields{"Byte": fmt.Sprint(damage.File), "Offset": fmt.Sprint(damage.Offset), "Cause": damage.What()}
	case errors.As(err, &header):
		return Problem{"The archive is damaged near byte {{.Byte}} of the file: {{.Cause}}.", "Take the archive from its source again."}, Fields{"Byte": fmt.Sprint(header.Offset), "Cause": header.What}
	case errors.Is(err, syscall.EROFS):
		return readOnly, nil
	}
	return Problem{}, nil
}

// WrongPassword reports whether an archive's password was wrong.
func WrongPassword(err error) bool { return errors.Is(err, ab.ErrPassword) }

// NotArchive reports whether a file was taken for an archive and is none.
func NotArchive(err error) bool { return errors.Is(err, ab.ErrFormat) }

// AboutArchive reports whether an error is about what is in an archive, and not
// about the file.
func AboutArchive(err error) bool {
	p, _ := archiveError(err)
	return err != nil && p != Problem{}
}
