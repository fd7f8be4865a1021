package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// component draws a name that Posix keeps, small enough to meet others.
var component = rapid.SampledFrom([]string{
	"a", "A", "b.txt", "B.TXT", "c (1)", "c (1).jpg", "c.jpg", "DCIM", "Music", "é", "e\u0301", "写真", "x.mp4",
	"\xff\xfe", ".hidden", "with space", "trailing.", "CON", "a:b", strings.Repeat("l", 255), strings.Repeat("写", 85),
})

// tree draws files and folders in dir; a drawn path that clashes with another
// is left out.
func drawTree(t *rapid.T, dir, label string) {
	n := rapid.IntRange(0, 12).Draw(t, label)
	for range n {
		parts := rapid.SliceOfN(component, 1, 4).Draw(t, "path")
		path := filepath.Join(append([]string{dir}, parts...)...)
		if rapid.Bool().Draw(t, "folder") {
			_ = os.MkdirAll(path, 0o755)
			continue
		}
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			continue
		}
		content := rapid.SampledFrom([]string{"", "x", "y", strings.Repeat("z", 5000)}).Draw(t, "content")
		_, err = f.WriteString(content)
		mode := rapid.SampledFrom([]fs.FileMode{0o644, 0o600, 0o664, 0o400}).Draw(t, "mode")
		if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
			t.Fatalf("%v", err)
		}
		at := time.Unix(rapid.Int64Range(0, 2_000_000_000).Draw(t, "time"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatalf("%v", err)
		}
	}
	i := int64(0)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path != dir {
			i++
			// Children's times are set later and do not change it.
			return os.Chtimes(path, time.Time{}, time.Unix(1_234_567_890+i, i))
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// ways are those of caps in which a file gets its name.
var ways = map[string]func(*caps){
	"rename": func(*caps) {},
	"link":   func(c *caps) { c.noRename.Store(true) },
	"placeholder": func(c *caps) {
		c.noRename.Store(true)
		c.noLink.Store(true)
		c.noSyncAll.Store(true)
	},
}

func forEachTree(t *testing.T, opts Options, prepare func(*caps), check func(*rapid.T, *storage, *storage)) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatalf("%v", err)
		}
		write(rt, dir, "src/", "")
		write(rt, dir, "dst/", "")
		src, dst := newStorage(t, dir+"/src", Options{}), newStorage(t, dir+"/dst", opts)
		defer src.root.Close()
		defer dst.root.Close()
		if prepare != nil {
			prepare(&dst.agent(Files).dst.caps)
		}
		check(rt, src, dst)
		if err := os.RemoveAll(dir); err != nil {
			rt.Fatalf("%v", err)
		}
	})
}

// What arrives on an empty phone is what was sent, folders' times and empty
// folders included, and a second run changes nothing.
func TestPropertyEmptyTarget(t *testing.T) {
	for name, prepare := range ways {
		t.Run(name, func(t *testing.T) {
			forEachTree(t, Options{}, prepare, func(rt *rapid.T, src, dst *storage) {
				drawTree(rt, src.dir, "source")
				want := snapshot(rt, src.dir, true)
				for run := range 2 {
					sum, err := copyAll(t.Context(), dst, src)
					if err != nil || sum.Failed > 0 {
						rt.Fatalf("run %d: %+v, %v", run, sum, err)
					}
					if run == 1 && sum.Added > 0 {
						rt.Fatalf("the second run added %d", sum.Added)
					}
					equal(rt, snapshot(rt, dst.dir, true), want)
				}
				equal(rt, snapshot(rt, src.dir, true), want)
			})
		})
	}
}

// Whatever was on the phone before is there afterwards, every content sent is
// there, nothing else is, and a second run changes nothing.
func TestPropertyUsedTarget(t *testing.T) {
	for _, p := range []Profile{Posix, Portable} {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			forEachTree(t, Options{Profile: p, Claimed: []string{"b.txt"}}, nil, func(rt *rapid.T, src, dst *storage) {
				drawTree(rt, dst.dir, "target")
				before := snapshot(rt, dst.dir, false)
				drawTree(rt, src.dir, "source")
				sum, err := copyAll(t.Context(), dst, src)
				if err != nil || sum.Failed > 0 {
					rt.Fatalf("%+v, %v", sum, err)
				}
				after := snapshot(rt, dst.dir, false)
				contains(rt, after, before)
				contents := make(map[string]bool)
				for _, s := range after {
					contents[content0(s)] = true
				}
				for key, s := range snapshot(rt, src.dir, false) {
					if !contents[content0(s)] {
						rt.Fatalf("%q did not arrive", key)
					}
				}
				if got := int64(len(after)); got > int64(len(before))+sum.Added+sum.Skipped {
					rt.Fatalf("%d things of %d that were there and %d sent", got, len(before), sum.Added+sum.Skipped)
				}
				if sum, err = copyAll(t.Context(), dst, src); err != nil || sum.Failed > 0 || sum.Added > 0 {
					rt.Fatalf("second run: %+v, %v", sum, err)
				}
				equal(rt, snapshot(rt, dst.dir, false), after)
			})
		})
	}
}

// content0 cuts a snapshot's line down to the content.
func content0(s string) string {
	_, c, _ := strings.Cut(s, ` "`)
	return c
}
