package ab

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat: the first line is not that of an Android backup.
	ErrFormat = errors.New("this is not an Android backup file")
	// ErrVersion: a version that this package does not know.
	ErrVersion = errors.New("this version of the backup format is not supported")
	// ErrEncryption: encrypted by something other than AES-256.
	ErrEncryption = errors.New("the backup is encrypted in an unknown way")
	// ErrRounds: key derivation would take longer than [MaxRounds] allows.
	ErrRounds = errors.New("the backup asks for too many rounds of key derivation")
	// ErrNoPassword: the archive is encrypted and there was nobody to ask.
	ErrNoPassword = errors.New("the backup is encrypted and needs its password")
	// ErrPassword: the password is wrong or the key blob is damaged. Which of
	// the two is not told.
	ErrPassword = errors.New("the password is wrong or the backup's key is damaged")
	// ErrTooLarge: the payload is larger than [Options.MaxInflated].
	ErrTooLarge = errors.New("the backup unpacks to more than is allowed")
)

// DamageError says where an archive stops making sense.
type DamageError struct {
	// Offset is in the file, in bytes, as far as it had been consumed.
	Offset int64
	// Inflated is how many bytes of the tar stream were good before, -1 while
	// still in the header.
	Inflated int64
	// What is a short phrase.
	What string
}

// Error implements error.
func (e *DamageError) Error() string {
	if e.Inflated < 0 {
		return fmt.Sprintf("damaged backup header at byte %d: %s", e.Offset, e.What)
	}
	return fmt.Sprintf("damaged backup at byte %d (byte %d unpacked): %s", e.Offset, e.Inflated, e.What)
}
