package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// perBreak is the most that a break may cost: what was received, or read, and
// comes again.
const perBreak = 16 << 20

// largePhone has one large file between others.
func largePhone(seed uint64, size int64) fakephone.Config {
	return fakephone.Config{
		Seed: seed, Contacts: 10, Documents: 20, Photos: 6, Videos: 1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{
			"documents": {Min: 0, Max: 3000}, "photos": {Min: 100_000, Max: 3_000_000}, "videos": {Min: size, Max: size},
		},
	}
}

// reads counts what is read on either side.
type reads struct{ src, dst atomic.Int64 }

func (r *reads) agents(agents []backup.Agent, n *atomic.Int64) (all []backup.Agent) {
	for _, a := range agents {
		all = append(all, countedAgent{a, n})
	}
	return all
}

type countedAgent struct {
	backup.Agent
	n *atomic.Int64
}

func (a countedAgent) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	b, err := a.Agent.Backup(ctx, t)
	return countedBackup{b, a.n}, err
}

func (a countedAgent) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	if _, ok := r.(backup.Resumer); !ok || err != nil {
		return r, err
	}
	return countedRestore{r, a.n}, nil
}

type countedBackup struct {
	backup.Backup
	n *atomic.Int64
}

func (b countedBackup) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	r, err := b.Backup.Open(ctx, it, off)
	return countedReader{r, b.n}, err
}

type countedReader struct {
	io.ReadCloser
	n *atomic.Int64
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// countedRestore is a restore of files.
type countedRestore struct {
	backup.Restore
	n *atomic.Int64
}

func (r countedRestore) Check(ctx context.Context, it backup.Item, p backup.Prior) backup.Answer {
	return r.Restore.(backup.Checker).Check(ctx, it, p)
}

func (r countedRestore) RemoveTemp(ctx context.Context, name string) error {
	return r.Restore.(backup.TempRemover).RemoveTemp(ctx, name)
}

func (r countedRestore) Finish(ctx context.Context) error {
	if f, ok := r.Restore.(backup.Finisher); ok {
		return f.Finish(ctx)
	}
	return nil
}

func (r countedRestore) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	f, touched, err := r.Restore.(backup.Resumer).Resume(ctx, it, l)
	if err != nil {
		return nil, false, err
	}
	return countedFile{f, r.n}, touched, nil
}

func (r countedRestore) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	plain := make([]backup.Staged, len(batch))
	for i, s := range batch {
		plain[i] = s
		if f, ok := s.(countedFile); ok {
			plain[i] = f.ResumedFile
		}
	}
	return r.Restore.Commit(ctx, plain)
}

type countedFile struct {
	backup.ResumedFile
	n *atomic.Int64
}

func (f countedFile) ReadAt(p []byte, off int64) (int, error) {
	f.n.Add(int64(len(p)))
	return f.ResumedFile.ReadAt(p, off)
}

func (f countedFile) TempName() string { return f.ResumedFile.(backup.TempNamer).TempName() }

func (f countedFile) Sync(n int64) (backup.Leftover, error) {
	return f.ResumedFile.(backup.Keeper).Sync(n)
}

func (f countedFile) Keep(n int64) (backup.Leftover, error) {
	return f.ResumedFile.(backup.Keeper).Keep(n)
}

