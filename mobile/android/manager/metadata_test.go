package manager

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/pm"
	"github.com/ferry-move/ferry/mobile/backup"
)

// list runs the agent of the list of apps and returns the keys it wrote, "-k"
// for a deletion, and its new state.
func list(t *testing.T, a *metadataAgent, old []byte) ([]string, []byte) {
	t.Helper()
	var data, state bytes.Buffer
	w := entity.NewWriter(&data, entity.Options{})
	err := a.Backup(context.Background(), android.BackupRequest{Old: bytes.NewReader(old), Data: &entityOutput{w: w}, New: &state})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for h, err := range entity.NewReader(&data, entity.Limits{}).All() {
		if err != nil {
			t.Fatal(err)
		}
		key := string(h.Key)
		if h.Deleted {
			key = "-" + key
		}
		keys = append(keys, key)
	}
	return keys, state.Bytes()
}

func TestListOfApps(t *testing.T) {
	app := func(name string, version int64) *App {
		a := bookApp(name, nil)
		a.Version = version
		return &a
	}
	a := &metadataAgent{device: pm.Global{SDK: 35, Build: "1"}, apps: []*App{app("com.a", 1), app("com.b", 1<<40)}}
	var state []byte
	steps := []struct {
		name   string
		change func()
		want   []string
	}{
		{"first", func() {}, []string{"@ancestral_record@", "@meta@", "com.a", "com.b"}},
		{"nothing new", func() {}, []string{"@ancestral_record@"}},
		{"an update", func() { a.apps[1] = app("com.b", 2) }, []string{"@ancestral_record@", "com.b"}},
		{"a home screen", func() { a.home = &pm.Home{Component: "c/d", Version: 1, Signers: []pm.Hash{{1}}} }, []string{"@ancestral_record@", "@home@"}},
		{"the same", func() {}, []string{"@ancestral_record@"}},
		{"another version of it", func() { a.home = &pm.Home{Component: "c/d", Version: 2, Signers: []pm.Hash{{1}}} }, []string{"@ancestral_record@", "@home@"}},
		{"no home screen", func() { a.home = nil }, []string{"@ancestral_record@", "-@home@"}},
		{"an app is gone", func() { a.apps = a.apps[:1] }, []string{"@ancestral_record@"}},
		{"and back", func() { a.apps = append(a.apps, app("com.b", 2)) }, []string{"@ancestral_record@", "com.b"}},
		{"an update of the system", func() { a.device.Build = "2" }, []string{"@ancestral_record@", "@meta@", "com.a", "com.b"}},
		{"a state that is damaged", func() { state = state[:len(state)-1] }, []string{"@ancestral_record@", "@meta@", "com.a", "com.b"}},
	}
	for _, s := range steps {
		s.change()
		var got []string
		if got, state = list(t, a, state); !slices.Equal(got, s.want) {
			t.Errorf("%s: %q, want %q", s.name, got, s.want)
		}
	}
}

// curious looks at what the outputs tell.
type curious struct {
	shelf
	flags []backup.Flags
	quota []int64
}

func (c *curious) Backup(_ context.Context, r android.BackupRequest) error {
	c.flags, c.quota = append(c.flags, r.Data.TransportFlags()), append(c.quota, r.Data.Quota())
	if err := r.Data.WriteHeader("k", -1); err != nil {
		return err
	}
	_, err := io.WriteString(r.New, "x")
	return err
}

func (c *curious) FullBackup(_ context.Context, out android.FullOutput) error {
	c.flags, c.quota = append(c.flags, out.TransportFlags()), append(c.quota, out.Quota())
	return nil
}

func TestAgentsSeeFlagsAndQuota(t *testing.T) {
	l := newLink()
	l.quota = 4711
	p := newPhone(t, l)
	c := &curious{}
	p.register(bookApp("com.a", c))
	p.register(shelfApp("com.f", c))
	if _, err := p.m.Backup(context.Background(), []string{"com.a", "com.f"}, 0); err != nil {
		t.Fatal(err)
	}
	d := backup.FlagDeviceToDeviceTransfer
	if !slices.Equal(c.flags, []backup.Flags{d, d, d}) || !slices.Equal(c.quota, []int64{4711, 4711, 4711}) {
		t.Errorf("saw %v, %v", c.flags, c.quota)
	}
}

// TestTexts: what a person may read is a plain phrase, without names or paths.
func TestTexts(t *testing.T) {
	for id := range events {
		if text := id.Error(); text == "" || strings.ContainsAny(text, "%\"_/") || id.Category() < CategoryTransport || id.Category() > CategoryPolicy {
			t.Errorf("%d: %q, %d", id, text, id.Category())
		}
	}
	if EventID(9999).Error() == "" || Result(9999).String() == "" {
		t.Error("no text for what is not known")
	}
	for r, text := range resultText {
		if r.String() != text || text == "" {
			t.Errorf("%d: %q", r, text)
		}
	}
	// A folder that cannot be written to is an error of the app, and not told by
	// its path.
	p := newPhone(t, newLink())
	p.book("com.a", "k", "v")
	p.changed("com.a")
	p.pass()
	if err := os.Remove(p.m.state("com.a")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(p.m.fresh("com.a"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.changed("com.a")
	got := p.result(p.pass(), "com.a", AgentFailure)
	if got.Err == nil || strings.Contains(got.Err.Error(), p.dir) || strings.Contains(got.Err.Error(), "com.a") || !got.Requeued {
		t.Errorf("%v", got.Err)
	}
}
