package transfer_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
)

// standing is an agent whose disk stands still from the first commit on.
type standing struct {
	backup.Agent
	stood chan<- struct{}
	ctx   context.Context
}

func (a standing) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	return &standingRestore{folderRestore: r.(folderRestore), a: a}, err
}

// folderRestore is what the restores of a folder can do.
type folderRestore interface {
	backup.Restore
	backup.Checker
	backup.Resumer
	backup.TempRemover
}

type standingRestore struct {
	folderRestore
	a standing
}

func (r *standingRestore) Commit(context.Context, []backup.Staged) []backup.Result {
	select {
	case r.a.stood <- struct{}{}:
	default:
	}
	<-r.a.ctx.Done()
	return nil // nobody is left to hear
}

// TestKilledBeforeItIsSafe kills a receiver whose disk stood still when all of
// the files were there: of each only the last block comes again.
func TestKilledBeforeItIsSafe(t *testing.T) {
	const files = 40
	s := &scene{Rig: transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{
		Seed: 11, Contacts: -1, Documents: -1, Photos: files, Videos: -1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"photos": {Min: 3*wire.BlockSize + 5, Max: 5 * wire.BlockSize}},
	}, fakephone.Config{Empty: true}), t: t, dir: filepath.Join(t.TempDir(), "0")}
	dev, err := phone.OpenFolder(filepath.Join(s.dir, "phone"), phone.FolderOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stood := make(chan struct{}, 1)
	meter := new(transfer.Meter)
	s.TuneTake = func(c *transfer.ReceiveConfig) {
		c.Agents, c.Free, c.Meter = nil, dev.Free, meter
		for _, a := range dev.Agents() {
			if a.Info().Kind == "photos" {
				a = standing{a, stood, ctx}
			}
			c.Agents = append(c.Agents, a)
		}
		c.Journal = func(d identity.DeviceID) (*journal.Journal, error) {
			return journal.Open(filepath.Join(s.dir, "journal"), d)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.RunOver(t.Context(), ctx, transfertest.Pipe())
	}()
	<-stood
	seen := filepath.Join(filepath.Dir(s.dir), "seen")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for p := meter.Snapshot(); p.Bytes == 0 || p.DoneBytes < p.Bytes; p = meter.Snapshot() {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatal("it ended")
		}
	}
	if err := snapshot(seen, s.dir); err != nil { // what a killed process leaves
		t.Fatal(err)
	}
	cancel()
	<-ended
	s.dir = seen
	_, e := s.run(0)
	if p := mustAgree(t, e); !p.Complete() {
		t.Fatalf("%+v", p)
	}
	if most := uint64(files * wire.BlockSize); e.Sent.SentBytes > most {
		t.Errorf("%d bytes were sent again, want at most %d: a block a file", e.Sent.SentBytes, most)
	}
}