// TestResumeLarge is the second property for what a file costs: a session that
// moves one large file among others is cut at any byte, again and again. What is
// sent, and what is read, is no more than everything once and perBreak for each
// break; of what was received nothing is read.
func TestResumeLarge(t *testing.T) {
	const size = 64 << 20
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		for _, target := range []string{"memory", "folder"} {
			inTime(t, fmt.Sprint(target, ", seed ", seed), func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 5))
				r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(seed, size+int64(seed)*12345), fakephone.Config{Empty: true})
				dir, agents, free := "", r.Dst.Agents(), r.Dst.Free
				if target == "folder" {
					dir = filepath.Join(t.TempDir(), "phone")
					dev, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
					if err != nil {
						t.Fatal(err)
					}
					defer dev.Close()
					agents, free = dev.Agents(), dev.Free
				}
				var n reads
				r.TuneSend = func(c *transfer.SendConfig) { c.Agents = n.agents(c.Agents, &n.src) }
				r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents, c.Free = n.agents(agents, &n.dst), free }
				var sent, breaks, worst int64
				for {
					limit := int64(1)<<17 + rnd.Int64N(24<<20)
					e := r.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), faulttest.CutAfterBytes(limit)))
					sent += int64(r.SendMeter.Snapshot().SentBytes)
					if e.SendErr == nil && e.TakeErr == nil {
						p := mustAgree(t, e)
						for _, m := range []*transfer.Meter{r.SendMeter, r.TakeMeter} {
							if s := m.Snapshot(); s.DoneBytes != s.Bytes || s.DoneItems != s.Items {
								t.Errorf("a meter stands at %+v", s)
							}
						}
						var total int64
						for _, k := range p.Kinds {
							total += int64(k.Bytes)
						}
						again := sent - total
						t.Logf("%d breaks, %.1f of %.1f MiB again", breaks, float64(again)/(1<<20), float64(total)/(1<<20))
						if again > breaks*perBreak || breaks == 0 {
							t.Errorf("%d bytes of %d were sent again after %d breaks", again, total, breaks)
						}
						if read := n.src.Load() - total; read > breaks*perBreak {
							t.Errorf("%d bytes were read again", read)
						}
						break
					}
					breaks++
					if worst++; worst > 100 {
						t.Fatal("it gets no further")
					}
				}
				if n.dst.Load() != 0 {
					t.Errorf("%d received bytes were read again", n.dst.Load())
				}
				undisturbed(t, r)
				if target == "memory" {
					if err := fakephone.Equal(t.Context(), r.Dst, r.Src); err != nil {
						t.Error(err)
					}
					return
				}
				noParts(t, dir, 0)
				for _, a := range r.Src.Agents() {
					if !a.Info().Entities {
						sameFiles(t, dir, a)
					}
				}
			})
		}
	}
}

// TestResumeFaults cuts a large file while the disk fails to force it down, to
// keep it, or to give it back: nothing but time is lost.
func TestResumeFaults(t *testing.T) {
	seeds := uint64(10)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		inTime(t, fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 6))
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(seed, 20<<20), fakephone.Config{Empty: true})
			dir := filepath.Join(t.TempDir(), "phone")
			dev, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			take := func(c *transfer.ReceiveConfig) { c.Agents, c.Free = dev.Agents(), dev.Free }
			for range 5 {
				op := []faulttest.Op{faulttest.Write, faulttest.Commit, faulttest.Sync, faulttest.Keep, faulttest.Resume}[rnd.IntN(5)]
				disk := &faulttest.Disk{Op: op, Nth: 1 + rnd.Int64N(4), Onward: rnd.IntN(2) == 0}
				limit := int64(1)<<20 + rnd.Int64N(24<<20)
				t.Logf("call %d of %d fails, onward %v; cut after %d bytes", disk.Nth, op, disk.Onward, limit)
				r.TuneTake = func(c *transfer.ReceiveConfig) {
					take(c)
					c.Agents = disk.Agents(c.Agents)
					c.Boot = journal.Boot{byte(1 + rnd.IntN(2))}
				}
				e := r.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), faulttest.CutAfterBytes(limit)))
				for side, err := range map[string]error{"send": e.SendErr, "receive": e.TakeErr} {
					if err != nil && !errors.Is(err, transfer.ErrLinkLost) {
						t.Fatalf("%s: %v", side, err)
					}
				}
			}
			r.TuneTake = take
			undisturbed(t, r)
			noParts(t, dir, 0)
			for _, a := range r.Src.Agents() {
				if !a.Info().Entities {
					sameFiles(t, dir, a)
				}
			}
		})
	}
}

// inTime runs a test in virtual time: a link that broke is waited for.
func inTime(t *testing.T, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// noParts fails unless so many temporary files are below dir, and returns one.
func noParts(t *testing.T, dir string, want int) (last string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(d.Name(), ".part") {
			n++
			last = path
		}
		return err
	})
	if err != nil || n != want {
		t.Fatalf("%d temporary files are there, not %d: %v", n, want, err)
	}
	return last
}

