package manager_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/manager"
	"github.com/ferry-move/ferry/mobile/android/memory"
	"github.com/ferry-move/ferry/mobile/android/pm"
	"github.com/ferry-move/ferry/mobile/backup"
)

// note is an app with one record and one file.
type note struct{ text string }

func (n *note) Backup(_ context.Context, r android.BackupRequest) error {
	if err := r.Data.WriteHeader("note", int64(len(n.text))); err != nil {
		return err
	}
	_, err := io.WriteString(r.Data, n.text)
	return err
}

func (n *note) Restore(_ context.Context, r android.RestoreRequest) error {
	if _, _, err := r.Data.Next(); err != nil {
		return err
	}
	b, err := io.ReadAll(r.Data)
	n.text = string(b)
	return err
}

func (n *note) FullBackup(ctx context.Context, out android.FullOutput) error {
	return out.File(ctx, android.SourceFile{
		FileInfo: android.FileInfo{Domain: "f", Path: "note", Type: backup.TypeFile, Size: int64(len(n.text)), Mode: 0o600},
		Open: func(_ context.Context, offset int64) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(n.text[offset:])), nil
		},
	})
}

func (n *note) RestoreFile(_ context.Context, f android.RestoredFile) error {
	b, err := io.ReadAll(f.Data)
	n.text = string(b)
	return err
}

func (n *note) Clear(context.Context) error { n.text = ""; return nil }

// TestTwoPhones moves apps from one manager to another over a transport that
// passes the suite of all transports.
func TestTwoPhones(t *testing.T) {
	ctx := context.Background()
	store := &memory.Store{}
	phone := func(text string) (*manager.Manager, [2]*note) {
		m, err := manager.New(manager.Config{
			Dir: t.TempDir(), Device: pm.Global{SDK: 36, Build: "x"},
			Transport: store.Open(memory.Options{Flags: backup.FlagDeviceToDeviceTransfer, Device: android.DeviceD2D}),
		})
		if err != nil {
			t.Fatal(err)
		}
		notes := [2]*note{{text: text}, {text: text}}
		p := android.Package{Version: 5, Signatures: [][32]byte{{1}}, TargetSDK: 36}
		p.Name = "com.example.files"
		app := manager.App{Package: p, Default: func() android.Agent { return notes[0] }}
		if err := m.Register(app); err != nil {
			t.Fatal(err)
		}
		app.Name, app.HasAgent, app.Agent, app.Default = "com.example.records", true, func() android.Agent { return notes[1] }, nil
		if err := m.Register(app); err != nil {
			t.Fatal(err)
		}
		return m, notes
	}
	before, _ := phone(strings.Repeat("from the old phone ", 10_000))
	r, err := before.Backup(ctx, []string{"com.example.files", "com.example.records"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Packages {
		if p.Result != manager.Success {
			t.Errorf("%+v", p)
		}
	}
	after, notes := phone("from the shop")
	back, err := after.Restore(ctx, memory.Token, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range back.Packages {
		if !p.Restored {
			t.Errorf("%+v", p)
		}
	}
	for _, n := range notes {
		if n.text != strings.Repeat("from the old phone ", 10_000) {
			t.Errorf("restored %d bytes", len(n.text))
		}
	}
	if err := errors.Join(before.Close(ctx), after.Close(ctx)); err != nil {
		t.Error(err)
	}
}
