package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
)

// widgetKey is the framework's own record among an app's.
const widgetKey entity.Key = "\uffed\uffedwidget"

// keyValue restores an app's entities. fatal tells that the transport cannot go
// on.
func (r *restore) keyValue(app *App, version int64, p *RestoredPackage) (fatal bool) {
	m := r.m
	construct := app.agent(KeyValue)
	if construct == nil {
		p.Err = NoAgent
		return false
	}
	f, err := m.staged(app.Name)
	if err != nil {
		p.Err = fmt.Errorf("keep an app's data: %w", err)
		return false
	}
	defer m.unstage(f)
	if err := m.transport.RestoreData(r.ctx, struct{ io.Writer }{f}); err != nil {
		p.Err = fmt.Errorf("fetch an app's data: %w", err)
		return code(err) != android.TransportPackageRejected
	}
	// All of it has to be sound before the app is given any of it.
	if p.Bytes, err = sound(f); err != nil {
		p.Err = fmt.Errorf("read an app's data: %w", err)
		return false
	}

	s, err := m.open(r.ctx, app, construct)
	if err != nil {
		p.Err = fmt.Errorf("begin with an agent: %w", err)
		return false
	}
	defer s.close()
	if p.Err = r.touch(app, p); p.Err != nil {
		r.undo(s, p)
		return false
	}
	in := &entityInput{r: entity.NewReader(f, entity.Limits{}), app: app}
	err = s.call(r.ctx, m.times.restore(app.Package), func(ctx context.Context, _ *call) error {
		return s.agent.Restore(ctx, android.RestoreRequest{Data: in, AppVersion: version, New: io.Discard})
	})
	if errors.Is(err, ErrTimeout) {
		m.event(KeyValueTimeout, app.Name, err)
	}
	if err != nil {
		err = fmt.Errorf("restore an app: %w", err)
	} else {
		err = r.finish(s)
	}
	if p.Err = err; err != nil {
		r.undo(s, p)
		return r.ctx.Err() != nil
	}
	m.progress(app.Name, p.Bytes, p.Bytes)
	return false
}

// sound reads a whole stream and goes back to its start.
func sound(f io.ReadSeeker) (size int64, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, cause(err)
	}
	r := entity.NewReader(f, entity.Limits{})
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, err
		}
	}
	size = r.Offset()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, cause(err)
	}
	return size, nil
}

// entityInput gives an agent its entities, without what is not for it. It
// belongs to the agent's goroutine.
type entityInput struct {
	r   *entity.Reader
	app *App
}

func (in *entityInput) Next() (string, int64, error) {
	for {
		h, err := in.r.Next()
		if err != nil {
			return "", 0, err
		}
		switch {
		case h.Deleted, h.Key == widgetKey, h.Key.Reserved() && !in.app.System, slices.Contains(in.app.ExcludedKeys, string(h.Key)):
			continue
		}
		return string(h.Key), h.Size, nil
	}
}

func (in *entityInput) Read(b []byte) (int, error) { return in.r.Read(b) }
