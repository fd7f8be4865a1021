package agenttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// archive takes files.
type archive struct {
	faults *faults
	list   []android.SourceFile
	// read reads each file's content when it comes, as a transport may.
	read bool
}

// File implements [android.FullOutput].
func (o *archive) File(ctx context.Context, f android.SourceFile) error {
	if err := o.faults.call(); err != nil {
		return err
	}
	o.list = append(o.list, f)
	if o.read && f.Open != nil {
		_, err := content(ctx, f, 0)
		return err
	}
	return nil
}

// TransportFlags implements [android.FullOutput].
func (o *archive) TransportFlags() backup.Flags { return flags }

// Quota implements [android.FullOutput].
func (o *archive) Quota() int64 { return quota }

func collect(ctx context.Context, a android.Agent, o *archive) ([]android.SourceFile, error) {
	f, ok := a.(android.FullBackuper)
	if !ok {
		return nil, errors.New("the agent takes no part in full backup")
	}
	if err := f.FullBackup(ctx, o); err != nil {
		return nil, fmt.Errorf("full backup: %w", err)
	}
	return o.list, nil
}

// list runs FullBackup without faults.
func list(ctx context.Context, a android.Agent) ([]android.SourceFile, error) {
	return collect(ctx, a, &archive{faults: new(faults)})
}

// content reads a file from offset to its end.
func content(ctx context.Context, f android.SourceFile, offset int64) ([]byte, error) {
	r, err := f.Open(ctx, offset)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	b, err := io.ReadAll(r)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return b, err
}

// checkNoEntities: the key/value methods do nothing.
func checkNoEntities(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	if len(p.list) > 0 || len(p.state) > 0 {
		return errors.New("key/value data is written")
	}
	return nil
}

// checkShape: each entry is one that an archive can hold, once, and after the
// folder that it is in.
func checkShape(ctx context.Context, env Env) error {
	l, err := list(ctx, env.Source)
	if err != nil {
		return err
	}
	seen := map[string]int{}
	for i, f := range l {
		name := f.Domain + ":" + f.Path
		switch {
		case f.Domain == "" || f.Path == "":
			err = errors.New("no domain or no path")
		case path.Clean(f.Path) != f.Path || f.Path[0] == '/' || f.Path == ".." || strings.HasPrefix(f.Path, "../"):
			err = errors.New("no plain path")
		case f.Mode&^0o7777 != 0:
			err = fmt.Errorf("mode %o", f.Mode)
		case f.Type == backup.TypeDirectory && (f.Size != 0 || f.Open != nil):
			err = errors.New("a folder with content")
		case f.Type == backup.TypeFile && (f.Size < 0 || f.Open == nil):
			err = errors.New("a file without content")
		case f.Type != backup.TypeDirectory && f.Type != backup.TypeFile:
			err = fmt.Errorf("type %d", f.Type)
		}
		if _, twice := seen[name]; twice {
			err = errors.New("it comes twice")
		}
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		seen[name] = i
	}
	for i, f := range l {
		if at, ok := seen[f.Domain+":"+path.Dir(f.Path)]; ok && at > i {
			return fmt.Errorf("%q comes before its folder", f.Path)
		}
	}
	return nil
}

// checkMeasure: the pass that measures and the one that writes are the same.
func checkMeasure(ctx context.Context, env Env) error {
	measured, err := list(ctx, env.Source)
	if err != nil {
		return err
	}
	if len(measured) == 0 {
		return errors.New("nothing is backed up")
	}
	written, err := collect(ctx, env.Source, &archive{faults: new(faults), read: true})
	if err != nil {
		return err
	}
	same := func(a, b android.SourceFile) bool {
		return a.FileInfo == b.FileInfo && a.UID == b.UID && a.GID == b.GID
	}
	if !slices.EqualFunc(measured, written, same) {
		return errors.New("the second pass gives something else")
	}
	return nil
}

// checkContent: content is as long as announced, and opens anywhere.
func checkContent(ctx context.Context, env Env) error {
	l, err := list(ctx, env.Source)
	if err != nil {
		return err
	}
	for _, f := range l {
		if f.Open == nil {
			continue
		}
		all, err := content(ctx, f, 0)
		if err != nil {
			return fmt.Errorf("%q: %w", f.Path, err)
		}
		if int64(len(all)) != f.Size {
			return fmt.Errorf("%q: %d bytes instead of %d", f.Path, len(all), f.Size)
		}
		for _, off := range []int64{f.Size / 3, f.Size} {
			rest, err := content(ctx, f, off)
			if err != nil {
				return fmt.Errorf("%q from %d: %w", f.Path, off, err)
			}
			if string(rest) != string(all[off:]) {
				return fmt.Errorf("%q from %d is not the end of it", f.Path, off)
			}
		}
		for _, off := range []int64{-1, f.Size + 1} {
			if _, err := content(ctx, f, off); err == nil {
				return fmt.Errorf("%q opens at %d of %d", f.Path, off, f.Size)
			}
		}
		ended, end := context.WithCancel(ctx)
		end()
		if _, err := content(ended, f, 0); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("with a context that has ended Open returns: %v", err)
		}
	}
	return nil
}