// oneVideo is a rig that moves one video of size bytes into a folder.
func oneVideo(t *testing.T, size int64) (r *transfertest.Rig, dir string, n *reads) {
	t.Helper()
	cfg := fakephone.Config{
		Seed: 1, Contacts: -1, Documents: -1, Photos: -1, Videos: 1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"videos": {Min: size, Max: size}},
	}
	r = transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, cfg, fakephone.Config{Empty: true})
	dir, n = filepath.Join(t.TempDir(), "phone"), new(reads)
	dev, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	r.TuneTake = func(c *transfer.ReceiveConfig) {
		c.Agents, c.Free, c.Boot = n.agents(dev.Agents(), &n.dst), dev.Free, journal.Boot{1}
	}
	return r, dir, n
}

// cutAt breaks a run after so many bytes.
func cutAt(t *testing.T, r *transfertest.Rig, n int64) {
	t.Helper()
	e := r.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), faulttest.CutAfterBytes(n)))
	if e.SendErr == nil || e.TakeErr == nil {
		t.Fatal("the run was not cut")
	}
}

// finished runs to the end and returns how many bytes were sent.
func finished(t *testing.T, r *transfertest.Rig, dir string) int64 {
	t.Helper()
	e := r.Run(t.Context())
	if p := mustAgree(t, e); p.Kinds[3].Added != 1 {
		t.Fatalf("%+v", p.Kinds)
	}
	noParts(t, dir, 0)
	for _, a := range r.Src.Agents() {
		sameFiles(t, dir, a)
	}
	if sent := r.SendMeter.Snapshot(); sent.SentBytes != e.Sent.SentBytes || e.Taken.SentBytes != e.Sent.SentBytes {
		t.Errorf("%d bytes were sent, the reports say %d and %d", sent.SentBytes, e.Sent.SentBytes, e.Taken.SentBytes)
	}
	return int64(e.Sent.SentBytes)
}

// TestRestarted: after a restart of the system the disk's word is held against
// the journal's, once.
func TestRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, cut = 24 << 20, 18 << 20
		boot := func(r *transfertest.Rig, n byte) {
			take := r.TuneTake
			r.TuneTake = func(c *transfer.ReceiveConfig) { take(c); c.Boot = journal.Boot{n} }
		}
		r, dir, n := oneVideo(t, size)
		cutAt(t, r, cut)
		kept := partSize(t, dir)
		boot(r, 2)
		cutAt(t, r, 1<<20) // read once, and then it is of this run
		once := n.dst.Load()
		if once > kept || once < kept-4<<20 {
			t.Errorf("%d of %d bytes were read", once, kept)
		}
		if sent := finished(t, r, dir); n.dst.Load() != once || sent > size-once {
			t.Errorf("%d of %d bytes were read, %d were sent", n.dst.Load(), kept, sent)
		}
		// A restart that lost what the disk had taken, as no disk should.
		r, dir, n = oneVideo(t, size)
		cutAt(t, r, cut)
		kept = partSize(t, dir)
		spoil(t, noParts(t, dir, 1), kept-10, true)
		boot(r, 2)
		if sent := finished(t, r, dir); n.dst.Load() == 0 || sent > size-8<<20 || sent <= size-kept {
			t.Errorf("%d bytes were read, %d were sent", n.dst.Load(), sent)
		}
	})
}

