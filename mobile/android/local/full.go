package local

import (
	"context"
	"errors"
	"io"

	"github.com/ferry-move/ferry/mobile/android"
)

// copyBuffer is how much of a tar stream is in memory.
const copyBuffer = 64 << 10

// PerformFullBackup implements [android.Transport].
func (t *Transport) PerformFullBackup(ctx context.Context, pkg android.Package, data io.Reader, _ android.PassFlags) error {
	const op = "begin a full backup"
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	t.drop()
	switch {
	case pkg.Name == "":
		return fail(op, android.TransportPackageRejected, errName)
	case data == nil:
		return fail(op, android.TransportError, errEmpty)
	}
	part, err := t.f.create()
	if err != nil {
		return fail(op, android.TransportError, err)
	}
	t.pass = &pass{pkg: pkg.Name, form: archive, part: part, stream: data}
	return nil
}

// CheckFullBackupSize implements [android.Transport].
func (t *Transport) CheckFullBackupSize(ctx context.Context, size int64) error {
	if err := t.ready(ctx, "measure a full backup"); err != nil {
		return err
	}
	switch {
	case size <= 0:
		return android.TransportPackageRejected
	case size > t.Quota("", true):
		return android.TransportQuotaExceeded
	}
	return nil
}

// SendBackupData implements [android.Transport].
func (t *Transport) SendBackupData(ctx context.Context, n int) error {
	const op = "take a full backup"
	if t.pass == nil || t.pass.form != archive {
		return fail(op, android.TransportError, errOrder)
	}
	p := t.pass
	if p.err == nil {
		p.err = t.ready(ctx, op)
	}
	if p.err == nil && (n < 0 || int64(n) > t.Quota(p.pkg, true)-p.part.size) {
		p.err = android.TransportQuotaExceeded
		if n < 0 {
			p.err = fail(op, android.TransportError, errOrder)
		}
	}
	if p.err == nil {
		if err := p.take(ctx, int64(n)); err != nil {
			p.err = fail(op, android.TransportError, err)
		}
	}
	if p.err != nil { // nobody will want the file: free the space now
		p.part.discard()
		p.part = nil
	}
	return p.err
}

// take reads n bytes of the stream.
func (p *pass) take(ctx context.Context, n int64) error {
	buf := make([]byte, min(n, copyBuffer))
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := io.ReadFull(p.stream, buf[:min(n, copyBuffer)])
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if _, err := p.part.Write(buf[:got]); err != nil {
			return err
		}
		n -= int64(got)
	}
	return nil
}

// CancelFullBackup implements [android.Transport].
func (t *Transport) CancelFullBackup(context.Context) error {
	t.drop()
	return nil
}
