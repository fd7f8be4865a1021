package transfer_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// pauseRig is two devices and a Pauser for each, with a few files of some blocks
// that are read slowly enough for a pause to find them half way.
type pauseRig struct {
	*transfertest.Rig
	send, take           transfer.Pauser
	sendMeter, takeMeter *transfer.Meter
}

// unhurried is a kind whose content is read a block a second.
type unhurried struct{ backup.Agent }

func (u unhurried) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	b, err := u.Agent.Backup(ctx, t)
	return unhurriedBackup{b}, err
}

type unhurriedBackup struct{ backup.Backup }

func (u unhurriedBackup) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	r, err := u.Backup.Open(ctx, it, off)
	return unhurriedReader{r}, err
}

type unhurriedReader struct{ io.ReadCloser }

func (u unhurriedReader) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	time.Sleep(time.Second * time.Duration(n) / wire.BlockSize)
	return n, err
}

const pauseBlocks = 12 // of each of the three files

func newPauseRig(t *testing.T) *pauseRig {
	size := fakephone.Range{Min: pauseBlocks * wire.BlockSize, Max: pauseBlocks * wire.BlockSize}
	r := &pauseRig{Rig: transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{
		Seed: 5, Documents: 3, Contacts: -1, Photos: -1, Videos: -1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"documents": size},
	}, fakephone.Config{Empty: true})}
	r.TuneSend = func(c *transfer.SendConfig) {
		c.Pauser, c.Meter, c.NoSqueeze = &r.send, r.sendMeter, true
		for i, a := range c.Agents {
			c.Agents[i] = unhurried{a}
		}
	}
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Pauser, c.Meter = &r.take, r.takeMeter }
	return r
}

// begin starts a session and returns what waits for its end.
func (r *pauseRig) begin(ctx context.Context) func() transfertest.Ended {
	r.sendMeter, r.takeMeter = new(transfer.Meter), new(transfer.Meter)
	done := make(chan transfertest.Ended, 1)
	go func() { done <- r.Run(ctx) }()
	return func() transfertest.Ended { return <-done }
}

func mustWait(t *testing.T, side string, m *transfer.Meter, want transfer.Wait) {
	t.Helper()
	if got := m.Snapshot(); got.Waiting != want || got.Silent != 0 {
		t.Errorf("the %s waits for %q (silent for %v), want %q", side, got.Waiting, got.Silent, want)
	}
}

func mustMoveAll(t *testing.T, e transfertest.Ended) {
	t.Helper()
	if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() || !e.Taken.Complete() {
		t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
	}
}

// TestPause: either person holds items back for as long as they like, both
// devices say who, and it goes on when both have let go.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPauseRig(t)
		ended := r.begin(t.Context())
		time.Sleep(4500 * time.Millisecond)
		waits := func(send, take transfer.Wait) {
			t.Helper()
			time.Sleep(time.Second) // what is on its way lands
			mustWait(t, "sender", r.sendMeter, send)
			mustWait(t, "receiver", r.takeMeter, take)
		}
		waits(transfer.WaitNothing, transfer.WaitNothing)
		r.take.Pause()
		waits(transfer.WaitPauseThere, transfer.WaitPause)
		before := r.takeMeter.Snapshot()
		if before.SentBytes == 0 || before.DoneBytes >= before.Bytes {
			t.Fatalf("it is not half way: %+v", before)
		}
		time.Sleep(3 * time.Hour)
		waits(transfer.WaitPauseThere, transfer.WaitPause)
		r.send.Pause()
		waits(transfer.WaitPauseBoth, transfer.WaitPauseBoth)
		r.take.Resume()
		waits(transfer.WaitPause, transfer.WaitPauseThere)
		time.Sleep(3 * time.Hour)
		if after := r.takeMeter.Snapshot(); after.SentBytes != before.SentBytes || after.DoneItems != before.DoneItems {
			t.Errorf("%d bytes moved while it was paused", after.SentBytes-before.SentBytes)
		}
		if r.send.Toggle() || r.send.Paused() {
			t.Error("it is still paused")
		}
		waits(transfer.WaitNothing, transfer.WaitNothing)
		mustMoveAll(t, ended())
	})
}