func partSize(t *testing.T, dir string) int64 {
	t.Helper()
	fi, err := os.Stat(noParts(t, dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	if fi.Size() < 10<<20 || fi.Size()%wire.BlockSize != 0 {
		t.Fatalf("%d bytes were kept", fi.Size())
	}
	return fi.Size()
}

// spoil changes one byte of a file, and keeps its time if it is to be quiet.
func spoil(t *testing.T, path string, at int64, quiet bool) {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	b[0] ^= 0x10
	_, werr := f.WriteAt(b[:], at)
	when := time.Now()
	if quiet {
		when = fi.ModTime()
	}
	if err := errors.Join(err, werr, f.Close(), os.Chtimes(path, when, when)); err != nil {
		t.Fatal(err)
	}
}

// TestTouched changes what is kept between two runs: it is found, and as much of
// it is used as is still right.
func TestTouched(t *testing.T) {
	const size, cut = 24 << 20, 18 << 20
	for name, end := range map[string]bool{"the first byte": false, "near the end": true} {
		t.Run(name, func(t *testing.T) {
			r, dir, n := oneVideo(t, size)
			cutAt(t, r, cut)
			kept := partSize(t, dir)
			at := int64(0)
			if end {
				at = kept - 10
			}
			spoil(t, noParts(t, dir, 1), at, false)
			sent := finished(t, r, dir)
			if n.dst.Load() == 0 || sent <= size-kept || end && sent > size-8<<20 {
				t.Errorf("%d bytes were read, %d of %d were sent", n.dst.Load(), sent, size)
			}
		})
	}
	inTime(t, "shortened", func(t *testing.T) {
		r, dir, _ := oneVideo(t, size)
		cutAt(t, r, cut)
		if err := os.Truncate(noParts(t, dir, 1), 1<<20); err != nil {
			t.Fatal(err)
		}
		if sent := finished(t, r, dir); sent != size {
			t.Errorf("%d bytes were sent", sent)
		}
	})
	inTime(t, "removed", func(t *testing.T) {
		r, dir, _ := oneVideo(t, size)
		cutAt(t, r, cut)
		if err := os.Remove(noParts(t, dir, 1)); err != nil {
			t.Fatal(err)
		}
		if sent := finished(t, r, dir); sent != size {
			t.Errorf("%d bytes were sent", sent)
		}
	})
}

// TestRestartedAndCut: a run that is cut while it reads what the disk has leaves it
// as unread as it was.
func TestRestartedAndCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, cut = 24 << 20, 18 << 20
		r, dir, n := oneVideo(t, size)
		cutAt(t, r, cut)
		kept := partSize(t, dir)
		spoil(t, noParts(t, dir, 1), kept-10, true)
		take := r.TuneTake
		ctx, cancel := context.WithCancel(t.Context())
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			take(c)
			c.Boot = journal.Boot{2}
			for i, a := range c.Agents {
				c.Agents[i] = cancelling{a, cancel}
			}
		}
		e := r.RunOver(t.Context(), ctx, transfertest.Pipe())
		mustStop(t, e.SendErr, wire.StopCancelled, true)
		if fi, err := os.Stat(noParts(t, dir, 1)); err != nil || fi.Size() != kept {
			t.Fatalf("%v is left, %v", fi, err)
		}
		r.TuneTake = func(c *transfer.ReceiveConfig) { take(c); c.Boot = journal.Boot{2} }
		before := n.dst.Load()
		if sent := finished(t, r, dir); n.dst.Load()-before < kept-4<<20 || sent <= size-kept {
			t.Errorf("%d bytes were read, %d were sent", n.dst.Load()-before, sent)
		}
	})
}

// cancelling is an agent whose run the person ends when what was kept is read.
type cancelling struct {
	backup.Agent
	cancel context.CancelFunc
}

func (a cancelling) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	if c, ok := r.(countedRestore); ok && err == nil {
		return cancellingRestore{c, a.cancel}, nil
	}
	return r, err
}

type cancellingRestore struct {
	countedRestore
	cancel context.CancelFunc
}

func (r cancellingRestore) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	f, touched, err := r.countedRestore.Resume(ctx, it, l)
	if err != nil {
		return nil, false, err
	}
	return cancellingFile{f.(countedFile), r.cancel}, touched, nil
}

type cancellingFile struct {
	countedFile
	cancel context.CancelFunc
}

func (f cancellingFile) ReadAt(p []byte, off int64) (int, error) {
	f.cancel()
	return f.countedFile.ReadAt(p, off)
}