// checkChanged: a file that is no longer what was listed is not read as if it
// were.
func checkChanged(ctx context.Context, env Env) error {
	if env.Change == nil {
		return errNotChecked
	}
	before, err := list(ctx, env.Source)
	if err != nil {
		return err
	}
	if err := env.Change(); err != nil {
		return err
	}
	now, err := list(ctx, env.Source)
	if err != nil {
		return err
	}
	is := map[string]android.FileInfo{}
	for _, f := range now {
		is[f.Domain+":"+f.Path] = f.FileInfo
	}
	changed, gone := 0, 0
	for _, f := range before {
		if f.Open == nil {
			continue
		}
		info, ok := is[f.Domain+":"+f.Path]
		_, err := content(ctx, f, 0)
		switch {
		case !ok:
			gone++
			if !errors.Is(err, backup.Vanished) {
				return fmt.Errorf("%q is gone, and reading it gives: %v", f.Path, err)
			}
		case info != f.FileInfo:
			changed++
			if !errors.Is(err, backup.Changed) {
				return fmt.Errorf("%q has changed, and reading it gives: %v", f.Path, err)
			}
		case err != nil:
			return fmt.Errorf("%q is as it was, and reading it gives: %w", f.Path, err)
		}
	}
	if changed == 0 || gone == 0 {
		return errors.New("after Change nothing differs or nothing is gone")
	}
	return nil
}

func checkFullErrors(ctx context.Context, env Env) error {
	return failing(func(f *faults) error {
		_, err := collect(ctx, env.Source, &archive{faults: f})
		return err
	})
}

func checkFullCancel(ctx context.Context, env Env) error {
	return cancelling(ctx, func(ctx context.Context, f *faults) error {
		_, err := collect(ctx, env.Source, &archive{faults: f})
		return err
	})
}

// entry is a file as it is restored.
type entry struct {
	android.FileInfo
	body []byte
}

// entries reads what a source has to give.
func entries(ctx context.Context, a android.Agent) ([]entry, error) {
	l, err := list(ctx, a)
	if err != nil {
		return nil, err
	}
	var es []entry
	for _, f := range l {
		e := entry{FileInfo: f.FileInfo}
		if f.Open != nil {
			if e.body, err = content(ctx, f, 0); err != nil {
				return nil, fmt.Errorf("%q: %w", f.Path, err)
			}
		}
		es = append(es, e)
	}
	return es, nil
}

// body gives a file's content, less than it is asked for.
type body struct {
	faults *faults
	left   []byte
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if err := b.faults.call(); err != nil {
		return 0, err
	}
	if len(b.left) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, b.left[:min(len(b.left), 60_000)])
	b.left = b.left[n:]
	return n, nil
}

// put restores entries and finishes.
func put(ctx context.Context, a android.Agent, es []entry, f *faults) error {
	r, ok := a.(android.FileRestorer)
	if !ok {
		return errors.New("the agent takes no files in")
	}
	for _, e := range es {
		if err := r.RestoreFile(ctx, android.RestoredFile{FileInfo: e.FileInfo, Data: &body{f, e.body}}); err != nil {
			return err
		}
	}
	return finish(ctx, a)
}

// checkFullEqual: what comes back is what was backed up, also the second time,
// and backs up as the same again.
func checkFullEqual(ctx context.Context, env Env) error {
	es, err := entries(ctx, env.Source)
	if err != nil {
		return err
	}
	want, err := env.Read(env.Source)
	if err != nil {
		return err
	}
	target := env.NewTarget()
	for range 2 {
		if err := put(ctx, target, es, new(faults)); err != nil {
			return err
		}
		got, err := env.Read(target)
		if err == nil {
			err = differ(want, got, false)
		}
		if err != nil {
			return err
		}
		again, err := entries(ctx, target)
		if err != nil {
			return err
		}
		same := func(a, b entry) bool {
			return a.Domain == b.Domain && a.Path == b.Path && a.Type == b.Type && a.Mode&0o700 == b.Mode&0o700 &&
				a.ModTime.Unix() == b.ModTime.Unix() && string(a.body) == string(b.body)
		}
		for i, e := range es {
			if i >= len(again) || !same(e, again[i]) {
				return fmt.Errorf("%q is not backed up again as it was", e.Path)
			}
		}
		if len(again) > len(es) {
			return fmt.Errorf("%q was not restored and is backed up", again[len(es)].Path)
		}
	}
	return nil
}

