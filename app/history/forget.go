package history

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/p2p/identity"
)

// Kept counts what is kept: what would go if it were forgotten.
type Kept struct {
	Devices  int
	Journals int
	// Receipts name their devices; Damaged do not.
	Receipts, Damaged int
}

// Kept counts what is kept about one device, or, if id is empty, in all.
func (l *List) Kept(id identity.DeviceID) Kept {
	var k Kept
	for _, d := range l.Devices {
		if id == "" || d.ID == id {
			k.Devices++
			k.Journals += d.Journals
			k.Receipts += len(d.Runs)
		}
	}
	if id == "" {
		k.Receipts, k.Damaged = l.runs+l.More, len(l.Damaged)
	}
	return k
}

// Forget deletes what is kept about a device, or, if id is empty, about all: the
// journals, and the receipts only if receipts is set, then also those that were
// changed or, of all, damaged. Nothing brings back what was deleted. The errors
// are those of [session.Forget].
func Forget(ctx context.Context, home string, id identity.DeviceID, receipts bool) (session.Forgotten, error) {
	f, err := session.Forget(home, string(id), receipts)
	if !receipts || err != nil && !errors.Is(err, session.ErrUnknownDevice) {
		return f, err
	}
	n, rerr := removeReceipts(ctx, filepath.Join(home, "receipts"), id)
	f.Receipts += n
	if rerr != nil {
		return f, wrap(ctx, rerr)
	}
	if n > 0 { // a receipt that does not verify names a device that nothing else does
		err = nil
	}
	return f, err
}

// removeReceipts removes the receipts that name a device, or all, good or not.
func removeReceipts(ctx context.Context, dir string, id identity.DeviceID) (n int, err error) {
	names, err := receipts(dir)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		path := filepath.Join(dir, name)
		if id != "" && !readHead(path).names(id) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
		n++
	}
	return n, nil
}

// names reports whether a receipt says that it is of a device.
func (e Entry) names(id identity.DeviceID) bool {
	return e.Err == nil && (e.Head.Sender.Device == id || e.Head.Receiver.Device == id)
}