// TestPauseAtTheEdges: a pause before items move makes them wait; one when all
// are there holds nothing up.
func TestPauseAtTheEdges(t *testing.T) {
	for name, side := range map[string]func(*pauseRig) *transfer.Pauser{
		"sender":   func(r *pauseRig) *transfer.Pauser { return &r.send },
		"receiver": func(r *pauseRig) *transfer.Pauser { return &r.take },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newPauseRig(t)
				p := side(r)
				p.Pause()
				ended := r.begin(t.Context())
				time.Sleep(time.Hour)
				if s := r.takeMeter.Snapshot(); s.Phase != transfer.PhaseMove || s.SentBytes != 0 {
					t.Errorf("%d bytes moved in phase %v", s.SentBytes, s.Phase)
				}
				p.Resume()
				mustMoveAll(t, ended())

				p.Pause() // also of what is there already
				ended = r.begin(t.Context())
				time.Sleep(time.Hour)
				if s := r.takeMeter.Snapshot(); s.DoneItems != 0 {
					t.Errorf("%d items ended", s.DoneItems)
				}
				p.Resume()
				mustMoveAll(t, ended())
			})
			synctest.Test(t, func(t *testing.T) {
				r := newPauseRig(t)
				tune := r.TuneTake
				r.TuneTake = func(c *transfer.ReceiveConfig) {
					tune(c)
					for i, a := range c.Agents {
						c.Agents[i] = lateFinish{a, time.Hour}
					}
				}
				ended := r.begin(t.Context())
				time.Sleep(30 * time.Minute)
				if s := r.sendMeter.Snapshot(); s.Phase != transfer.PhaseFinish || s.Waiting != transfer.WaitDiskThere {
					t.Errorf("phase %v, it waits for %q", s.Phase, s.Waiting)
				}
				mustWait(t, "receiver", r.takeMeter, transfer.WaitDisk)
				side(r).Pause()
				mustMoveAll(t, ended())
				if s := r.takeMeter.Snapshot(); s.DoneSteps != s.Steps || s.Steps < 4 {
					t.Errorf("%d of %d steps", s.DoneSteps, s.Steps)
				}
			})
		})
	}
}

// lateFinish is a kind whose Finish takes its time.
type lateFinish struct {
	backup.Agent
	by time.Duration
}

func (l lateFinish) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := l.Agent.Restore(ctx, t)
	if l.Info().Kind != "documents" {
		return r, err
	}
	return lateRestore{r, l.by}, err
}

type lateRestore struct {
	backup.Restore
	by time.Duration
}

func (l lateRestore) Finish(ctx context.Context) error {
	select {
	case <-time.After(l.by):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestPauseThenCut: what had landed when the link broke in a pause is not sent
// again, and the pause holds for the next session.
func TestPauseThenCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPauseRig(t)
		ctx, cut := context.WithCancel(t.Context())
		ended := r.begin(ctx)
		time.Sleep(7500 * time.Millisecond)
		r.send.Pause()
		time.Sleep(time.Minute)
		first := r.takeMeter.Snapshot().SentBytes
		cut()
		if e := ended(); !errors.Is(e.SendErr, context.Canceled) || first == 0 {
			t.Fatalf("%d bytes; send: %v", first, e.SendErr)
		}
		ended = r.begin(t.Context())
		time.Sleep(time.Hour)
		if s := r.takeMeter.Snapshot(); s.SentBytes != 0 {
			t.Errorf("%d bytes moved", s.SentBytes)
		}
		mustWait(t, "receiver", r.takeMeter, transfer.WaitPauseThere)
		r.send.Resume()
		e := ended()
		mustMoveAll(t, e)
		if all := uint64(3 * pauseBlocks * wire.BlockSize); e.Taken.SentBytes+first > all+3*wire.BlockSize {
			t.Errorf("%d bytes came, then %d of %d", first, e.Taken.SentBytes, all)
		}
	})
}

