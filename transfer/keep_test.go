package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
				r.Plain = true
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
			r.Plain = true
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
				if disk.Onward { // a full disk would be waited for
					disk.Err = syscall.EIO
				}
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
	r.Plain = true
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
