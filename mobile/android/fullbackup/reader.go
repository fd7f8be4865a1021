package fullbackup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// DefaultEntries is how many entries a [Reader] reads unless told otherwise.
const DefaultEntries = 10_000_000

// maxBehind is how many zeros may follow the end: a hundred times what a tape's
// record holds.
const maxBehind = 1 << 20

// Limits says what a [Reader] puts up with.
type Limits struct {
	// Entries is the largest number of entries, refused ones included.
	// 0 = DefaultEntries.
	Entries int64
	// Strict refuses what Android passes over: wrong checksums, numbers that
	// are none, fill that is not zeros. It finds damage; without it as much as
	// possible is read.
	Strict bool
	// End expects the archive to end with zero blocks, as in an .ab file. A
	// transport's stream has none.
	End bool
}

// Reader reads an archive. [Reader.Next] moves to an entry and [Reader.Read]
// reads its content. Whatever the input says, it holds less than 200 KiB. It
// reads ahead, and is used by one goroutine.
type Reader struct {
	br      *bufio.Reader
	lim     Limits
	off     int64 // bytes consumed
	left    int64 // content not yet read
	pad     int64 // fill after it
	entries int64
	start   int64 // where the entry begins
	raw     []byte
	enc     []byte
	err     error // sticky
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader, lim Limits) *Reader {
	return newReader(r, lim, 64<<10)
}

func newReader(r io.Reader, lim Limits, ahead int) *Reader {
	if lim.Entries <= 0 {
		lim.Entries = DefaultEntries
	}
	return &Reader{br: bufio.NewReaderSize(r, ahead), lim: lim}
}

// Offset returns how many bytes of the archive have been consumed. After Next
// it is where the content begins.
func (r *Reader) Offset() int64 { return r.off }

// Next skips what is left of an entry and returns the next one. An
// [*EntryError] stands for something that is not given out, and Next can be
// called again. Any other error is final: io.EOF at the end, a [*DamageError],
// or the error of the reader below.
func (r *Reader) Next() (*Header, error) {
	if r.err != nil {
		return nil, r.err
	}
	h, err := r.next()
	if err != nil {
		if _, ok := errors.AsType[*EntryError](err); !ok {
			r.err = err
		}
		return nil, err
	}
	return h, nil
}

// Read reads content of the entry, and io.EOF at its end.
func (r *Reader) Read(p []byte) (int, error) {
	switch {
	case r.err != nil:
		return 0, r.err
	case r.left == 0:
		return 0, io.EOF
	}
	n, err := r.br.Read(p[:min(int64(len(p)), r.left)])
	r.off += int64(n)
	r.left -= int64(n)
	if err != nil && (r.left > 0 || err != io.EOF) {
		r.err = r.broken("it ends inside a file", err)
		return n, r.err
	}
	return n, nil
}

func (r *Reader) next() (*Header, error) {
	if err := r.skip(); err != nil {
		return nil, err
	}
	r.start = r.off
	r.raw = r.raw[:0]
	var ext extension
	for {
		at := r.off
		block, err := r.block()
		if err != nil {
			return nil, r.end(at, &ext, err)
		}
		if bytes.Equal(block, zeros[:]) {
			if len(ext.seen) > 0 {
				return nil, r.damage(at, "an extended header stands alone", nil)
			}
			return nil, r.behind()
		}
		if r.start == at {
			if r.entries++; r.entries > r.lim.Entries {
				return nil, r.damage(at, "too many entries", ErrEntries)
			}
		}
		if !trueSum(block) {
			ext.sumFailed = true
			if tar, _ := magic(block); !tar {
				return nil, r.damage(at, "a header is expected here, and this is none", nil)
			}
		}
		switch block[156] {
		case 'x', 'L', 'K':
			err = r.extend(at, block, &ext)
		default:
			return r.entry(at, block, &ext)
		}
		if err != nil {
			return nil, err
		}
	}
}

// extend reads what precedes an entry: records (x), a long name (L), or the
// long target of a link (K), which is refused when the link comes.
func (r *Reader) extend(at int64, block []byte, ext *extension) error {
	kind := block[156]
	size, ok := octal(block[124:136])
	if !ok {
		return r.damage(at+124, "a size is not a number", nil)
	}
	limit := int64(MaxPath + 1) // and a NUL
	if kind == 'x' {
		limit = maxExtended
	}
	if bytes.IndexByte(ext.seen, kind) >= 0 {
		return r.damage(at, "two extended headers of one entry", nil)
	}
	ext.seen = append(ext.seen, kind)
	if size > limit {
		if ext.bad == 0 {
			ext.bad = BadExtended
		}
		return r.discard(size+padding(size), "it ends inside an extended header")
	}
	from := len(r.raw)
	for n := int64(0); n < size; n += blockSize {
		if _, err := r.block(); err != nil {
			return r.broken("it ends inside an extended header", err)
		}
	}
	data := r.raw[from : from+int(size)]
	if r.lim.Strict && !bytes.Equal(r.raw[from+int(size):], zeros[:padding(size)]) {
		ext.bad = BadExtended
	}
	switch kind {
	case 'x':
		ext.records(data)
	case 'L':
		ext.path, ext.hasPath = string(field(data)), true
	}
	return nil
}

