package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// killedPhone has folders, empty files, and one file that gets checkpoints.
func killedPhone(seed uint64) fakephone.Config {
	return fakephone.Config{
		Seed: seed, Contacts: -1, Documents: 6, Photos: 2, Videos: 1, Music: -1, Recordings: -1, Downloads: 2, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{
			"documents": {Min: 0, Max: 3000}, "photos": {Min: 50_000, Max: 400_000}, "downloads": {Min: 0, Max: 9},
			"videos": {Min: 5<<20 + 1, Max: 5<<20 + 1},
		},
	}
}

// scene is a receiving phone with a disk, to be killed.
type scene struct {
	*transfertest.Rig
	t   *testing.T
	dir string // holds a folder phone and a journal
	n   int    // of the next scene's folder
}

func newScene(t *testing.T, seed uint64) *scene {
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, killedPhone(seed), fakephone.Config{Empty: true})
	return &scene{Rig: r, t: t, dir: filepath.Join(t.TempDir(), "0")}
}

// run runs a session that is killed at moment nth, or to its end, and returns how
// many moments it had. After a kill the scene is what the disk had then.
func (s *scene) run(nth int) (moments int, e transfertest.Ended) {
	s.t.Helper()
	dev, err := phone.OpenFolder(filepath.Join(s.dir, "phone"), phone.FolderOptions{Create: true})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	seen := ""
	k := &faulttest.Kill{Nth: nth, Now: func() {
		s.n++
		seen = filepath.Join(filepath.Dir(s.dir), fmt.Sprint(s.n))
		if err := snapshot(seen, s.dir); err != nil {
			s.t.Error(err)
		}
		cancel()
	}}
	s.TuneTake = func(c *transfer.ReceiveConfig) {
		c.Agents, c.Free = k.Agents(dev.Agents()), dev.Free
		c.Journal = func(d identity.DeviceID) (*journal.Journal, error) {
			return journal.Open(filepath.Join(s.dir, "journal"), d)
		}
	}
	e = s.RunOver(s.t.Context(), ctx, transfertest.Pipe())
	if err := dev.Close(); err != nil {
		s.t.Error(err)
	}
	if seen != "" {
		if err := os.RemoveAll(s.dir); err != nil {
			s.t.Fatal(err)
		}
		s.dir = seen
	}
	return k.Moments(), e
}

// snapshot copies a folder with times and modes. What vanishes meanwhile was not
// there.
func snapshot(to, from string) error {
	var dirs []string
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dirs = append(dirs, rel)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	for i := len(dirs) - 1; i >= 0 && err == nil; i-- { // what is in a folder first
		var info fs.FileInfo
		if info, err = os.Stat(filepath.Join(from, dirs[i])); err == nil {
			path := filepath.Join(to, dirs[i])
			err = errors.Join(os.Chmod(path, info.Mode().Perm()), os.Chtimes(path, info.ModTime(), info.ModTime()))
		}
	}
	return err
}

// finish runs a session to its end and looks at what is there: everything, once,
// with times and modes, and nothing else.
func (s *scene) finish() {
	s.t.Helper()
	_, e := s.run(0)
	p := mustAgree(s.t, e)
	if !p.Complete() || len(p.Renamed) > 0 {
		s.t.Errorf("%+v", p)
	}
	var items, there uint64
	for _, k := range p.Kinds {
		items += k.Items + k.Folders
	}
	dir := filepath.Join(s.dir, "phone")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		there++
		return err
	})
	if err != nil || there-1 != items {
		s.t.Errorf("%d files and folders of %d are there, %v", there-1, items, err)
	}
	for _, a := range s.Src.Agents() {
		if !a.Info().Entities {
			sameFiles(s.t, dir, a)
		}
	}
	_, e = s.run(0)
	if mustAgree(s.t, e); e.Sent.SentBytes != 0 {
		s.t.Errorf("a further run sent %d bytes", e.Sent.SentBytes)
	}
}

// TestKilledAnywhere kills the receiver before and after each call to its disk,
// and at each note of what is about to be made. The next run finishes what it
// finds then.
func TestKilledAnywhere(t *testing.T) {
	all, _ := newScene(t, 1).run(0)
	if all < 100 {
		t.Fatalf("only %d moments", all)
	}
	for nth := 1; nth <= all; nth += stride(3) {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			s := newScene(t, 1)
			if n, e := s.run(nth); e.TakeErr == nil && n >= nth {
				t.Error("it was not killed")
			}
			s.finish()
		})
	}
}

// TestKilledOften kills it at random moments, several times.
func TestKilledOften(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd, s := rand.New(rand.NewPCG(seed, 7)), newScene(t, seed)
			for range 2 + rnd.IntN(4) {
				s.run(1 + rnd.IntN(180))
			}
			s.finish()
		})
	}
}

// TestJournalDamaged flips a bit of the journal that a killed run left, at one
// place after the other. The next run ends with everything there, once and right,
// whatever the journal says.
func TestJournalDamaged(t *testing.T) {
	s := newScene(t, 1)
	s.run(120)
	good, err := os.ReadFile(filepath.Join(s.dir, "journal"))
	if err != nil || len(good) < 500 {
		t.Fatalf("a journal of %d bytes, %v", len(good), err)
	}
	rnd := rand.New(rand.NewPCG(1, 8))
	for at := 0; at < len(good); at += stride(23) {
		dir := filepath.Join(t.TempDir(), "damaged")
		if err := snapshot(dir, s.dir); err != nil {
			t.Fatal(err)
		}
		bad := append([]byte(nil), good...)
		bad[at] ^= 1 << rnd.IntN(8)
		if err := os.WriteFile(filepath.Join(dir, "journal"), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		d := &scene{Rig: s.Rig, t: t, dir: dir}
		_, e := d.run(0)
		if p := mustAgree(t, e); !p.Complete() || len(p.Renamed) > 0 {
			t.Errorf("byte %d: %+v", at, p)
		}
		for _, a := range s.Src.Agents() {
			if !a.Info().Entities {
				sameContents(t, filepath.Join(dir, "phone"), a)
			}
		}
		if t.Failed() {
			t.Fatalf("byte %d of %d", at, len(good))
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// sameContents fails unless dir holds the content of what a has.
func sameContents(t *testing.T, dir string, a backup.Agent) {
	t.Helper()
	b, err := a.Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for it, err := range b.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if it.Type != backup.TypeFile {
			continue
		}
		r, err := b.Open(t.Context(), it, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(r)
		r.Close()
		got, rerr := os.ReadFile(filepath.Join(dir, filepath.FromSlash(string(it.Key))))
		if err != nil || rerr != nil || !bytes.Equal(got, want) {
			t.Errorf("%q has other content: %v, %v", it.Key, err, rerr)
		}
	}
}
