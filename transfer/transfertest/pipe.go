// Package transfertest holds the suite that a session must pass over every
// kind of link, and a link in memory to begin with.
package transfertest

import (
	"context"
	"io"
	"sync"

	"github.com/ferry-move/ferry/transfer"
)

// Ends are the two ends of a link for one session.
type Ends struct {
	SendControl, ReceiveControl transfer.Control
	Open                        transfer.LaneOpener
	Accept                      transfer.LaneAcceptor
}

// Pipe returns a link in memory. Each direction holds up to 64 KiB.
func Pipe() Ends {
	a, b := newHalf(), newHalf()
	ch := make(chan *half, 64)
	return Ends{
		SendControl: &duplex{in: a, out: b}, ReceiveControl: &duplex{in: b, out: a},
		Open: pipeOpener(ch), Accept: pipeAcceptor(ch),
	}
}

type pipeOpener chan *half

func (p pipeOpener) OpenLane(ctx context.Context) (transfer.LaneWriter, error) {
	h := newHalf()
	select {
	case p <- h:
		return laneWriter{h}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

type pipeAcceptor chan *half

func (p pipeAcceptor) AcceptLane(ctx context.Context) (io.ReadCloser, error) {
	select {
	case h := <-p:
		return laneReader{h}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

const pipeCap = 64 << 10

// half is one direction of a pipe: a bounded buffer.
type half struct {
	mu     sync.Mutex
	cond   sync.Cond
	buf    []byte // guarded by mu
	eof    bool   // guarded by mu: the writer is done
	broken bool   // guarded by mu: either end was closed
}

func newHalf() *half {
	h := &half{}
	h.cond.L = &h.mu
	return h
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		for len(h.buf) >= pipeCap && !h.broken && !h.eof {
			h.cond.Wait()
		}
		if h.broken || h.eof {
			return n, io.ErrClosedPipe
		}
		k := min(len(p), pipeCap-len(h.buf))
		h.buf = append(h.buf, p[:k]...)
		p, n = p[k:], n+k
		h.cond.Broadcast()
	}
	return n, nil
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 && !h.broken && !h.eof {
		h.cond.Wait()
	}
	switch {
	case h.broken:
		return 0, io.ErrClosedPipe
	case len(h.buf) == 0:
		return 0, io.EOF
	}
	n := copy(p, h.buf)
	h.buf = h.buf[n:]
	h.cond.Broadcast()
	return n, nil
}

func (h *half) end(breakIt bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.eof = true
	h.broken = h.broken || breakIt
	h.cond.Broadcast()
}

type duplex struct{ in, out *half }

func (d *duplex) Read(p []byte) (int, error)  { return d.in.read(p) }
func (d *duplex) Write(p []byte) (int, error) { return d.out.write(p) }
func (d *duplex) CloseWrite() error           { d.out.end(false); return nil }
func (d *duplex) Close() error                { d.out.end(true); d.in.end(true); return nil }

type laneWriter struct{ h *half }

func (l laneWriter) Write(p []byte) (int, error) { return l.h.write(p) }
func (l laneWriter) CloseWrite() error           { l.h.end(false); return nil }
func (l laneWriter) Close() error                { l.h.end(true); return nil }

type laneReader struct{ h *half }

func (l laneReader) Read(p []byte) (int, error) { return l.h.read(p) }
func (l laneReader) Close() error               { l.h.end(true); return nil }