// TestBadNotes: a note that cannot be right is worth nothing, and costs no more
// than sending the file again.
func TestBadNotes(t *testing.T) {
	const size, cut = 8 << 20, 6 << 20
	for name, change := range map[string]func(*journal.Kept){
		"half a node": func(k *journal.Kept) { k.Tree = k.Tree[:wire.NodeSize/2] },
		"no nodes":    func(k *journal.Kept) { k.Tree = nil },
		"65 nodes":    func(k *journal.Kept) { k.Tree = make([]byte, 65*wire.NodeSize) },
		"a node twice": func(k *journal.Kept) {
			k.Tree = append(k.Tree[:wire.NodeSize:wire.NodeSize], k.Tree[:wire.NodeSize]...)
		},
		"the last block":       func(k *journal.Kept) { k.Tree = tree.AppendNodes(nil, []tree.Node{{First: size/wire.BlockSize - 1}}) },
		"a block less":         func(k *journal.Kept) { k.Left.Length -= wire.BlockSize },
		"a byte more":          func(k *journal.Kept) { k.Left.Length++ },
		"more than there is":   func(k *journal.Kept) { k.Left.Length = size },
		"no temporary file":    func(k *journal.Kept) { k.Left.Name = "DCIM/mine" },
		"outside":              func(k *journal.Kept) { k.Left.Name = "../" + k.Left.Name },
		"a kind that is not":   func(k *journal.Kept) { k.Kind = "none" },
		"another item's, even": func(k *journal.Kept) { k.Fingerprint[0]++ },
	} {
		inTime(t, name, func(t *testing.T) {
			r, dir, _ := oneVideo(t, size)
			path := filepath.Join(t.TempDir(), "journal")
			take := r.TuneTake
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				take(c)
				c.Journal = func(d identity.DeviceID) (*journal.Journal, error) { return journal.Open(path, d) }
			}
			cutAt(t, r, cut)
			noParts(t, dir, 1)
			j, err := journal.Open(path, r.Old.ID())
			if err != nil {
				t.Fatal(err)
			}
			all := j.AllKept()
			if len(all) != 1 {
				t.Fatalf("%d notes", len(all))
			}
			k := all[0]
			change(&k)
			if err := errors.Join(j.Temporary(backup.Key(k.Left.Name)), j.Keep([]journal.Kept{k}), j.Close()); err != nil {
				t.Fatal(err)
			}
			e := r.Run(t.Context())
			if p := mustAgree(t, e); p.Kinds[3].Added != 1 || e.Sent.SentBytes != size && name != "a kind that is not" {
				t.Fatalf("%+v, %d bytes", p.Kinds, e.Sent.SentBytes)
			}
			for _, a := range r.Src.Agents() {
				sameFiles(t, dir, a)
			}
			mustAgree(t, r.Run(t.Context()))
			if !strings.HasPrefix(name, "outside") {
				noParts(t, dir, 0)
			}
		})
	}
}

// TestChangedSource: what is kept of a file that has changed since goes, and the
// whole new one comes.
func TestChangedSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 24 << 20
		r, dir, _ := oneVideo(t, size)
		cutAt(t, r, 18<<20)
		old := noParts(t, dir, 1)
		send := r.TuneSend
		r.TuneSend = func(c *transfer.SendConfig) {
			if send != nil {
				send(c)
			}
			other := fakephone.New(fakephone.Config{
				Seed: 1, Contacts: -1, Documents: -1, Photos: -1, Videos: 1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
				Sizes: map[backup.Kind]fakephone.Range{"videos": {Min: size + 1, Max: size + 1}},
			})
			c.Agents = other.Agents()
			c.LaneCount = 1
		}
		cutAt(t, r, 6<<20)
		if now := noParts(t, dir, 1); now == old {
			t.Error("the old one is still there")
		}
	})
}

// TestKeptAndDone: what is kept of a file that is not there any more goes when a
// run comes to its end, but not with a run that leaves its kind out.
func TestKeptAndDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, dir, _ := oneVideo(t, 24<<20)
		cutAt(t, r, 18<<20)
		take := r.TuneTake
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			take(c)
			c.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
				return transfer.Decision{Accept: true, Kinds: []backup.Kind{"photos"}}, nil
			}
		}
		mustAgree(t, r.Run(t.Context()))
		noParts(t, dir, 1)
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			take(c)
			c.Accept = func(_ context.Context, o transfer.Offer) (transfer.Decision, error) {
				if kept := partSize(t, dir); o.Already < kept || o.Already > kept+1<<20 {
					t.Errorf("%d bytes are said to be here, of %d", o.Already, kept)
				}
				return transfer.Decision{Accept: true}, nil
			}
		}
		for it, err := range listed(t, r.Src.Agent("videos")) {
			if err != nil || it.Type == backup.TypeFile && !r.Src.Remove("videos", it.Key) {
				t.Fatal(err)
			}
		}
		mustAgree(t, r.Run(t.Context()))
		noParts(t, dir, 0)
	})
}

func listed(t *testing.T, a backup.Agent) func(func(backup.Item, error) bool) {
	b, err := a.Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.Items(t.Context())
}

