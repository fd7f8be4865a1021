package transfer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
)

// lateCommit is a kind whose Commit takes its time.
type lateCommit struct {
	backup.Agent
	by time.Duration
}

func (s lateCommit) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := s.Agent.Restore(ctx, t)
	if s.Info().Kind != "documents" {
		return r, err
	}
	return lateCommits{r, s.by}, err
}

type lateCommits struct {
	backup.Restore
	by time.Duration
}

func (s lateCommits) Commit(ctx context.Context, b []backup.Staged) []backup.Result {
	time.Sleep(s.by)
	return s.Restore.Commit(ctx, b)
}

// TestWaitsForADisk: both devices say which of the two storages they wait for, and
// what came and is not safe is told from what is.
func TestWaitsForADisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPauseRig(t)
		tune := r.TuneTake
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			tune(c)
			for i, a := range c.Agents {
				c.Agents[i] = lateCommit{a, time.Hour}
			}
		}
		ended := r.begin(t.Context())
		time.Sleep(30 * time.Minute) // all has come; the first batch is being committed
		mustWait(t, "sender", r.sendMeter, transfer.WaitDiskThere)
		mustWait(t, "receiver", r.takeMeter, transfer.WaitDisk)
		for side, m := range map[string]*transfer.Meter{"sender": r.sendMeter, "receiver": r.takeMeter} {
			s := m.Snapshot()
			if s.DoneBytes != s.Bytes || s.PendingBytes != s.Bytes || s.SafeBytes != 0 || s.LinkBytes <= s.SentBytes {
				t.Errorf("%s: %+v", side, s)
			}
		}
		mustMoveAll(t, ended())
		for side, m := range map[string]*transfer.Meter{"sender": r.sendMeter, "receiver": r.takeMeter} {
			s := m.Snapshot()
			if s.SafeBytes != s.Bytes || s.PendingBytes != 0 || s.Waiting != transfer.WaitNothing {
				t.Errorf("%s at the end: %+v", side, s)
			}
		}
		if a, b := r.sendMeter.Snapshot().LinkBytes, r.takeMeter.Snapshot().LinkBytes; a != b {
			t.Errorf("%d bytes left, %d came", a, b)
		}
	})
}

// TestWaitsForALink: a device that is not heard is named before the link counts as
// lost, and so is a link that lets nothing through but pings.
func TestWaitsForALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meter := new(transfer.Meter)
		sending(t, func(c *transfer.SendConfig) { c.Meter = meter }, func(f *fake) {
			f.answers()
			f.listed()
			time.Sleep(1500 * time.Millisecond)
			mustWait(t, "sender", meter, transfer.WaitNothing)
			time.Sleep(2 * time.Second)
			if s := meter.Snapshot(); s.Waiting != transfer.WaitLink || s.Silent < 3*time.Second {
				t.Errorf("it waits for %q, silent for %v", s.Waiting, s.Silent)
			}
		})
	})
	synctest.Test(t, func(t *testing.T) {
		meter := new(transfer.Meter)
		sending(t, func(c *transfer.SendConfig) { c.Meter = meter }, func(f *fake) {
			f.pinging()
			f.answers()
			f.listed()
			time.Sleep(time.Minute)
			mustWait(t, "sender", meter, transfer.WaitLink)
			f.say(&wire.Waits{For: wire.WaitDisk})
			time.Sleep(time.Second)
			mustWait(t, "sender", meter, transfer.WaitDiskThere)
			f.cancels()
		})
	})
}

// TestWaitsForAPerson: while the new phone asks, that is what both wait for, and a
// pause changes nothing about it.
func TestWaitsForAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPauseRig(t)
		tune := r.TuneTake
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			tune(c)
			c.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
				time.Sleep(time.Hour)
				return transfer.Decision{Accept: true}, nil
			}
		}
		r.send.Pause()
		ended := r.begin(t.Context())
		time.Sleep(30 * time.Minute)
		mustWait(t, "sender", r.sendMeter, transfer.WaitPerson)
		mustWait(t, "receiver", r.takeMeter, transfer.WaitPerson)
		time.Sleep(time.Hour)
		mustWait(t, "sender", r.sendMeter, transfer.WaitPause)
		mustWait(t, "receiver", r.takeMeter, transfer.WaitPauseThere)
		r.send.Resume()
		mustMoveAll(t, ended())
	})
}
