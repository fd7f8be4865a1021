package ab

import (
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
)

// CreateOptions say what to write. The zero value is a plain archive of the
// newest version.
type CreateOptions struct {
	// Version is 1 to [MaxVersion]. 0 = [MaxVersion]. It decides nothing but
	// the number in the header and, for 1, how a password is turned into bytes:
	// by the low eight bits of each character.
	Version int
	// Compress deflates the tar stream.
	Compress bool
	// Password encrypts under a password in UTF-8. Empty = not encrypted. The
	// slice stays the caller's.
	Password []byte
	// Rounds of PBKDF2, at most [MaxRounds]. 0 = [DefaultRounds]. Without a
	// password it has no meaning.
	Rounds int
}

// level is four times as fast as zlib's default and makes text a seventh
// larger; most of what an archive holds is deflated already.
const level = 2

var errClosed = errors.New("the backup is already closed")

// Writer takes a tar stream. It is not safe for concurrent use.
type Writer struct {
	head Header
	dst  io.Writer    // where the tar stream goes next
	zw   *zlib.Writer // nil = not compressed
	ew   *encrypter   // nil = not encrypted
	err  error        // sticky
	done bool
}

// Create writes the header to w. Close must be called, or the archive is not
// complete; it does not close w.
func Create(w io.Writer, o CreateOptions) (*Writer, error) {
	return create(w, o, rand.Reader)
}

func create(w io.Writer, o CreateOptions, random io.Reader) (*Writer, error) {
	h := Header{Version: o.Version, Compressed: o.Compress, Encrypted: len(o.Password) > 0}
	if h.Version == 0 {
		h.Version = MaxVersion
	}
	if h.Version < 1 || h.Version > MaxVersion {
		return nil, ErrVersion
	}
	aw := &Writer{dst: w}
	var env *envelope
	if h.Encrypted {
		if h.Rounds = o.Rounds; h.Rounds == 0 {
			h.Rounds = DefaultRounds
		}
		if h.Rounds < 1 || h.Rounds > MaxRounds {
			return nil, ErrRounds
		}
		k, e, err := lock(h.Version, h.Rounds, o.Password, random)
		if err != nil {
			return nil, err
		}
		defer k.wipe()
		block, err := aes.NewCipher(k.key)
		if err != nil {
			return nil, err
		}
		env = e
		aw.ew = &encrypter{w: w, mode: cipher.NewCBCEncrypter(block, k.iv), buf: make([]byte, 0, chunk)}
		aw.dst = aw.ew
	}
	aw.head = h
	if _, err := w.Write(appendHeader(nil, h, env)); err != nil {
		return nil, writeError(err)
	}
	if h.Compressed {
		zw, err := zlib.NewWriterLevel(aw.dst, level)
		if err != nil {
			return nil, err
		}
		aw.zw, aw.dst = zw, zw
	}
	return aw, nil
}

// Header returns what was written.
func (w *Writer) Header() Header { return w.head }

// Write takes the next bytes of the tar stream. After an error the archive is
// lost.
func (w *Writer) Write(p []byte) (int, error) {
	switch {
	case w.done:
		return 0, errClosed
	case w.err != nil:
		return 0, w.err
	}
	n, err := w.dst.Write(p)
	if err != nil {
		w.err = writeError(err)
	}
	return n, w.err
}

// Close finishes the deflated stream and the padding. A second call returns
// what the first did.
func (w *Writer) Close() error {
	if w.done {
		return w.err
	}
	w.done = true
	if w.zw != nil && w.err == nil {
		if err := w.zw.Close(); err != nil {
			w.err = writeError(err)
		}
	}
	if w.ew != nil {
		if w.err == nil {
			if err := w.ew.close(); err != nil {
				w.err = writeError(err)
			}
		}
		clear(w.ew.buf[:cap(w.ew.buf)])
	}
	return w.err
}

// encrypter collects chunks, so that the cipher works on whole blocks.
type encrypter struct {
	w    io.Writer
	mode cipher.BlockMode
	buf  []byte // cap chunk
}

func (e *encrypter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), chunk-len(e.buf))
		e.buf = append(e.buf, p[:n]...)
		p = p[n:]
		if len(e.buf) == chunk {
			if err := e.flush(); err != nil {
				return total - len(p), err
			}
		}
	}
	return total, nil
}

// flush writes buf, which holds whole blocks. There is always room for the
// padding: a full buffer is written at once.
func (e *encrypter) flush() error {
	e.mode.CryptBlocks(e.buf, e.buf)
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

func (e *encrypter) close() error {
	e.buf = pad(e.buf)
	return e.flush()
}

func writeError(err error) error { return fmt.Errorf("write backup: %w", err) }