// TestKilledReceiver: what a killed receiver noted on its way is used, and no
// more is lost than perBreak.
func TestKilledReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, cut = 48 << 20, 40 << 20
		r, dir, n := oneVideo(t, size)
		take := r.TuneTake
		var killed []*untidy
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			take(c)
			for i, a := range c.Agents {
				u := &untidy{Agent: a}
				killed = append(killed, u)
				c.Agents[i] = u
			}
		}
		cutAt(t, r, cut)
		noParts(t, dir, 1)
		r.TuneTake = take
		sent := finished(t, r, dir)
		t.Logf("%.1f MiB came again", float64(sent-(size-cut))/(1<<20))
		if sent > size-cut+perBreak || sent >= size || n.dst.Load() != 0 {
			t.Errorf("%d bytes of %d were sent, %d were read", sent, size, n.dst.Load())
		}
		for _, u := range killed {
			u.close()
		}
	})
}

// nodesOf returns the nodes of some blocks of content.
func nodesOf(t *testing.T, content []byte, blocks ...int64) []byte {
	t.Helper()
	size := int64(len(content))
	tr := tree.New(size)
	for _, i := range blocks {
		if err := tr.Add(i, tree.Block(content[i*wire.BlockSize:][:wire.BlockSize], i, size)); err != nil {
			t.Fatal(err)
		}
	}
	return tree.AppendNodes(nil, tr.Known(wire.MaxNodes))
}

// bigDocument is a phone with one document of 5½ blocks, and its content.
func bigDocument(t *testing.T) (backup.Agent, []byte) {
	const size = 5*wire.BlockSize + 100_000
	src := fakephone.New(fakephone.Config{Seed: 1, Documents: 1, Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: size, Max: size}}})
	b, err := src.Agent("documents").Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for it := range b.Items(t.Context()) {
		if it.Type == backup.TypeFile {
			r, err := b.Open(t.Context(), it, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			content, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return src.Agent("documents"), content
		}
	}
	panic("no document")
}

// TestNodes: the sender leaves out what it is told, hashes as if it had read all,
// and refuses nodes that its item does not have.
func TestNodes(t *testing.T) {
	agent, content := bigDocument(t)
	tune := func(c *transfer.SendConfig) { c.Agents = []backup.Agent{agent} }
	size := int64(len(content))
	whole := tree.New(size)
	for i := range tree.Blocks(size) {
		whole.Add(i, tree.Block(content[i*wire.BlockSize:][:tree.BlockLen(size, i)], i, size))
	}
	digest, _ := whole.Digest()
	for name, there := range map[string][]int64{
		"nothing": {}, "the first": {0}, "three": {0, 1, 2}, "all but the last": {0, 1, 2, 3, 4}, "one in the middle": {2}, "every second": {0, 2, 4}, "a pair": {2, 3},
	} {
		e := sending(t, tune, func(f *fake) {
			f.answers()
			id := fileOf(f, f.listed(), backup.TypeFile)
			f.say(&wire.Want{Wanted: []wire.Wanted{{ID: id, Verdict: 1, Nodes: nodesOf(t, content, there...)}}})
			for i := range int64(6) {
				if slices.Contains(there, i) {
					continue
				}
				h, p := f.reads()
				if h.Offset != uint64(i*wire.BlockSize) || !bytes.Equal(p, content[i*wire.BlockSize:][:tree.BlockLen(size, i)]) {
					t.Errorf("%s: a block at %d", name, h.Offset)
				}
			}
			f.say(&wire.Results{Results: []wire.Result{{ID: id, Outcome: uint8(backup.Added), Digest: digest[:]}}})
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
		if want := uint64(size - int64(len(there))*wire.BlockSize); e.report.SentBytes != want {
			t.Errorf("%s: %d bytes are said to be sent, not %d", name, e.report.SentBytes, want)
		}
	}
	wanting := func(script func(f *fake, file, folder uint64)) ended {
		return sending(t, tune, func(f *fake) {
			f.answers()
			all := f.listed()
			script(f, fileOf(f, all, backup.TypeFile), fileOf(f, all, backup.TypeDirectory))
			f.heardStop()
		})
	}
	for name, w := range map[string]wire.Wanted{
		"of the last block":  {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 5}})},
		"beyond":             {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 6}})},
		"of more than it is": {Nodes: tree.AppendNodes(nil, []tree.Node{{Level: 3}})},
		"negative":           {Nodes: tree.AppendNodes(nil, []tree.Node{{First: -1}})},
		"odd":                {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 1, Level: 1}})},
		"twice":              {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 1}, {First: 1}})},
		"of the folder":      {Nodes: nodesOf(t, content, 0)},
	} {
		e := wanting(func(f *fake, file, folder uint64) {
			if w.ID, w.Verdict = file, 1; name == "of the folder" {
				w.ID = folder
			}
			f.say(&wire.Want{Wanted: []wire.Wanted{w}})
		})
		if !errors.Is(e.err, transfer.ErrProtocol) {
			t.Errorf("%s: %v", name, e.err)
		}
	}
	// It says that it has more than it does, and then what it has.
	e := wanting(func(f *fake, file, _ uint64) {
		f.say(&wire.Want{Wanted: []wire.Wanted{{ID: file, Verdict: 1, Nodes: nodesOf(t, make([]byte, size), 0, 1, 2)}}})
		for range 3 {
			f.reads()
		}
		f.say(&wire.Results{Results: []wire.Result{{ID: file, Outcome: uint8(backup.Added), Digest: digest[:]}}})
	})
	mustProtocol(t, e.err)
}

