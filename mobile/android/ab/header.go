package ab

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	magic     = "ANDROID BACKUP\n"
	algorithm = "AES-256"
	noCipher  = "none"

	// MaxVersion is the newest version there is, and the one that [Create]
	// writes by default.
	MaxVersion = 5
	// MaxRounds bounds the work that a file may ask for before its password is
	// checked. Android always writes [DefaultRounds].
	MaxRounds = 10_000_000
	// DefaultRounds is what Android writes.
	DefaultRounds = 10_000

	maxHeader = 64 << 10 // bytes, all lines together

	saltSize  = 64
	blockSize = 16
	keySize   = 32
	blobSize  = 96 // 83 bytes and their padding
)

// Header is what a file says about itself.
type Header struct {
	// Version is 1 to [MaxVersion].
	Version int
	// Compressed: the tar stream is deflated.
	Compressed bool
	// Encrypted: by AES-256, under a password.
	Encrypted bool
	// Rounds of PBKDF2; 0 unless Encrypted.
	Rounds int
}

// envelope is the encrypted part of a header.
type envelope struct {
	userSalt, checkSalt []byte // saltSize
	iv                  []byte // blockSize
	blob                []byte // blobSize
	rounds              int
}

// lines reads header lines and knows where it is.
type lines struct {
	r    *bufio.Reader
	off  int64 // of the next byte
	line int64 // start of the line read last
	buf  []byte
}

func (l *lines) damage(what string) error {
	return &DamageError{Offset: l.line, Inflated: -1, What: what}
}

// next returns the next line without its line feed. It is valid until the next
// call.
func (l *lines) next() ([]byte, error) {
	l.line, l.buf = l.off, l.buf[:0]
	for {
		c, err := l.r.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, &DamageError{Offset: l.off, Inflated: -1, What: "the header is cut"}
		}
		if err != nil {
			return nil, readError(err)
		}
		if l.off++; l.off > maxHeader {
			return nil, l.damage("the header is too long")
		}
		if c == '\n' {
			return l.buf, nil
		}
		l.buf = append(l.buf, c)
	}
}

// number reads a line that is a plain decimal number without sign or leading
// zeros. A number beyond an int64 comes out as the largest one.
func (l *lines) number(what string) (int64, error) {
	b, err := l.next()
	if err != nil {
		return 0, err
	}
	if len(b) == 0 || len(b) > 1 && b[0] == '0' {
		return 0, l.damage(what)
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, l.damage(what)
		}
	}
	n, _ := strconv.ParseInt(string(b), 10, 64) // only the range can be wrong; then n is the largest
	return n, nil
}

// hex reads a line of exactly n bytes in hexadecimal, in either case.
func (l *lines) hex(n int, what string) ([]byte, error) {
	b, err := l.next()
	if err != nil {
		return nil, err
	}
	if len(b) != 2*n {
		return nil, l.damage(what)
	}
	out := make([]byte, n)
	if _, err := hex.Decode(out, b); err != nil {
		return nil, l.damage(what)
	}
	return out, nil
}

// readHeader reads up to the payload. The envelope is nil unless the archive is
// encrypted.
func readHeader(l *lines) (Header, *envelope, error) {
	var h Header
	first := make([]byte, len(magic))
	if n, err := io.ReadFull(l.r, first); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return h, nil, readError(err)
	} else if string(first[:n]) != magic {
		return h, nil, ErrFormat
	}
	l.off = int64(len(magic))

	v, err := l.number("the version is not a number")
	if err != nil {
		return h, nil, err
	}
	if v < 1 || v > MaxVersion {
		return h, nil, ErrVersion
	}
	h.Version = int(v)
	switch c, err := l.number("the compression is neither 0 nor 1"); {
	case err != nil:
		return h, nil, err
	case c > 1:
		return h, nil, l.damage("the compression is neither 0 nor 1")
	default:
		h.Compressed = c == 1
	}
	alg, err := l.next()
	if err != nil {
		return h, nil, err
	}
	switch string(alg) {
	case noCipher:
		return h, nil, nil
	case algorithm:
		h.Encrypted = true
	default:
		return h, nil, ErrEncryption
	}

	e := new(envelope)
	if e.userSalt, err = l.hex(saltSize, "the password's salt is not 64 bytes in hexadecimal"); err != nil {
		return h, nil, err
	}
	if e.checkSalt, err = l.hex(saltSize, "the check sum's salt is not 64 bytes in hexadecimal"); err != nil {
		return h, nil, err
	}
	rounds, err := l.number("the rounds are not a number")
	switch {
	case err != nil:
		return h, nil, err
	case rounds == 0:
		return h, nil, l.damage("there are no rounds of key derivation")
	case rounds > MaxRounds:
		return h, nil, ErrRounds
	}
	e.rounds, h.Rounds = int(rounds), int(rounds)
	if e.iv, err = l.hex(blockSize, "the vector is not 16 bytes in hexadecimal"); err != nil {
		return h, nil, err
	}
	if e.blob, err = l.hex(blobSize, "the key blob is not 96 bytes in hexadecimal"); err != nil {
		return h, nil, err
	}
	return h, e, nil
}

// appendHeader writes what readHeader reads. e is nil for a plain archive.
func appendHeader(b []byte, h Header, e *envelope) []byte {
	compressed := 0
	if h.Compressed {
		compressed = 1
	}
	b = fmt.Appendf(b, "%s%d\n%d\n", magic, h.Version, compressed)
	if e == nil {
		return append(b, noCipher+"\n"...)
	}
	return fmt.Appendf(b, "%s\n%X\n%X\n%d\n%X\n%X\n", algorithm, e.userSalt, e.checkSalt, e.rounds, e.iv, e.blob)
}

// readError marks a failure of the file itself, as opposed to its content.
func readError(err error) error { return fmt.Errorf("read backup: %w", err) }
