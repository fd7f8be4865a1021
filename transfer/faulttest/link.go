// Package faulttest breaks links and disks at chosen moments: at the n-th
// byte, the n-th write, or the n-th call. What is drawn is drawn from a seed
// that the test logs.
package faulttest

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/ferry-move/ferry/transfer"
)

// ErrCut is what a broken link's calls return.
var ErrCut = errors.New("the link was cut")

// Link breaks a session's streams for good, all of them and in both
// directions, when so much went over them. Its methods wrap the streams.
type Link struct{ bytes, writes atomic.Int64 }

// CutAfterBytes returns a link that breaks within the write that reaches n
// bytes.
func CutAfterBytes(n int64) *Link { return newLink(n, 1<<62) }

// CutAfterWrites returns a link that breaks before write n+1: a frame is one
// write.
func CutAfterWrites(n int64) *Link { return newLink(1<<62, n) }

func newLink(bytes, writes int64) *Link {
	l := new(Link)
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