func blocksBelow(n int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// TestHostileResumedSender: a sender whose file is resumed repeats what is there,
// or lists the file twice.
func TestHostileResumedSender(t *testing.T) {
	const blocks = 24
	content := make([]byte, blocks*wire.BlockSize)
	for i := range content {
		content[i] = byte(i >> 8)
	}
	size := int64(len(content))
	block := func(f *fake, item uint64, i int64) {
		p := content[i*wire.BlockSize:][:wire.BlockSize]
		f.block(wire.BlockHeader{Item: item, Offset: uint64(i * wire.BlockSize), Hash: tree.Block(p, i, size)}, p)
	}
	entry := func() wire.Entry {
		e := file("Documents/a", uint64(size))
		e.Sec = 1_600_000_000
		return e
	}
	for name, script := range map[string]struct {
		say  func(f *fake, w wire.Wanted)
		want error
	}{
		"a block that is there": {func(f *fake, w wire.Wanted) { block(f, 1, 19) }, transfer.ErrProtocol},
		"the first block":       {func(f *fake, w wire.Wanted) { block(f, 1, 0) }, transfer.ErrProtocol},
		"the rest": {func(f *fake, w wire.Wanted) {
			for i := int64(20); i < blocks; i++ {
				block(f, 1, i)
			}
			if r := hear[*wire.Results](f).Results[0]; r.Outcome != uint8(backup.Added) {
				f.t.Errorf("%+v", r)
			}
			f.cancels()
		}, nil},
		"the file a second time": {func(f *fake, w wire.Wanted) {
			f.say(&wire.Items{First: 2, Entries: []wire.Entry{entry()}})
			if w := hear[*wire.Want](f).Wanted[0]; len(w.Nodes) != 0 {
				f.t.Errorf("%+v", w)
			}
			f.cancels()
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dst := fakephone.New(fakephone.Config{Empty: true})
			path := filepath.Join(t.TempDir(), "journal")
			tune := func(c *transfer.ReceiveConfig) {
				c.Agents = dst.Agents()
				c.Journal = func(identity.DeviceID) (*journal.Journal, error) { return journal.Open(path, "12D3KooWsame") }
			}
			receiving(t, tune, func(f *fake) {
				f.opens()
				f.say(&wire.Items{First: 1, Entries: []wire.Entry{entry()}})
				hear[*wire.Want](f)
				for i := range int64(20) {
					block(f, 1, i)
				}
				f.say(&wire.Items{First: 2, Entries: []wire.Entry{file("Documents/b", 0)}})
				hear[*wire.Want](f)
				f.block(wire.BlockHeader{Item: 2, Hash: tree.Block(nil, 0, 0)}, nil)
				hear[*wire.Results](f) // one lane: what came before it is in
				f.cancels()
			})
			e, _ := receiving(t, tune, func(f *fake) {
				f.opens()
				f.say(&wire.Items{First: 1, Entries: []wire.Entry{entry()}})
				w := hear[*wire.Want](f).Wanted[0]
				if !bytes.Equal(w.Nodes, nodesOf(f.t, content, slices.Collect(blocksBelow(20))...)) {
					f.t.Errorf("it wants %+v", w)
				}
				script.say(f, w)
				f.heardStop()
			})
			if script.want != nil && !errors.Is(e.err, script.want) {
				t.Error(e.err)
			} else if script.want == nil {
				mustStop(t, e.err, wire.StopCancelled, true)
			}
		})
	}
}
