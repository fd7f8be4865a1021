package ab

import (
	"bufio"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"io"
)

// Options say how to open an archive. The zero value opens plain ones.
type Options struct {
	// Password is asked once, and only if the archive is encrypted. It returns
	// the password in UTF-8; the slice stays the caller's to wipe (key
	// derivation makes a copy that is left to the garbage collector). Nil =
	// there is nobody to ask.
	Password func() ([]byte, error)
	// MaxInflated is the largest payload in bytes, unpacked. 0 = any: memory
	// stays the same whatever it is.
	MaxInflated int64
}

// End says how the stream of an archive ended. Android finishes it properly;
// files that others made, or that were repaired, often lack a part.
type End struct {
	// Final: the deflated stream came to its last block. Without it the file
	// stops right behind a flush, which is how an archive looks that was cut
	// between two apps: whether it is whole shows in the tar only. True if not
	// compressed.
	Final bool
	// Checksum: the check sum over the payload is there and right (a wrong one
	// is a [DamageError]). True if not compressed: there is none to miss.
	Checksum bool
	// Trailing is how many bytes follow the deflated stream.
	Trailing int64
}

// Clean reports that nothing was missing and nothing was left over.
func (e End) Clean() bool { return e.Final && e.Checksum && e.Trailing == 0 }

// Reader yields the tar stream of an archive. It is not safe for concurrent
// use, and needs no closing.
type Reader struct {
	head Header
	max  int64
	src  *stage
	fl   io.ReadCloser // nil = not compressed
	sum  hash.Hash32
	n    int64 // bytes yielded
	end  End
	err  error // sticky
}

// Open reads the header and, if the archive is encrypted, opens its key. It
// fails with one of this package's errors, a [DamageError], or whatever the
// password function or the file itself failed with.
func Open(r io.Reader, o Options) (*Reader, error) {
	l := &lines{r: bufio.NewReaderSize(r, chunk)}
	h, env, err := readHeader(l)
	if err != nil {
		return nil, err
	}
	ar := &Reader{head: h, max: o.MaxInflated, end: End{Final: true, Checksum: true}}
	var mode cipher.BlockMode
	if env != nil {
		if mode, err = payloadMode(env, h.Version, o.Password); err != nil {
			return nil, err
		}
	}
	ar.src = newStage(l.r, l.off, mode)
	if h.Compressed {
		if err := ar.zlibHeader(); err != nil {
			return nil, err
		}
		ar.fl, ar.sum = flate.NewReader(ar.src), adler32.New()
	}
	return ar, nil
}

func payloadMode(e *envelope, version int, ask func() ([]byte, error)) (cipher.BlockMode, error) {
	if ask == nil {
		return nil, ErrNoPassword
	}
	password, err := ask()
	if err != nil {
		return nil, fmt.Errorf("ask for the backup's password: %w", err)
	}
	k, err := unlock(e, version, password)
	if err != nil {
		return nil, err
	}
	defer k.wipe()
	block, err := aes.NewCipher(k.key)
	if err != nil {
		return nil, err
	}
	return cipher.NewCBCDecrypter(block, k.iv), nil
}

// zlibHeader checks the two bytes of RFC 1950.
func (r *Reader) zlibHeader() error {
	var b [2]byte
	for i := range b {
		c, err := r.src.ReadByte()
		if errors.Is(err, io.EOF) {
			return r.damage("the compressed part is missing")
		}
		if err != nil {
			return err
		}
		b[i] = c
	}
	const method, maxWindow, dictionary = 8, 7, 0x20
	if b[0]&0xf != method || b[0]>>4 > maxWindow || b[1]&dictionary != 0 || (int(b[0])<<8|int(b[1]))%31 != 0 {
		return r.damage("the compressed part does not begin as it must")
	}
	return nil
}

// Header returns what the file says about itself.
func (r *Reader) Header() Header { return r.head }

// Offset returns how far the file has been consumed, in bytes; read-ahead is
// not counted.
func (r *Reader) Offset() int64 { return r.src.pos() }

// End says how the stream ended; ok is false until Read has returned io.EOF.
func (r *Reader) End() (e End, ok bool) {
	if r.err != io.EOF {
		return End{}, false
	}
	return r.end, true
}

// Read reads the tar stream. After io.EOF everything in the file has been read,
// what follows the stream included.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.max > 0 && int64(len(p)) > r.max-r.n {
		p = p[:r.max-r.n+1] // one byte more than allowed shows that there is more
	}
	var n int
	var err error
	if r.fl == nil {
		n, err = r.src.Read(p)
	} else {
		n, err = r.fl.Read(p)
		_, _ = r.sum.Write(p[:n]) // never fails
	}
	r.n += int64(n)
	if r.max > 0 && r.n > r.max {
		n, r.n, r.err = n-1, r.max, ErrTooLarge
		return n, r.err
	}
	if err != nil {
		r.err = r.finish(err)
	}
	if n > 0 {
		return n, nil // the error, if any, comes with the next call
	}
	return 0, r.err
}

// finish turns the error that ended the stream into the one to report.
func (r *Reader) finish(err error) error {
	var d *DamageError
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &d):
		d.Inflated = r.n
		return d
	case r.fl == nil:
		return err
	case errors.Is(err, io.EOF):
		if err := r.trailer(); err != nil {
			return err
		}
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF) && errors.Is(r.src.err, io.EOF):
		if r.src.last() == [4]byte{0, 0, 0xff, 0xff} { // the end of a flush
			r.end = End{}
			return io.EOF
		}
		return r.damage("the compressed part is cut")
	case errors.As(err, &corrupt):
		return r.damage("the compressed part cannot be unpacked")
	}
	return err
}

// trailer checks what follows the last block: a check sum, and then nothing.
func (r *Reader) trailer() error {
	var sum uint32
	for i := range 4 {
		c, err := r.src.ReadByte()
		if errors.Is(err, io.EOF) {
			if i > 0 {
				return r.damage("the check sum is cut")
			}
			r.end.Checksum = false
			return nil
		}
		if err != nil {
			return r.locate(err)
		}
		sum = sum<<8 | uint32(c)
	}
	if sum != r.sum.Sum32() {
		return r.damage("the check sum is wrong")
	}
	n, err := r.src.discard()
	r.end.Trailing = n
	return r.locate(err)
}

// locate completes damage that the stage found.
func (r *Reader) locate(err error) error {
	var d *DamageError
	if errors.As(err, &d) {
		d.Inflated = r.n
	}
	return err
}

func (r *Reader) damage(what string) error {
	return &DamageError{Offset: r.src.pos(), Inflated: r.n, What: what}
}