// entry decides about the entry whose header is block.
func (r *Reader) entry(at int64, block []byte, ext *extension) (*Header, error) {
	reason := ext.bad
	size, ok := octal(block[124:136])
	if !ok {
		if size, ok = binarySize(block[124:136]); !ok && !ext.hasSize {
			return nil, r.damage(at+124, "a size is not a number", nil)
		}
		reason = BinarySize
	}
	if ext.hasSize {
		size = ext.size
	}
	h := &Header{Type: TypeFile}
	switch block[156] {
	case '0', 0:
	case '5':
		h.Type, size = TypeDirectory, 0
	case '1', '2':
		reason, size = Link, 0
	case '3', '4', '6':
		reason, size = Device, 0
	case 'g':
		reason = Global
	case 'S':
		reason = Sparse
	default:
		reason = UnknownType
	}
	r.left, r.pad = size, padding(size)
	h.Size = size

	full := ext.fullName(block)
	var n name
	if reason == 0 {
		if n, reason = splitName(full, h.Type == TypeDirectory); n.control {
			h.Flags |= FlagControl
		}
		h.Package, h.Domain, h.Path = n.pkg, n.domain, n.path
	}
	if reason == 0 && size > MaxMetadata && (h.IsManifest() || h.IsMeta()) {
		reason = TooLarge
	}
	h.attributes(block)
	if ext.sumFailed {
		h.Flags |= FlagChecksum
	}
	if reason == 0 && r.lim.Strict {
		switch {
		case ext.sumFailed:
			reason = Checksum
		case h.Flags&FlagNumber != 0:
			reason = BadNumber
		}
	}
	if reason != 0 {
		return nil, r.refuse(r.start, reason, full)
	}
	h.Pax = bytes.IndexByte(ext.seen, 'x') >= 0 && !needsPax(h)
	if r.enc = appendHeader(r.enc[:0], h, n.full); !bytes.Equal(r.enc, r.raw) {
		h.Odd = bytes.Clone(r.raw)
	}
	return h, nil
}

// skip passes over what is left of the entry and its fill.
func (r *Reader) skip() error {
	n := r.left
	r.left = 0
	if err := r.discard(n, "it ends inside a file"); err != nil {
		return err
	}
	at, pad := r.off, r.pad
	r.pad = 0
	if pad == 0 {
		return nil
	}
	if !r.lim.Strict {
		return r.discard(pad, "it ends inside the fill after a file")
	}
	var fill [blockSize]byte
	got, err := io.ReadFull(r.br, fill[:pad])
	r.off += int64(got)
	if err != nil {
		return r.broken("it ends inside the fill after a file", err)
	}
	if fill != zeros {
		return r.refuse(at, DirtyPad, "")
	}
	return nil
}

// discard passes over n bytes.
func (r *Reader) discard(n int64, what string) error {
	for n > 0 {
		got, err := r.br.Discard(int(min(n, 1<<30)))
		r.off += int64(got)
		n -= int64(got)
		if err != nil {
			return r.broken(what, err)
		}
	}
	return nil
}

// block reads one block to the end of raw.
func (r *Reader) block() ([]byte, error) {
	from := len(r.raw)
	r.raw = slices.Grow(r.raw, blockSize)[:from+blockSize]
	n, err := io.ReadFull(r.br, r.raw[from:])
	r.off += int64(n)
	return r.raw[from:], err
}

// end is called where no header could be read.
func (r *Reader) end(at int64, ext *extension, err error) error {
	switch {
	case err != io.EOF:
		return r.broken("it ends inside a header", err)
	case len(ext.seen) > 0:
		return r.broken("it ends behind an extended header", err)
	case r.lim.End:
		return r.damage(at, "it ends without its end mark", io.ErrUnexpectedEOF)
	}
	return io.EOF
}

// behind reads on after the first block of zeros. What is found there is
// reported once, with the offset behind that block; then comes io.EOF.
func (r *Reader) behind() error {
	first := r.off
	reason := EndlessZero
	for r.off-first < maxBehind {
		r.raw = r.raw[:0]
		at := r.off
		block, err := r.block()
		block = block[:r.off-at]
		if !bytes.Equal(block, zeros[:len(block)]) {
			reason = BehindEnd
			break
		}
		if err == nil {
			continue
		}
		if err != io.EOF && err != io.ErrUnexpectedEOF {
			return r.broken("", err)
		}
		if r.lim.Strict && r.lim.End && r.off-first < blockSize {
			reason = ShortEnd
			break
		}
		return io.EOF
	}
	r.err = io.EOF
	return r.refuse(first, reason, "")
}

// broken tells missing bytes from a reader below that failed.
func (r *Reader) broken(what string, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return r.damage(r.off, what, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read archive at offset %d: %w", r.off, err)
}

func (r *Reader) damage(at int64, what string, err error) error {
	return &DamageError{Part: PartArchive, Offset: at, Entry: r.entries, What: what, Err: err}
}

func (r *Reader) refuse(at int64, reason Reason, full string) error {
	return &EntryError{Offset: at, Entry: r.entries, Reason: reason, Name: full[:min(len(full), MaxPath)]}
}
