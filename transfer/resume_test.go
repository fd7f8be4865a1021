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
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
)

// smallPhone has every form of item: folders, empty files, files of several
// blocks, and cards.
func smallPhone(seed uint64) fakephone.Config {
	return fakephone.Config{
		Seed: seed, Contacts: 40, Documents: 60, Photos: 3, Videos: 1, Music: -1, Recordings: -1, Downloads: 2, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{
			"documents": {Min: 0, Max: 3000}, "photos": {Min: 50_000, Max: 400_000}, "videos": {Min: 3 * wire.BlockSize, Max: 4 * wire.BlockSize}, "downloads": {Min: 0, Max: 9},
		},
	}
}

// fault is what goes wrong in one run.
type fault struct {
	text     string
	link     *faulttest.Link
	src, dst *faulttest.Disk
}

// draw draws a fault for a session that moves some bytes in some frames.
func draw(r *rand.Rand) (f fault) {
	f = fault{src: new(faulttest.Disk), dst: new(faulttest.Disk), link: faulttest.CutAfterBytes(1 << 60)}
	switch r.IntN(4) {
	case 0:
		n := int64(1) << r.IntN(22)
		n += r.Int64N(n)
		f.link, f.text = faulttest.CutAfterBytes(n), fmt.Sprintf("cut after %d bytes", n)
	case 1:
		n := r.Int64N(120)
		f.link, f.text = faulttest.CutAfterWrites(n), fmt.Sprintf("cut after %d writes", n)
	case 2:
		op := faulttest.Open + faulttest.Op(r.IntN(2))
		f.src = &faulttest.Disk{Op: op, Nth: 1 + r.Int64N(60), Onward: r.IntN(2) == 0, Err: fs.ErrPermission}
		f.text = fmt.Sprintf("source: call %d of %d fails, onward %v", f.src.Nth, op, f.src.Onward)
	default:
		op := faulttest.Check + faulttest.Op(r.IntN(int(faulttest.Ops-faulttest.Check)))
		n := int64(60)
		if op == faulttest.Commit {
			n = 6
		}
		f.dst = &faulttest.Disk{Op: op, Nth: 1 + r.Int64N(n), Onward: r.IntN(2) == 0, Err: syscall.ENOSPC}
		if f.dst.Onward { // a full disk would be waited for
			f.dst.Err = syscall.EIO
		}
		f.text = fmt.Sprintf("target: call %d of %d fails, onward %v", f.dst.Nth, op, f.dst.Onward)
	}
	return f
}

// attempts is how often a move is broken before it is let through.
const attempts = 4

// TestResume is the second property: a session is cut at any byte or frame,
// and any call to either phone fails, again and again. After a run that
// nothing disturbs, everything is there once, and a further run sends nothing.
func TestResume(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, smallPhone(seed), fakephone.Config{Empty: true})
			disturbed(t, r, rnd)
			undisturbed(t, r)
			if err := fakephone.Equal(t.Context(), r.Dst, r.Src); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestResumeFolder is the same into a folder: no temporary file is left, and no
// file is there twice.
func TestResumeFolder(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			cfg := smallPhone(seed)
			cfg.Contacts = -1
			dir := filepath.Join(t.TempDir(), "phone")
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, cfg, fakephone.Config{Empty: true})
			dev, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents, c.Free = dev.Agents(), dev.Free }
			disturbed(t, r, rnd)
			p := undisturbed(t, r)
			var items, there uint64
			for _, k := range p.Kinds {
				items += k.Items + k.Folders
			}
			err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
				there++
				return err
			})
			if err != nil || there-1 != items {
				t.Errorf("%d files and folders of %d are there, %v", there-1, items, err)
			}
			for _, a := range r.Src.Agents() {
				sameFiles(t, dir, a)
			}
		})
	}
}

// sameFiles fails unless dir holds what a has: content, time, and mode.
func sameFiles(t *testing.T, dir string, a backup.Agent) {
	b, err := a.Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for it, err := range b.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(string(it.Key)))
		fi, err := os.Lstat(path)
		if err != nil || fi.IsDir() != (it.Type == backup.TypeDirectory) || !fi.ModTime().Equal(it.ModTime) || it.Mode != 0 && fi.Mode().Perm() != it.Mode {
			t.Errorf("%v, %v is not %+v", fi, err, it)
		}
		if it.Type != backup.TypeFile {
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		r, err := b.Open(t.Context(), it, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(r)
		if r.Close(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q has other content, %v", it.Key, err)
		}
	}
}

// disturbed runs sessions that break.
func disturbed(t *testing.T, r *transfertest.Rig, rnd *rand.Rand) {
	send, take := r.TuneSend, r.TuneTake
	defer func() { r.TuneSend, r.TuneTake = send, take }()
	for range attempts {
		f := draw(rnd)
		t.Log(f.text)
		r.TuneSend = func(c *transfer.SendConfig) {
			if send != nil {
				send(c)
			}
			c.Agents = f.src.Agents(c.Agents)
		}
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			if take != nil {
				take(c)
			}
			c.Agents = f.dst.Agents(c.Agents)
		}
		e := r.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), f.link))
		for side, err := range map[string]error{"send": e.SendErr, "receive": e.TakeErr} {
			if err != nil && (!errors.Is(err, transfer.ErrLinkLost) || !f.link.Broken()) {
				t.Fatalf("%s: %v", side, err)
			}
		}
		if e.SendErr != nil || e.TakeErr != nil {
			continue
		}
		p := mustAgree(t, e)
		for _, k := range p.Kinds {
			if k.Failed > 0 && p.Complete() {
				t.Fatalf("%+v calls itself complete", k)
			}
		}
	}
}

