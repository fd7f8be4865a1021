package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
)

// maxIdle is how often a transport may have nothing for now.
const maxIdle = 1000

// token returns the set that a restore takes: this device's own if there is
// one. 0 = there is none at all.
func (e *env) token(ctx context.Context) (int64, error) {
	sets, err := e.tr.RestoreSets(ctx)
	if err != nil {
		return 0, fmt.Errorf("RestoreSets: %w", err)
	}
	own, err := e.tr.CurrentSet(ctx)
	if err != nil {
		return 0, fmt.Errorf("CurrentSet: %w", err)
	}
	if own == 0 && len(sets) > 0 {
		return sets[0].Token, nil
	}
	if own != 0 && !slices.ContainsFunc(sets, func(s android.RestoreSet) bool { return s.Token == own }) {
		return 0, errors.New("the current set is none of the sets")
	}
	return own, nil
}

// start begins a restore; false if there is no set.
func (e *env) start(ctx context.Context, pkgs ...string) (bool, error) {
	token, err := e.token(ctx)
	if err != nil || token == 0 {
		return false, err
	}
	if err := e.tr.StartRestore(ctx, token, pkgs); err != nil {
		return false, fmt.Errorf("StartRestore: %w", err)
	}
	return true, nil
}

// restored is one package that came back.
type restored struct {
	name string
	content
}

// restore makes a restore of packages.
func (e *env) restore(ctx context.Context, pkgs ...string) (out []restored, err error) {
	if ok, err := e.start(ctx, pkgs...); !ok {
		return nil, err
	}
	defer func() {
		if ferr := e.tr.FinishRestore(ctx); err == nil && ferr != nil {
			err = fmt.Errorf("FinishRestore: %w", ferr)
		}
	}()
	for range len(pkgs) + 2 {
		d, err := e.tr.NextPackage(ctx)
		if err != nil {
			return nil, fmt.Errorf("NextPackage: %w", err)
		}
		if d.Type == android.RestoreNone {
			if d.Package != "" {
				return nil, errors.New("NextPackage named a package without data")
			}
			return out, nil
		}
		c, err := e.fetch(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("package %q: %w", cut(d.Package), err)
		}
		out = append(out, restored{d.Package, c})
	}
	return nil, errors.New("NextPackage goes on after the packages that were asked for")
}

// fetch takes a package's data.
func (e *env) fetch(ctx context.Context, d android.RestoreDescription) (content, error) {
	switch d.Type {
	case android.RestoreKeyValue:
		var b bytes.Buffer
		if err := e.tr.RestoreData(ctx, &b); err != nil {
			return content{}, fmt.Errorf("RestoreData: %w", err)
		}
		set, err := decode(b.Bytes())
		return content{form: d.Type, set: set}, err
	case android.RestoreFull:
		tar, err := e.archive(ctx, d.Package)
		return content{form: d.Type, tar: tar}, err
	}
	return content{}, fmt.Errorf("unknown type %d", d.Type)
}

// archive takes a package's tar stream, or its files and makes it from them.
func (e *env) archive(ctx context.Context, pkg string) ([]byte, error) {
	if _, ok := e.tr.(android.EntryRestorer); ok {
		return e.fromEntries(ctx, pkg)
	}
	var b bytes.Buffer
	for {
		more, err := e.chunk(ctx, &b)
		if err != nil || !more {
			return b.Bytes(), err
		}
	}
}

// chunk takes one chunk; false at the end.
func (e *env) chunk(ctx context.Context, b *bytes.Buffer) (bool, error) {
	for range maxIdle {
		was := b.Len()
		n, err := e.tr.NextFullChunk(ctx, struct{ io.Writer }{b})
		switch {
		case errors.Is(err, android.NoMoreData) && n == 0 && b.Len() == was:
			return false, nil
		case err != nil:
			return false, fmt.Errorf("NextFullChunk: %d and %w", n, err)
		case n != b.Len()-was:
			return false, fmt.Errorf("NextFullChunk said %d and wrote %d", n, b.Len()-was)
		case n > 0:
			return true, nil
		}
	}
	return false, errors.New("NextFullChunk has nothing for now, and that never ends")
}

func (e *env) fromEntries(ctx context.Context, pkg string) ([]byte, error) {
	r := e.tr.(android.EntryRestorer)
	var files []file
	for {
		f, err := r.NextEntry(ctx)
		if errors.Is(err, android.NoMoreData) {
			return tarOf(pkg, files)
		}
		if err != nil {
			return nil, fmt.Errorf("NextEntry: %w", err)
		}
		var b []byte
		if f.Data != nil {
			if b, err = io.ReadAll(f.Data); err != nil {
				return nil, fmt.Errorf("a file's content: %w", err)
			}
		}
		files = append(files, file{f.FileInfo, string(b)})
	}
}

// same restores everything, here and in a new instance, and compares it with
// what has to be there.
func (e *env) same(ctx context.Context) error {
	if err := e.compare(ctx); err != nil {
		return err
	}
	if e.Volatile {
		return nil
	}
	if err := e.reopen(); err != nil {
		return err
	}
	if err := e.compare(ctx); err != nil {
		return fmt.Errorf("in a new instance: %w", err)
	}
	return nil
}

func (e *env) compare(ctx context.Context) error {
	ask := slices.Concat(slices.Sorted(maps.Keys(e.want)), e.more)
	slices.Sort(ask)
	ask = slices.Compact(ask)
	got, err := e.restore(ctx, ask...)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, r := range got {
		want, ok := e.want[r.name]
		meta := r.name == android.MetadataPackage
		switch {
		case (i == 0) != meta:
			return fmt.Errorf("package %d is %q", i, cut(r.name))
		case seen[r.name]:
			return fmt.Errorf("package %q came back twice", cut(r.name))
		case !ok && len(r.set)+len(r.tar) > 0:
			return fmt.Errorf("package %q came back and should not", cut(r.name))
		}
		seen[r.name] = true
		if !ok || meta && e.OwnMetadata {
			continue
		}
		if err := want.equal(r.content); err != nil {
			return fmt.Errorf("package %q: %w", cut(r.name), err)
		}
	}
	for name, want := range e.want {
		if !seen[name] && len(want.set)+len(want.tar) > 0 {
			return fmt.Errorf("package %q did not come back", cut(name))
		}
	}
	return nil
}
