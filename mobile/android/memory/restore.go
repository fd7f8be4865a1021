package memory

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
)

// chunk is how much of a tar stream a restore is given at a time, in bytes.
const chunk = 32 << 10

// RestoreSets implements [android.Transport].
func (t *Transport) RestoreSets(ctx context.Context) ([]android.RestoreSet, error) {
	token, err := t.CurrentSet(ctx)
	if token == 0 {
		return nil, err
	}
	return []android.RestoreSet{{Name: "memory", Device: t.opt.Device, Token: token, Flags: t.opt.Flags}}, nil
}

// CurrentSet implements [android.Transport].
func (t *Transport) CurrentSet(ctx context.Context) (int64, error) {
	if err := ready(ctx); err != nil || len(t.store.apps) == 0 {
		return 0, err
	}
	return Token, nil
}

// StartRestore implements [android.Transport].
func (t *Transport) StartRestore(ctx context.Context, token int64, pkgs []string) error {
	t.end()
	if err := ready(ctx); err != nil {
		return err
	}
	if token != Token {
		return fail(android.TransportError, errOrder)
	}
	t.restoring = true
	for _, p := range append([]string{android.MetadataPackage}, pkgs...) {
		d := t.store.apps[p]
		if len(d.set)+len(d.tar) > 0 && !slices.Contains(t.queue, p) {
			t.queue = append(t.queue, p)
		}
	}
	return nil
}

// NextPackage implements [android.Transport].
func (t *Transport) NextPackage(ctx context.Context) (d android.RestoreDescription, err error) {
	if err := ready(ctx); err != nil {
		return d, err
	}
	if !t.restoring {
		return d, fail(android.TransportError, errOrder)
	}
	t.current, t.at = data{}, 0
	if len(t.queue) == 0 {
		return d, nil
	}
	d.Package, t.queue = t.queue[0], t.queue[1:]
	t.current = t.store.apps[d.Package]
	d.Type = t.current.form
	return d, nil
}

// RestoreData implements [android.Transport].
func (t *Transport) RestoreData(ctx context.Context, w io.Writer) error {
	if err := ready(ctx); err != nil {
		return err
	}
	if t.current.form != android.RestoreKeyValue {
		return fail(android.TransportError, errOrder)
	}
	out := entity.NewWriter(w, entity.Options{System: true})
	for _, r := range t.current.set {
		if err := out.WriteHeader(r.key, int64(len(r.value))); err != nil {
			return fail(android.TransportError, err)
		}
		if _, err := out.Write(r.value); err != nil {
			return fail(android.TransportError, err)
		}
	}
	if err := out.Close(); err != nil {
		return fail(android.TransportError, err)
	}
	return nil
}

// NextFullChunk implements [android.Transport].
func (t *Transport) NextFullChunk(ctx context.Context, w io.Writer) (int, error) {
	if err := ready(ctx); err != nil {
		return 0, err
	}
	if t.current.form != android.RestoreFull {
		return 0, fail(android.TransportError, errOrder)
	}
	rest := t.current.tar[t.at:]
	if len(rest) == 0 {
		return 0, android.NoMoreData
	}
	n, err := io.Copy(w, bytes.NewReader(rest[:min(len(rest), chunk)]))
	t.at += int(n)
	if err != nil {
		return int(n), fail(android.TransportError, err)
	}
	return int(n), nil
}

// AbortFullRestore implements [android.Transport].
func (t *Transport) AbortFullRestore(context.Context) error {
	t.current = data{}
	return nil
}

// FinishRestore implements [android.Transport].
func (t *Transport) FinishRestore(context.Context) error {
	t.end()
	return nil
}

func (t *Transport) end() { t.restoring, t.queue, t.current, t.at = false, nil, data{}, 0 }
