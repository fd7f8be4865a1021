package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

const (
	readAhead = 64 << 10
	tarBlock  = 512
)

// ErrLimit: an archive or a folder has more in it than [Limits] allow.
var ErrLimit = errors.New("more than is allowed")

// Limits are what an archive may demand. The zero value is the default.
type Limits struct {
	// Entries is the largest number of files and folders.
	// 0 = fullbackup.DefaultEntries.
	Entries int64
	// Packages is the largest number of apps. 0 = 100,000.
	Packages int
	// Inflated is the largest size of the tar in bytes. 0 = any.
	Inflated int64
}

func (l Limits) whole() Limits {
	if l.Entries <= 0 {
		l.Entries = fullbackup.DefaultEntries
	}
	if l.Packages <= 0 {
		l.Packages = 100_000
	}
	return l
}

// Options say how to read an archive. The zero value reads those without a
// password.
type Options struct {
	// Password is asked once, and only if the archive is encrypted. nil = there
	// is nobody to ask.
	Password func() ([]byte, error)
	Limits   Limits
	// Problem is told of each [Finding], in the order of the archive. nil =
	// nobody wants to know.
	Problem func(Finding)
}

func (o *Options) report(f Finding) {
	if o.Problem != nil {
		o.Problem(f)
	}
}

// Entry is a file or a folder of an archive, during a visit.
type Entry struct {
	*fullbackup.Header
	// Offset is where its header begins in the tar; Data where its content does.
	Offset, Data int64
	// File is Data in the file; see [Finding].
	File int64
	// Metadata is the whole content of a _manifest or a _meta, else nil. It is
	// valid during the visit.
	Metadata []byte

	w    *walk
	rest []byte // of Metadata
}

// Read reads the content. What is not read is passed over. It is valid during
// the visit only.
func (e *Entry) Read(p []byte) (int, error) {
	if e.Metadata != nil {
		if len(e.rest) == 0 {
			return 0, io.EOF
		}
		n := copy(p, e.rest)
		e.rest = e.rest[n:]
		return n, nil
	}
	n, err := e.w.tar.Read(p)
	if err != nil && err != io.EOF {
		err = e.w.fatal(err)
	}
	return n, err
}

// finding makes a finding about the entry.
func (e *Entry) finding(k Kind, s Severity, what string, err error) Finding {
	return Finding{Kind: k, Severity: s, Offset: e.Offset, File: e.File - (e.Data - e.Offset), Package: e.Package, Name: e.Name(), What: what, Err: err}
}

// Summary is what was read.
type Summary struct {
	// Container is the .ab file's header. Bare = there is none, only a tar.
	Container ab.Header
	Bare      bool
	// End says how the container ended; zero unless it was read to its end.
	End ab.End
	// Entries were given out, Skipped were refused.
	Entries, Skipped int64
	// Inflated is the size of the tar in bytes, as far as it was read.
	Inflated int64
}

// walk is one pass.
type walk struct {
	opts Options
	ab   *ab.Reader // nil = bare
	src  io.Reader  // the tar's bytes
	tar  *fullbackup.Reader
	base int64 // where the tar begins in the file; -1 = it is deflated
	sum  Summary
	meta []byte
}

// Walk reads an archive from the beginning to the end and calls visit for each
// file and folder. An error of visit ends it. Damage beyond which nothing can be
// read is a [*DamageError]; a wrong password and a file of another kind are
// errors of package ab.
func Walk(ctx context.Context, r io.Reader, o Options, visit func(*Entry) error) (Summary, error) {
	return walkWith(ctx, r, o, false, visit)
}

func walkWith(ctx context.Context, r io.Reader, o Options, strict bool, visit func(*Entry) error) (Summary, error) {
	o.Limits = o.Limits.whole()
	w := &walk{opts: o}
	if err := w.open(ctx, r); err != nil {
		return w.sum, w.fatal(err)
	}
	w.tar = fullbackup.NewReader(w.src, fullbackup.Limits{Entries: o.Limits.Entries, Strict: strict, End: w.ab != nil})
	for {
		h, err := w.tar.Next()
		w.sum.Inflated = w.tar.Offset()
		if err == io.EOF {
			return w.sum, w.finish()
		}
		if refused, ok := errors.AsType[*fullbackup.EntryError](err); ok {
			w.refused(refused)
			continue
		}
		if err == nil {
			w.sum.Entries++
			err = w.visit(h, visit)
		}
		if err != nil {
			w.sum.Inflated = w.tar.Offset()
			return w.sum, w.fatal(err)
		}
	}
}