// checkFullOver: what comes back replaces what was there.
func checkFullOver(ctx context.Context, env Env) error {
	if env.Change == nil {
		return errNotChecked
	}
	target := env.NewTarget()
	for range 2 {
		es, err := entries(ctx, env.Source)
		if err != nil {
			return err
		}
		if err := put(ctx, target, es, new(faults)); err != nil {
			return err
		}
		want, err := env.Read(env.Source)
		if err != nil {
			return err
		}
		got, err := env.Read(target)
		if err == nil {
			err = differ(want, got, true)
		}
		if err != nil {
			return err
		}
		if err := env.Change(); err != nil {
			return err
		}
	}
	return nil
}

// checkTake: content that can be moved to where it belongs gives the same, and
// so does content whose move is refused with fs.ErrInvalid. Other errors come
// back.
func checkTake(ctx context.Context, env Env) error {
	es, err := entries(ctx, env.Source)
	if err != nil {
		return err
	}
	want, err := env.Read(env.Source)
	if err != nil {
		return err
	}
	for what, take := range map[string]func(entry, string) error{
		"moved":   func(e entry, to string) error { return os.WriteFile(to, e.body, 0o600) },
		"refused": func(entry, string) error { return fmt.Errorf("not here: %w", fs.ErrInvalid) },
		"short":   func(e entry, to string) error { return os.WriteFile(to, append(e.body, 'x'), 0o600) },
		"failed":  func(entry, string) error { return errInjected },
		"nothing": func(entry, string) error { return nil },
	} {
		target := env.NewTarget()
		r, ok := target.(android.FileRestorer)
		if !ok {
			return errors.New("the agent takes no files in")
		}
		for _, e := range es {
			f := android.RestoredFile{FileInfo: e.FileInfo, Data: &body{new(faults), e.body}}
			if e.Type == backup.TypeFile {
				f.Take = func(to string) error { return take(e, to) }
			}
			err := r.RestoreFile(ctx, f)
			switch {
			case e.Type != backup.TypeFile, what == "moved", what == "refused":
				if err != nil {
					return fmt.Errorf("%s: %w", what, err)
				}
			case err == nil, what == "failed" && !errors.Is(err, errInjected):
				return fmt.Errorf("%s: the agent returns: %v", what, err)
			}
		}
		if what != "moved" && what != "refused" {
			continue
		}
		if err := finish(ctx, target); err != nil {
			return err
		}
		got, err := env.Read(target)
		if err == nil {
			err = differ(want, got, false)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// checkFileErrors: a failure while content is read comes back, content that
// ends early is an error, and of that file nothing is to be seen.
func checkFileErrors(ctx context.Context, env Env) error {
	es, err := entries(ctx, env.Source)
	if err != nil {
		return err
	}
	target := env.NewTarget()
	if err := failing(func(f *faults) error { return put(ctx, target, es, f) }); err != nil {
		return err
	}
	target = env.NewTarget()
	for _, e := range es {
		if e.Size == 0 {
			continue
		}
		e.body = e.body[:e.Size-1]
		if err := put(ctx, target, []entry{e}, new(faults)); err == nil {
			return fmt.Errorf("%q: content that ends early is taken", e.Path)
		}
	}
	got, err := env.Read(target)
	if err != nil {
		return err
	}
	for k, v := range got {
		if !strings.HasPrefix(v, "dir") {
			return fmt.Errorf("%q is there although its content ended early", k)
		}
	}
	return nil
}

func checkFileCancel(ctx context.Context, env Env) error {
	es, err := entries(ctx, env.Source)
	if err != nil {
		return err
	}
	target := env.NewTarget()
	return cancelling(ctx, func(ctx context.Context, f *faults) error { return put(ctx, target, es, f) })
}

// checkFullClear: a target that was cleared has nothing, and can be filled
// again.
func checkFullClear(ctx context.Context, env Env) error {
	target := env.NewTarget()
	c, ok := target.(android.Cleaner)
	if !ok {
		return errNotChecked
	}
	es, err := entries(ctx, env.Source)
	if err != nil {
		return err
	}
	return cleared(ctx, env, target, c, func() error { return put(ctx, target, es, new(faults)) })
}
