package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Agent is an [android.Agent] whose data is one file. There is none as long as
// nothing was stored.
type Agent struct {
	root   *os.Root
	name   string
	system bool
}

// Options say how an [Agent] works. The zero value is for an ordinary app.
type Options struct {
	// System takes keys in that are reserved for the framework.
	System bool
}

// New returns the agent of the entity stream at name, a path with slashes below
// root that has a folder in it, such as "k/org.example.data". It fails with
// [backup.BadName].
func New(root *os.Root, name string, o Options) (*Agent, error) {
	if err := appdir.Check(name); err != nil {
		return nil, err
	}
	if path.Dir(name) == "." { // where files lie that are being written
		return nil, appdir.Fail("open", backup.BadName, nil)
	}
	return &Agent{root: root, name: name, system: o.System}, nil
}

// Backup implements [android.Agent].
func (a *Agent) Backup(ctx context.Context, b android.BackupRequest) error {
	if err := a.backup(ctx, b); err != nil {
		return fmt.Errorf("back up an entity file: %w", err)
	}
	return nil
}

func (a *Agent) backup(ctx context.Context, b android.BackupRequest) error {
	f, _, err := appdir.Open(a.root, a.name)
	if err != nil && !errors.Is(err, backup.Vanished) {
		return err
	}
	var file io.ReadSeeker = f
	if err != nil {
		file = empty{}
	} else {
		defer f.Close()
	}
	old, err := openState(b.Old)
	if err != nil {
		return err
	}
	now, err := newIndex(ctx, file)
	if err != nil {
		return err
	}
	unchanged := old != nil && old.digest == now.digest
	if old != nil && !unchanged {
		if err := now.scan(ctx, file); err != nil {
			return err
		}
		if !now.over {
			if err := now.compare(old, b.Data); err != nil {
				return err
			}
		}
	}
	return now.play(ctx, file, b, unchanged)
}

// Restore implements [android.Agent]: it writes the stream to the file, which
// is replaced whole or not at all. A set without records removes the file.
func (a *Agent) Restore(ctx context.Context, r android.RestoreRequest) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore an entity file: %w", err)
		}
	}()
	t, err := appdir.Create(a.root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Discard()) }()
	w := entity.NewWriter(t, entity.Options{System: a.system})
	if err := record(ctx, w, r.Data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if w.Offset() == 0 {
		return appdir.Remove(a.root, a.name)
	}
	if err := a.root.MkdirAll(path.Dir(a.name), 0o700); err != nil {
		return appdir.WriteError("make the folder", err)
	}
	return t.Commit(a.name, appdir.Attr{})
}

// record writes what in gives.
func record(ctx context.Context, w *entity.Writer, in android.EntityInput) error {
	buf := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, size, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if size < 0 {
			err = w.Delete(entity.Key(key))
		} else {
			err = w.WriteHeader(entity.Key(key), size)
		}
		if err != nil {
			return err
		}
		for left := size; left > 0; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := in.Read(buf[:min(left, int64(len(buf)))])
			if _, werr := w.Write(buf[:n]); werr != nil {
				return werr
			}
			left -= int64(n)
			if err != nil && (err != io.EOF || left > 0) {
				if err == io.EOF {
					err = appdir.Fail("restore", backup.Damaged, io.ErrUnexpectedEOF)
				}
				return err
			}
		}
	}
}

// Clear implements [android.Cleaner].
func (a *Agent) Clear(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(appdir.Remove(a.root, a.name), appdir.Sweep(a.root))
}

// empty is the content of a file that is not there.
type empty struct{}

// Read implements io.Reader.
func (empty) Read([]byte) (int, error) { return 0, io.EOF }

// Seek implements io.Seeker.
func (empty) Seek(int64, int) (int64, error) { return 0, nil }