// TestPauseAskedOfAnOldSender: a sender that does not know the frame hears nothing
// of a pause; its lanes just take no more.
func TestPauseAskedOfAnOldSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p transfer.Pauser
		meter := new(transfer.Meter)
		tune := func(c *transfer.ReceiveConfig) { c.Pauser, c.Meter = &p, meter }
		e, _ := receiving(t, tune, func(f *fake) {
			f.pinging()
			f.opens()
			p.Pause()
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 4*wire.BlockSize)}})
			hear[*wire.Want](f)
			var writing sync.WaitGroup
			writing.Go(func() {
				p := make([]byte, wire.BlockSize)
				for i := range int64(4) {
					f.block(wire.BlockHeader{Item: 1, Offset: uint64(i) * wire.BlockSize, Hash: tree.Block(p, i, 4*wire.BlockSize)}, p)
				}
			})
			time.Sleep(time.Hour)
			if s := meter.Snapshot(); s.SentBytes > wire.BlockSize || s.Waiting != transfer.WaitPause {
				t.Errorf("%d bytes came; it waits for %q", s.SentBytes, s.Waiting)
			}
			p.Resume()
			if r := hear[*wire.Results](f).Results; len(r) != 1 || r[0].Outcome != uint8(backup.Added) {
				t.Errorf("results %+v", r)
			}
			f.lane.Close()
			writing.Wait()
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
	})
}

// TestPauseKeeps: what landed before a pause is safe from a kill in it, however
// little it is.
func TestPauseKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const blocks = 20
		path, then := filepath.Join(t.TempDir(), "journal"), t.TempDir()
		e, _ := receiving(t, func(c *transfer.ReceiveConfig) {
			c.Journal = func(d identity.DeviceID) (*journal.Journal, error) { return journal.Open(path, d) }
		}, func(f *fake) {
			f.pinging()
			f.opens()
			it := file("Documents/a", blocks*wire.BlockSize)
			it.Sec = 1000
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{it}})
			hear[*wire.Want](f)
			p := make([]byte, wire.BlockSize)
			for i := range int64(6) {
				f.block(wire.BlockHeader{Item: 1, Offset: uint64(i) * wire.BlockSize, Hash: tree.Block(p, i, blocks*wire.BlockSize)}, p)
			}
			f.say(&wire.Waits{For: wire.WaitPause})
			time.Sleep(time.Minute)
			if err := os.CopyFS(then, os.DirFS(filepath.Dir(path))); err != nil { // as a kill would leave it
				t.Error(err)
			}
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
		j, err := journal.Open(filepath.Join(then, "journal"), e.report.Peer.Device)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		if k := j.AllKept(); len(k) != 1 || k[0].Left.Length != 6*wire.BlockSize {
			t.Errorf("kept: %+v", k)
		}
	})
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestPauseFlood: a peer that pauses and goes on a million times costs no memory,
// and the last word counts.
func TestPauseFlood(t *testing.T) {
	meter := new(transfer.Meter)
	e := sending(t, func(c *transfer.SendConfig) { c.Meter = meter }, func(f *fake) {
		f.answers()
		all := f.listed()
		on, err := wire.Append(nil, &wire.Waits{For: wire.WaitPause | 1<<31})
		if err != nil {
			t.Fatal(err)
		}
		off, err := wire.Append(nil, &wire.Waits{})
		if err != nil {
			t.Fatal(err)
		}
		var flood []byte
		for range 500 {
			flood = append(append(flood, on...), off...)
		}
		before := heap()
		for range 1000 {
			f.c.Write(flood)
		}
		if grown := heap() - before; grown > 4<<20 {
			t.Errorf("%d bytes are held for it", grown)
		}
		f.takes(all) // as if nothing had been
		f.cancels()
	})
	mustStop(t, e.err, wire.StopCancelled, true)
}
