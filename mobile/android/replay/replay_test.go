package replay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/agenttest"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/replay"
)

const name = "k/org.example.data"

// app is a folder with an entity stream, and its agent.
type app struct {
	*replay.Agent
	dir string
}

func newApp(tb testing.TB) *app {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "app")
	check(tb, os.Mkdir(dir, 0o700))
	root, err := os.OpenRoot(dir)
	check(tb, err)
	tb.Cleanup(func() { root.Close() })
	a, err := replay.New(root, name, replay.Options{})
	check(tb, err)
	return &app{a, dir}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// put writes a stream: key and value in turn, "-" for a deletion.
func (a *app) put(pairs ...string) error {
	if err := os.MkdirAll(filepath.Join(a.dir, "k"), 0o700); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(a.dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	w := entity.NewWriter(f, entity.Options{})
	for i := 0; i < len(pairs); i += 2 {
		key, err := entity.KeyOf(pairs[i])
		if err != nil {
			return err
		}
		if pairs[i+1] == "-" {
			err = w.Delete(key)
		} else if err = w.WriteHeader(key, int64(len(pairs[i+1]))); err == nil {
			_, err = w.Write([]byte(pairs[i+1]))
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}

func read(agent android.Agent) (map[string]string, error) {
	all := map[string]string{}
	f, err := os.Open(filepath.Join(agent.(*app).dir, name))
	if os.IsNotExist(err) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := entity.NewReader(f, entity.Limits{})
	for h, err := range r.All() {
		if err != nil {
			return nil, err
		}
		v, err := r.AppendData(nil, 1<<20)
		if err != nil {
			return nil, err
		}
		key, err := h.Key.Text()
		if err != nil {
			return nil, err
		}
		all[key] = string(v)
	}
	return all, nil
}

func content(change int) []string {
	var pairs []string
	for _, n := range agenttest.Names(300) {
		if r := []rune(n)[0]; r < 0xFF00 || r > 0xFFFF {
			pairs = append(pairs, "names:"+n, "value of "+n)
		} else {
			pairs = append(pairs, "_"+n, "value of "+n)
		}
	}
	pairs = append(pairs, "large", strings.Repeat("0123456789abcde", 10_000), "empty", "", "twice", "one", "twice", "two")
	if change == 0 {
		return append(pairs, "gone", "x", "changed", "before")
	}
	return append(pairs, "new", "x", "changed", fmt.Sprint("after", change))
}

func TestSuite(t *testing.T) {
	agenttest.Run(t, func(tb testing.TB) agenttest.Env {
		src := newApp(tb)
		check(tb, src.put(content(0)...))
		changes := 0
		return agenttest.Env{
			Source:    src,
			NewTarget: func() android.Agent { return newApp(tb) },
			Read:      read,
			Change:    func() error { changes++; return src.put(content(changes)...) },
			Names:     agenttest.Names(300),
			Root:      func(a android.Agent) string { return a.(*app).dir },
		}
	})
}