// open finds out what r is.
func (w *walk) open(ctx context.Context, r io.Reader) error {
	br := bufio.NewReaderSize(&contextReader{ctx, r}, readAhead)
	head, err := br.Peek(tarBlock)
	if err != nil && err != io.EOF {
		return err
	}
	if len(head) == tarBlock && string(head[257:262]) == "ustar" && string(head[:15]) != "ANDROID BACKUP\n" {
		w.src, w.sum.Bare = br, true
		return nil
	}
	w.ab, err = ab.Open(br, ab.Options{Password: w.opts.Password, MaxInflated: w.opts.Limits.Inflated})
	if err != nil {
		return err
	}
	w.sum.Container = w.ab.Header()
	if w.base = w.ab.Offset(); w.sum.Container.Compressed {
		w.base = -1
	}
	w.src = w.ab
	return nil
}

// visit hands out one entry.
func (w *walk) visit(h *fullbackup.Header, visit func(*Entry) error) error {
	data := w.tar.Offset()
	e := &Entry{Header: h, Offset: data - headerSize(h), Data: data, File: w.file(data), w: w}
	if h.IsManifest() || h.IsMeta() { // of at most fullbackup.MaxMetadata
		w.meta = append(w.meta[:0], make([]byte, h.Size)...)
		if _, err := io.ReadFull(w.tar, w.meta); err != nil {
			return err
		}
		e.Metadata, e.rest = w.meta, w.meta
	}
	return visit(e)
}

// headerSize returns how many bytes of the tar are before the content.
func headerSize(h *fullbackup.Header) int64 {
	if h.Odd != nil {
		return int64(len(h.Odd))
	}
	plain := *h
	if n := fullbackup.EncodedSize(plain) - plain.Size - (-plain.Size & (tarBlock - 1)); n == tarBlock {
		return n
	}
	// The number of blocks depends on the name's length. The header came from a
	// reader, so it can be written.
	w := fullbackup.NewWriter(io.Discard)
	_ = w.WriteHeader(plain)
	return w.Offset()
}

// file returns where an offset of the tar is in the file.
func (w *walk) file(offset int64) int64 {
	if w.base >= 0 {
		return w.base + offset
	}
	return w.ab.Offset()
}

// refused reports what the tar reader does not give out.
func (w *walk) refused(e *fullbackup.EntryError) {
	f := Finding{Kind: KindEntry, Severity: severityOf(e.Reason), Offset: e.Offset, File: w.file(e.Offset),
		Name: e.Name, What: e.Reason.Error(), Err: e.Reason}
	if rest, ok := strings.CutPrefix(e.Name, "apps/"); ok {
		if pkg, _, _ := strings.Cut(rest, "/"); packageName(pkg) {
			f.Package = pkg
		}
	}
	switch e.Reason {
	case fullbackup.ShortEnd, fullbackup.BehindEnd, fullbackup.EndlessZero:
		f.Kind = KindEnd
	case fullbackup.DirtyPad:
		f.Kind = KindHeader
	default:
		w.sum.Skipped++
	}
	w.opts.report(f)
}

// finish reads what follows the tar and looks how the container ended.
func (w *walk) finish() error {
	if _, err := io.Copy(io.Discard, w.src); err != nil {
		return w.fatal(err)
	}
	if w.ab == nil {
		return nil
	}
	end, ok := w.ab.End()
	if !ok {
		return nil // not reached: the copy above came to the end
	}
	w.sum.End = end
	at := func(what string) {
		w.opts.report(Finding{Kind: KindEnd, Severity: Note, Offset: w.sum.Inflated, File: w.ab.Offset(), What: what})
	}
	switch {
	case !end.Final:
		at("the compressed part has no end, but everything in it is there")
	case !end.Checksum:
		at("the check sum at the end is missing")
	case end.Trailing > 0:
		at("bytes follow the archive")
	}
	return nil
}

// fatal gives an error the place where it happened.
func (w *walk) fatal(err error) error {
	if _, ok := errors.AsType[*DamageError](err); ok {
		return err
	}
	if d, ok := errors.AsType[*ab.DamageError](err); ok {
		e := &DamageError{File: d.Offset, Offset: d.Inflated, Err: err}
		return e
	}
	if d, ok := errors.AsType[*fullbackup.DamageError](err); ok && d.Part == fullbackup.PartArchive {
		if errors.Is(err, fullbackup.ErrEntries) {
			err = fmt.Errorf("%w: %w", ErrLimit, err)
		}
		return &DamageError{File: w.file(d.Offset), Offset: d.Offset, Err: err}
	}
	return err
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
