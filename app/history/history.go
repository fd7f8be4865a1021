// Package history lists the moves of earlier, from what a device keeps of them:
// the receipts, and the journals of what arrived.
//
// A list is made of the beginnings of the receipts alone, so that thousands open
// at once; [Read] checks one when it is looked at. What a beginning says is only
// good for a list: nobody has checked it.
//
// Its worst moment is a receipt that is damaged or was changed: it is listed as
// that, and never as a move.
package history

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/receipt"
	"golang.org/x/sync/errgroup"
)

// MaxRuns is the most receipts in a list. Of more, the oldest are only counted.
const MaxRuns = 50_000

// Direction is which way a move went.
type Direction uint8

// The directions.
const (
	Between  Direction = iota // between two other devices, or this one's key is gone
	Sent                      // this device was the old phone
	Received                  // this device was the new phone
)

// String returns the word that JSON uses.
func (d Direction) String() string {
	return [...]string{"between", "sent", "received"}[min(d, Received)]
}

// Entry is a receipt in a list.
type Entry struct {
	// Path is the receipt's file.
	Path string
	// Head is what the receipt says at its beginning, unchecked; zero where that
	// cannot be read.
	Head      receipt.Head
	Direction Direction
	// When the move finished, by the new phone's clock; of a damaged receipt, when
	// its file was written.
	When time.Time
	// Err is why its beginning cannot be read, or nil.
	Err error
}

// Device is another device, and what is kept about it.
type Device struct {
	ID identity.DeviceID
	// Name is how it showed itself last. Nothing proves it; empty = not known.
	Name string
	// Last is when the last move with it finished, or, without a receipt, when
	// something arrived from it last.
	Last time.Time
	// Runs are its moves, newest first.
	Runs []Entry
	// Journals count the places in which something arrived from it.
	Journals int
}

// List is what is kept, newest first. It is immutable.
type List struct {
	Devices []Device
	// Damaged are receipts whose devices cannot be read.
	Damaged []Entry
	// More counts older receipts that are not in the list.
	More int

	runs int
}

// Runs counts the receipts in the list that name their devices.
func (l *List) Runs() int { return l.runs }

// Open lists what is kept in a home. The error is the cause of ctx, or a
// *session.HomeError if the home cannot be read.
func Open(ctx context.Context, home string) (*List, error) {
	entries, more, err := heads(ctx, filepath.Join(home, "receipts"))
	if err != nil {
		return nil, wrap(ctx, err)
	}
	l := &List{More: more}
	self := self(home)
	devices := map[identity.DeviceID]*Device{}
	of := func(id identity.DeviceID) *Device {
		d := devices[id]
		if d == nil {
			d = &Device{ID: id}
			devices[id] = d
		}
		return d
	}
	for _, e := range entries { // newest first
		if e.Err != nil {
			l.Damaged = append(l.Damaged, e)
			continue
		}
		l.runs++
		sides := []receipt.Side{e.Head.Sender, e.Head.Receiver}
		switch self {
		case sides[0].Device:
			e.Direction, sides = Sent, sides[1:]
		case sides[1].Device:
			e.Direction, sides = Received, sides[:1]
		}
		for _, s := range sides {
			d := of(s.Device)
			if len(d.Runs) == 0 {
				d.Name, d.Last = s.Name, e.When
			}
			d.Runs = append(d.Runs, e)
		}
	}
	err = journals(home, func(id identity.DeviceID, n int, written time.Time) {
		d := of(id)
		d.Journals = n
		if len(d.Runs) == 0 {
			d.Last = written
		}
	})
	if err != nil {
		return nil, wrap(ctx, err)
	}
	for _, d := range devices {
		l.Devices = append(l.Devices, *d)
	}
	slices.SortFunc(l.Devices, func(a, b Device) int {
		if c := b.Last.Compare(a.Last); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return l, nil
}

func wrap(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &session.HomeError{Err: err}
}

// self is this device's ID, empty if it has no key that can be read.
func self(home string) identity.DeviceID {
	if _, err := os.Stat(filepath.Join(home, "identity.key")); err != nil { // Load would make one
		return ""
	}
	k, err := identity.Load(home)
	if err != nil {
		return ""
	}
	return k.ID()
}

// heads reads the beginnings of all receipts, newest first.
func heads(ctx context.Context, dir string) (out []Entry, more int, err error) {
	names, err := receipts(dir)
	if err != nil {
		return nil, 0, err
	}
	if more = len(names) - MaxRuns; more > 0 { // names begin with the date
		slices.Sort(names)
		names = names[more:]
	}
	same := intern{known: map[string]string{}}
	out = make([]Entry, len(names))
	g, ctx := errgroup.WithContext(ctx)
	const readers = 4
	for r := range readers {
		g.Go(func() error {
			for i := r; i < len(names); i += readers {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				out[i] = readHead(filepath.Join(dir, names[i]))
				same.side(&out[i].Head.Sender)
				same.side(&out[i].Head.Receiver)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	slices.SortFunc(out, func(a, b Entry) int {
		if c := b.When.Compare(a.When); c != 0 {
			return c
		}
		return strings.Compare(b.Path, a.Path)
	})
	return out, max(more, 0), nil
}

// receipts names the receipts in a folder, which may be missing.
func receipts(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".receipt") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func readHead(path string) Entry {
	e := Entry{Path: path}
	f, fi, err := openFile(path)
	if fi != nil {
		e.When = fi.ModTime()
	}
	if err != nil {
		e.Err = err
		return e
	}
	defer f.Close()
	h, err := receipt.ReadHead(f)
	if err == nil && (h.Sender.Device == "" || h.Receiver.Device == "") {
		err = receipt.ErrMalformed
	}
	if err != nil {
		e.Err = err
		return e
	}
	e.Head, e.When = h, h.Finished
	return e
}

// openFile opens a regular file; a pipe would not end.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fi, receipt.ErrMalformed
	}
	f, err := os.Open(path)
	return f, fi, err
}

// intern keeps one copy of texts that many receipts have.
type intern struct {
	mu    sync.Mutex
	known map[string]string // guarded by mu
}

func (n *intern) side(s *receipt.Side) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Device = identity.DeviceID(n.one(string(s.Device)))
	s.Name, s.Version = n.one(s.Name), n.one(s.Version)
}

func (n *intern) one(s string) string {
	if k, ok := n.known[s]; ok {
		return k
	}
	s = strings.Clone(s)
	n.known[s] = s
	return s
}

// journals calls f for each device of which journals are kept.
func journals(home string, f func(id identity.DeviceID, n int, written time.Time)) error {
	dir := filepath.Join(home, "journal")
	devices, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range devices {
		if !d.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, d.Name()))
		if err != nil {
			return err
		}
		n := 0
		var written time.Time
		for _, j := range files {
			if fi, err := j.Info(); err == nil && strings.HasSuffix(j.Name(), ".journal") {
				n++
				if t := fi.ModTime(); t.After(written) {
					written = t
				}
			}
		}
		f(identity.DeviceID(d.Name()), n, written)
	}
	return nil
}
