package transfer_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// opens counts what is opened for reading on the old phone.
type opens struct {
	backup.Agent
	n *atomic.Int64
}

func (o opens) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	b, err := o.Agent.Backup(ctx, t)
	return countingReads{b, o.n}, err
}

type countingReads struct {
	backup.Backup
	n *atomic.Int64
}

func (c countingReads) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	c.n.Add(1)
	return c.Backup.Open(ctx, it, off)
}

func countOpens(agents []backup.Agent, n *atomic.Int64) []backup.Agent {
	var all []backup.Agent
	for _, a := range agents {
		all = append(all, opens{a, n})
	}
	return all
}

// TestSecondRun opens no file on either phone: what is unchanged is known by size,
// time and journal. With Verify every file is opened on both.
func TestSecondRun(t *testing.T) {
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(2, 1<<20), fakephone.Config{Empty: true})
	dir := filepath.Join(t.TempDir(), "phone")
	dev, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	var opened atomic.Int64
	verify := false
	r.TuneSend = func(c *transfer.SendConfig) { c.Agents, c.Verify = countOpens(c.Agents, &opened), verify }
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents, c.Free = dev.Agents(), dev.Free }
	run := func() transfertest.Ended {
		opened.Store(0)
		e := r.Run(t.Context())
		if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
			t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
		}
		return e
	}
	run()
	var list []string
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasPrefix(p, filepath.Join(dir, "Contacts")) {
			list = append(list, p)
		}
		return err
	})
	if len(list) == 0 || opened.Load() < int64(len(list)) {
		t.Fatalf("%d files, %d opened", len(list), opened.Load())
	}
	// A read moves a file's access time past one that lies in the past.
	read := readTimes(t, list)
	if e := run(); opened.Load() != 0 || e.Sent.SentBytes != 0 {
		t.Errorf("%d files were opened on the old phone, %d bytes sent", opened.Load(), e.Sent.SentBytes)
	}
	if n := read(); n != 0 {
		t.Errorf("%d files were read on the new phone", n)
	}
	verify = true
	if e := run(); opened.Load() != int64(len(list)) || e.Sent.SentBytes != 0 {
		t.Errorf("verifying opened %d of %d files on the old phone and sent %d bytes", opened.Load(), len(list), e.Sent.SentBytes)
	}
	if p := r.SendMeter.Snapshot(); p.DoneBytes != p.Bytes || p.DoneItems != p.Items {
		t.Errorf("the meter says %+v", p)
	}
	if n := read(); n == 0 {
		t.Error("verifying read nothing on the new phone")
	}
}
