// Package pm reads and writes the data set that Android keeps under the name
// "@pm@": which apps a phone had, in which version, and who signed them (AOSP
// PackageManagerBackupAgent.java). It leads every backup, and nothing of an app
// is restored without its entry there.
//
// The data set is an entity stream. Its values are Java's big-endian data:
//
//	@ancestral_record@  int32 1, the format's version; the first entity
//	@home@              UTF component, int64 version, UTF installer, signers
//	@meta@              int32 SDK, UTF build
//	<package name>      version, signers
//
//	UTF      uint16 length in bytes, modified UTF-8
//	version  int32, or 80000000 and an int64
//	signers  int32 count, at most 20; for each: int32 length, bytes
//
// A signer is the SHA-256 of a certificate. Old sets hold the certificates
// themselves: if any has another length than 32 bytes, all are hashed.
//
// The package also has the two files that the framework keeps beside its sets:
// the state of this agent ([State]), and the tokens of the sets ([Tokens]).
//
// Its worst moment is an app's data going to another app of the same name.
// [SignaturesMatch] therefore trusts nothing that is missing, and an entry that
// does not parse is left out of the [Set], with its reason, so that its app is
// not restored; the others are.
package pm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

// Package is the name under which transports keep the data set.
const Package = "@pm@"

// The keys of the data set that are not package names.
const (
	AncestralKey entity.Key = "@ancestral_record@"
	HomeKey      entity.Key = "@home@"
	GlobalKey    entity.Key = "@meta@"
)

// AncestralVersion is the version of the format, as Android has it since 9.
const AncestralVersion = 1

const (
	// MaxSigners is how many signers an entry may have; Android's limit.
	MaxSigners = 20
	// MaxApps is how many packages are read. A phone has a few hundred.
	MaxApps = 16384
	// MaxName is the longest package name in bytes; Android's is 223.
	MaxName = 1024
	// MaxValue is the largest value in bytes: twenty certificates fit well.
	MaxValue = 1 << 20
	// MaxState is the largest [State] or [Tokens] in bytes.
	MaxState = 16 << 20
)

var (
	// ErrVersion says that a newer Android wrote this.
	ErrVersion = errors.New("a version that is not known")
	// ErrName says that something is no package name.
	ErrName = errors.New("not a package name")
	// ErrSigners says that an entry has no signer, or too many.
	ErrSigners = errors.New("no signer, or too many")
	// ErrNoGlobal says that a set has no [Global], without which Android
	// restores nothing.
	ErrNoGlobal = errors.New("nothing about the system")
)

// longVersion announces a version of 64 bits.
const longVersion = -1 << 31

func appendVersion(dst []byte, v int64) []byte {
	if v > longVersion && v < 1<<31 {
		return binary.BigEndian.AppendUint32(dst, uint32(v))
	}
	dst = binary.BigEndian.AppendUint32(dst, 1<<31)
	return binary.BigEndian.AppendUint64(dst, uint64(v))
}

func appendSigners(dst []byte, signers []Hash) ([]byte, error) {
	if len(signers) > MaxSigners {
		return dst, ErrSigners
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(signers)))
	for _, s := range signers {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
		dst = append(dst, s[:]...)
	}
	return dst, nil
}

// cursor reads Java's data. Its first error is final; from then on everything
// is zero.
type cursor struct {
	b    []byte
	at   int
	base int64 // offset of b[0] in what errors count in
	err  error
}

func (c *cursor) fail(at int, what string, cause error) {
	if c.err == nil {
		c.err = &entity.DamageError{Offset: c.base + int64(at), What: what, Err: cause}
	}
	c.at = len(c.b)
}

func (c *cursor) more() bool { return c.at < len(c.b) }

// take returns the next n bytes; nil if they are not there.
func (c *cursor) take(n int) []byte {
	if n > len(c.b)-c.at {
		c.fail(len(c.b), "the value ends too early", nil)
	}
	if c.err != nil {
		return nil
	}
	c.at += n
	return c.b[c.at-n : c.at]
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (c *cursor) version() int64 {
	if v := c.int32(); v != longVersion {
		return int64(v)
	}
	return c.int64()
}

func (c *cursor) utf() string {
	if c.err != nil {
		return ""
	}
	s, rest, err := mutf8.CutUTF(c.b[c.at:])
	if err != nil {
		c.fail(c.at, "a text", err)
		return ""
	}
	c.at = len(c.b) - len(rest)
	return s
}

// signers reads an array of signers; a value may end before it.
func (c *cursor) signers() []Hash {
	if !c.more() {
		return nil
	}
	at := c.at
	n := c.int32()
	if n < 0 || n > MaxSigners {
		c.fail(at, "signers", ErrSigners)
		return nil
	}
	blocks := make([][]byte, n)
	hashed := true
	for i := range blocks {
		at := c.at
		size := int(c.int32())
		if size < 0 {
			c.fail(at, "a signer of negative length", nil)
		}
		blocks[i] = c.take(size)
		if c.err != nil {
			return nil
		}
		hashed = hashed && size == len(Hash{})
	}
	signers := make([]Hash, n)
	for i, b := range blocks {
		if hashed {
			signers[i] = Hash(b)
		} else {
			signers[i] = HashOf(b)
		}
	}
	return signers
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