// undisturbed runs a session to its end, and one more that has nothing to do.
// It returns the first one's receipt.
func undisturbed(t *testing.T, r *transfertest.Rig) *receipt.Payload {
	p := mustAgree(t, r.Run(t.Context()))
	again := r.Run(t.Context())
	q := mustAgree(t, again)
	if again.Sent.SentBytes != 0 {
		t.Errorf("the last run sent %d bytes", again.Sent.SentBytes)
	}
	for i, k := range p.Kinds {
		if k.Failed != 0 || k.Items+k.Folders != uint64(r.Src.Len(k.Kind)) || k.Merged != 0 {
			t.Errorf("%+v of %d", k, r.Src.Len(k.Kind))
		}
		if l := q.Kinds[i]; l.Skipped != k.Items || l.Items != k.Items || l.Folders != k.Folders {
			t.Errorf("and then %+v", l)
		}
	}
	if len(p.Renamed) != 0 || len(q.Renamed) != 0 {
		t.Errorf("%d items have another name", len(p.Renamed))
	}
	return p
}

// mustAgree fails unless both sides ended well with the same account.
func mustAgree(t *testing.T, e transfertest.Ended) *receipt.Payload {
	t.Helper()
	if e.SendErr != nil || e.TakeErr != nil {
		t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
	}
	if !bytes.Equal(e.Sent.Receipt, e.Taken.Receipt) {
		t.Fatal("the receipts differ")
	}
	p, err := receipt.Verify(e.Sent.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range p.Kinds {
		if k.Added+k.Merged+k.Skipped+k.Failed != k.Items {
			t.Fatalf("%+v", k)
		}
	}
	return p
}

// TestLeftovers: SEC-17. What a run leaves behind that could not tidy up, as a
// killed one, is removed by the next that opens the same storage; one that
// takes other kinds only keeps it in mind. Nothing else is removed.
func TestLeftovers(t *testing.T) {
	cfg := fakephone.Config{ // the cut falls within the one file
		Seed: 1, Contacts: 5, Documents: -1, Photos: -1, Videos: 1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"videos": {Min: 16 * wire.BlockSize, Max: 16 * wire.BlockSize}},
	}
	dir := filepath.Join(t.TempDir(), "phone")
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, cfg, fakephone.Config{Empty: true})
	r.TuneSend = func(c *transfer.SendConfig) { c.LaneCount = 1 } // so that its blocks come one after the other
	dev, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	count := func() (files, parts int) {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(d.Name(), ".part") {
				parts++
			} else if err == nil && d.Type().IsRegular() {
				files++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files, parts
	}
	var killed []*untidy
	r.TuneTake = func(c *transfer.ReceiveConfig) {
		c.Agents, c.Free = nil, dev.Free
		for _, a := range dev.Agents() {
			u := &untidy{Agent: a}
			killed = append(killed, u)
			c.Agents = append(c.Agents, u)
		}
	}
	e := r.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), faulttest.CutAfterBytes(8*wire.BlockSize)))
	if e.SendErr == nil || e.TakeErr == nil {
		t.Fatal("the run was not cut")
	}
	if _, n := count(); n != 1 {
		t.Fatalf("%d files are left behind", n)
	}
	contacts := func(c *transfer.ReceiveConfig, take bool) {
		c.Agents, c.Free = nil, dev.Free
		for _, a := range dev.Agents() {
			if take == a.Info().Entities {
				c.Agents = append(c.Agents, a)
			}
		}
	}
	r.TuneTake = func(c *transfer.ReceiveConfig) { contacts(c, true) }
	mustAgree(t, r.Run(t.Context()))
	if _, n := count(); n != 1 {
		t.Fatalf("%d files are left behind", n)
	}
	r.TuneTake = func(c *transfer.ReceiveConfig) { contacts(c, false) }
	p := mustAgree(t, r.Run(t.Context()))
	cards, err := filepath.Glob(filepath.Join(dir, "Contacts", "*"))
	if files, n := count(); err != nil || n != 0 || files != len(cards)+2 || p.Kinds[3].Added != 1 {
		t.Errorf("%d files and %d leftovers are there, %v: %+v", files, n, err, p.Kinds)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
	for _, u := range killed {
		u.close()
	}
}

// untidy is a kind whose restores drop nothing, as when the process is killed.
type untidy struct {
	backup.Agent
	open []backup.Restore
}

func (u *untidy) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := u.Agent.Restore(ctx, t)
	if err != nil {
		return nil, err
	}
	u.open = append(u.open, r)
	return untidyRestore{r}, nil
}

// close ends what was left open; by then the leftovers are gone, or it fails
// to remove them.
func (u *untidy) close() {
	for _, r := range u.open {
		r.Close()
	}
}

type untidyRestore struct{ backup.Restore }

func (r untidyRestore) Close() error { return errors.New("killed") }

func (r untidyRestore) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	s, err := r.Restore.Stage(ctx, it)
	if f, ok := s.(backup.StagedFile); ok && err == nil {
		return untidyFile{f}, nil
	}
	return s, err
}

func (r untidyRestore) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	inner := make([]backup.Staged, len(batch))
	for i, s := range batch {
		inner[i] = s
		if f, ok := s.(untidyFile); ok {
			inner[i] = f.StagedFile
		}
	}
	return r.Restore.Commit(ctx, inner)
}

type untidyFile struct{ backup.StagedFile }

func (untidyFile) Discard() error     { return errors.New("killed") }
func (f untidyFile) TempName() string { return f.StagedFile.(backup.TempNamer).TempName() }

func (f untidyFile) Sync(n int64) (backup.Leftover, error) {
	return f.StagedFile.(backup.Keeper).Sync(n)
}

func (untidyFile) Keep(int64) (backup.Leftover, error) {
	return backup.Leftover{}, errors.New("killed")
}
