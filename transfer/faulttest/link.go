// Package faulttest breaks links and disks at chosen moments: at the n-th
// byte, the n-th write, or the n-th call; and it sets clocks. What is drawn is
// drawn from a seed that the test logs.
package faulttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/ferry-move/ferry/transfer"
)

// ErrCut is what a broken link's calls return.
var ErrCut = errors.New("the link was cut")

// Link breaks a session's streams for good, all of them and in both
// directions, when so much went over them, or changes a bit. Its methods wrap the
// streams.
type Link struct {
	bytes, writes atomic.Int64 // that are left
	began, wrote  atomic.Int64 // writes and bytes that were begun

	flip int64 // the byte that is changed; below 0 = none
	mask byte
}

// CutAfterBytes returns a link that breaks within the write that reaches n
// bytes.
func CutAfterBytes(n int64) *Link { return newLink(n, 1<<62) }

// CutAfterWrites returns a link that breaks before write n+1: a frame is one
// write.
func CutAfterWrites(n int64) *Link { return newLink(1<<62, n) }

// FlipBit returns a link that never breaks and changes one bit of byte n, counted
// from 0 over all streams.
func FlipBit(n int64, bit uint) *Link {
	l := newLink(1<<62, 1<<62)
	l.flip, l.mask = n, 1<<bit
	return l
}

func newLink(bytes, writes int64) *Link {
	l := &Link{flip: -1}
	l.bytes.Store(bytes)
	l.writes.Store(writes)
	return l
}

// Control wraps one end of a control stream.
func (l *Link) Control(c transfer.Control) transfer.Control { return cutControl{c, l} }

// Opener wraps the sender's end of the lanes.
func (l *Link) Opener(o transfer.LaneOpener) transfer.LaneOpener { return cutOpener{o, l} }

// Acceptor wraps the receiver's end of the lanes.
func (l *Link) Acceptor(a transfer.LaneAcceptor) transfer.LaneAcceptor { return cutAcceptor{a, l} }

// Written is how much was to go over the link.
func (l *Link) Written() (bytes, writes int64) { return l.wrote.Load(), l.began.Load() }

// Broken reports whether the link is cut.
func (l *Link) Broken() bool { return l.bytes.Load() <= 0 || l.writes.Load() < 0 }

// spend takes what may still be written of n bytes; less than all means a cut.
func (l *Link) spend(n int) int {
	if l.writes.Add(-1) < 0 {
		return 0
	}
	return int(max(0, min(int64(n), l.bytes.Add(-int64(n))+int64(n))))
}

func (l *Link) write(w io.WriteCloser, p []byte) (int, error) {
	l.began.Add(1)
	if at := l.flip - l.wrote.Add(int64(len(p))) + int64(len(p)); l.flip >= 0 && at >= 0 && at < int64(len(p)) {
		p = bytes.Clone(p)
		p[at] ^= l.mask
	}
	n, err := w.Write(p[:l.spend(len(p))])
	if err == nil && n < len(p) {
		w.Close()
		err = ErrCut
	}
	return n, err
}

func (l *Link) read(r io.ReadCloser, p []byte) (int, error) {
	n, err := r.Read(p)
	if err == nil && l.Broken() {
		r.Close()
		return 0, ErrCut
	}
	return n, err
}

type cutControl struct {
	transfer.Control
	l *Link
}

func (c cutControl) Write(p []byte) (int, error) { return c.l.write(c.Control, p) }
func (c cutControl) Read(p []byte) (int, error)  { return c.l.read(c.Control, p) }

type cutOpener struct {
	transfer.LaneOpener
	l *Link
}

func (o cutOpener) OpenLane(ctx context.Context) (transfer.LaneWriter, error) {
	w, err := o.LaneOpener.OpenLane(ctx)
	if err != nil {
		return nil, err
	}
	return cutWriter{w, o.l}, nil
}

type cutWriter struct {
	transfer.LaneWriter
	l *Link
}

func (w cutWriter) Write(p []byte) (int, error) { return w.l.write(w.LaneWriter, p) }

type cutAcceptor struct {
	transfer.LaneAcceptor
	l *Link
}

func (a cutAcceptor) AcceptLane(ctx context.Context) (io.ReadCloser, error) {
	r, err := a.LaneAcceptor.AcceptLane(ctx)
	if err != nil {
		return nil, err
	}
	return cutReader{r, a.l}, nil
}

type cutReader struct {
	io.ReadCloser
	l *Link
}

func (r cutReader) Read(p []byte) (int, error) { return r.l.read(r.ReadCloser, p) }
