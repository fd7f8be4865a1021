package say

import (
	"errors"
	"fmt"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
)

// archiveError says what an error about a backup archive means; empty for any
// other error.
func archiveError(err error) (Problem, Fields) {
	var damage *archive.DamageError
	var header *ab.DamageError
	if p := unpackError(err); p != (Problem{}) {
		return p, nil
	}
	switch {
	case errors.Is(err, ab.ErrFormat):
		return Problem{"This is not an Android backup archive.", "Give a file that \"adb backup\" or \"ferry archive create\" made."}, nil
	case errors.Is(err, ab.ErrVersion):
		return Problem{"This archive is of a version that Ferry does not know.", "Update Ferry, or make the archive again."}, nil
	case errors.Is(err, ab.ErrEncryption):
		return Problem{"This archive is encrypted in a way that Ferry does not know.", "Make it again on the phone, with a password or without."}, nil
	case errors.Is(err, ab.ErrRounds):
		return Problem{"This archive asks for more work than any archive of Android's needs before its password can be tried.", "Do not use it unless you know who made it."}, nil
	case errors.Is(err, ab.ErrTooLarge), errors.Is(err, archive.ErrLimit):
		if errors.As(err, &damage) {
			return Problem{"There is more in this archive than any phone holds: from byte {{.Byte}} of the file on it was not read.", "Do not use it unless you know who made it."}, Fields{"Byte": fmt.Sprint(damage.File)}
		}
		return Problem{"There is more in this archive than any phone holds.", "Do not use it unless you know who made it."}, nil
	case errors.As(err, &damage) && damage.Offset < 0: // in its header
		return Problem{"The archive is damaged near byte {{.Byte}} of the file: {{.Cause}}.", "Take the archive from its source again."}, Fields{"Byte": fmt.Sprint(damage.File), "Cause": damage.What()}
	case errors.As(err, &damage):
		return Problem{
			"The archive is damaged near byte {{.Byte}} of the file (byte {{.Offset}} of its content): {{.Cause}}.",
			"What came before that was read. Take the archive from its source again.",
		}, Fields{"Byte": fmt.Sprint(damage.File), "Offset": fmt.Sprint(damage.Offset), "Cause": damage.What()}
	case errors.As(err, &header):
		return Problem{"The archive is damaged near byte {{.Byte}} of the file: {{.Cause}}.", "Take the archive from its source again."}, Fields{"Byte": fmt.Sprint(header.Offset), "Cause": header.What}
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
