package local

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/ferry-move/ferry/mobile/android"
)

// restore is a restore under way.
type restore struct {
	queue []string // packages still to come

	pkg  string     // the current one
	gen  generation // zero = there is none
	file *stored    // its tar, once a chunk was asked for
	buf  []byte
	err  error // how its tar ended
}

func (r *restore) closeFile() {
	if r.file != nil {
		_ = r.file.Close() // it was read only
		r.file = nil
	}
	r.gen, r.err = generation{}, nil
}

func (t *Transport) endRestore() {
	if t.restore != nil {
		t.restore.closeFile()
		t.restore = nil
	}
}

// RestoreSets implements [android.Transport].
func (t *Transport) RestoreSets(ctx context.Context) ([]android.RestoreSet, error) {
	token, err := t.CurrentSet(ctx)
	if err != nil || token == 0 {
		return nil, err
	}
	return []android.RestoreSet{{Name: "local backup", Device: t.opt.Device, Token: token, Flags: t.opt.Flags}}, nil
}

// CurrentSet implements [android.Transport].
func (t *Transport) CurrentSet(ctx context.Context) (int64, error) {
	const op = "look for a backup"
	if err := t.ready(ctx, op); err != nil {
		return 0, err
	}
	switch empty, err := t.f.empty(); {
	case err != nil:
		return 0, fail(op, android.TransportError, err)
	case empty:
		return 0, nil
	}
	return t.token, nil
}

// StartRestore implements [android.Transport]. The metadata comes first whether
// pkgs have it or not.
func (t *Transport) StartRestore(ctx context.Context, token int64, pkgs []string) error {
	const op = "begin a restore"
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	t.endRestore()
	if token != t.token {
		return fail(op, android.TransportError, errToken)
	}
	t.restore = &restore{queue: []string{android.MetadataPackage}}
	seen := map[string]bool{android.MetadataPackage: true, "": true}
	for _, p := range pkgs {
		if !seen[p] {
			seen[p] = true
			t.restore.queue = append(t.restore.queue, p)
		}
	}
	return nil
}

// NextPackage implements [android.Transport]. An app whose last entity was
// deleted has nothing to restore and is passed over.
func (t *Transport) NextPackage(ctx context.Context) (android.RestoreDescription, error) {
	const op = "go to the next app"
	if err := t.ready(ctx, op); err != nil {
		return android.RestoreDescription{}, err
	}
	r := t.restore
	if r == nil {
		return android.RestoreDescription{}, fail(op, android.TransportError, errOrder)
	}
	r.closeFile()
	for len(r.queue) > 0 {
		r.pkg, r.queue = r.queue[0], r.queue[1:]
		g, _, err := t.f.current(r.pkg)
		if err != nil {
			return android.RestoreDescription{}, fail(op, android.TransportError, err)
		}
		if g.size == 0 {
			continue
		}
		r.gen = g
		d := android.RestoreDescription{Package: r.pkg, Type: android.RestoreKeyValue}
		if g.form == archive {
			d.Type = android.RestoreFull
		}
		return d, nil
	}
	return android.RestoreDescription{}, nil
}

// RestoreData implements [android.Transport]. It fails with
// [android.TransportPackageRejected] and [ErrDamaged] if what was stored is not
// what was written; that shows only at the end.
func (t *Transport) RestoreData(ctx context.Context, w io.Writer) error {
	const op = "restore entities"
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	r := t.restore
	if r == nil || r.gen.form != entities {
		return fail(op, android.TransportError, errOrder)
	}
	f, err := t.f.open(r.pkg, r.gen)
	if err != nil {
		return fail(op, lost(err), err)
	}
	defer f.Close()
	if _, err := io.CopyBuffer(writerOnly{w}, ctxReader{ctx, f}, r.buffer()); err != nil {
		return fail(op, lost(err), err)
	}
	return nil
}

// NextFullChunk implements [android.Transport]. Damage is answered with
// [android.TransportPackageRejected], as in RestoreData.
func (t *Transport) NextFullChunk(ctx context.Context, w io.Writer) (int, error) {
	const op = "restore files"
	if err := t.ready(ctx, op); err != nil {
		return 0, err
	}
	r := t.restore
	if r == nil || r.gen.form != archive {
		return 0, fail(op, android.TransportError, errOrder)
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := t.nextChunk(w)
	switch {
	case err == io.EOF:
		r.err = android.NoMoreData
	case err != nil:
		r.err = fail(op, lost(err), err)
	}
	return n, r.err
}

func (t *Transport) nextChunk(w io.Writer) (int, error) {
	r := t.restore
	if r.file == nil {
		f, err := t.f.open(r.pkg, r.gen)
		if err != nil {
			return 0, err
		}
		r.file = f
	}
	n, err := r.file.Read(r.buffer())
	if err != nil {
		return 0, err
	}
	if got, err := w.Write(r.buf[:n]); err != nil {
		return got, err
	} else if got < n {
		return got, io.ErrShortWrite
	}
	return n, nil
}

// AbortFullRestore implements [android.Transport].
func (t *Transport) AbortFullRestore(context.Context) error {
	if t.restore != nil {
		t.restore.closeFile()
	}
	return nil
}

// FinishRestore implements [android.Transport].
func (t *Transport) FinishRestore(context.Context) error {
	t.endRestore()
	return nil
}

func (r *restore) buffer() []byte {
	if r.buf == nil {
		r.buf = make([]byte, copyBuffer)
	}
	return r.buf
}

// lost returns the answer for what could not be restored: a file that is bad or
// gone costs one app, everything else may cost the next one too.
func lost(err error) android.Code {
	if errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
		return android.TransportPackageRejected
	}
	return android.TransportError
}

// ctxReader fails once its context is over.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// writerOnly hides a ReaderFrom, which would bring a buffer of its own.
type writerOnly struct{ io.Writer }
