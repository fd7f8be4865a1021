package transfer

import (
	"bufio"
	"context"
	"sync"
	"time"

	"github.com/ferry-move/ferry/transfer/squeeze"
	"github.com/ferry-move/ferry/transfer/wire"
	"golang.org/x/sync/errgroup"
)

// packed is a block as it goes over a lane.
type packed struct {
	*block
	out    []byte // what follows the header
	buf    *[squeeze.BufferSize]byte
	judged bool // a ticket was drawn for it
	ticket squeeze.Ticket
	took   time.Duration // what packing took
}

var packBufs = sync.Pool{New: func() any { return new([squeeze.BufferSize]byte) }}

func (p *packed) release() {
	p.block.release()
	if p.buf != nil {
		packBufs.Put(p.buf)
		p.buf = nil
	}
}

// runLane opens a lane and sends blocks until there are no more. The lane is
// closed with the session, when the receiver has surely read its end.
//
//	blocks ─> pack ─> write ─> lane
//
// Packing a block and writing the one before overlap.
func (s *sender) runLane(ctx context.Context) error {
	lane, err := s.cfg.Lanes.OpenLane(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.lanes = append(s.lanes, lane)
	s.mu.Unlock()
	g, gctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(gctx, func() {
		if ctx.Err() != nil { // not at the lane's own end
			lane.Close()
		}
	})()
	out := make(chan packed, 1)
	g.Go(func() error {
		defer close(out)
		return s.pack(gctx, out)
	})
	g.Go(func() error { return s.write(gctx, lane, out) })
	return g.Wait()
}

// pack squeezes blocks for one lane, whose other end remembers them.
func (s *sender) pack(ctx context.Context, out chan<- packed) error {
	var e squeeze.Encoder
	defer e.Close()
	for {
		var b *block
		select {
		case b = <-s.blocks:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if b == nil {
			return nil
		}
		p := packed{block: b, out: b.data}
		if b.worth && len(b.data) >= squeeze.MinBlock && !b.o.ended.Load() && b.o.squeeze.Try() {
			p.ticket, p.judged = s.judge.Next(), true
			if p.ticket.Squeeze {
				s.squeeze(&e, &p)
			}
		}
		if err := put(ctx, out, p); err != nil {
			p.release()
			return err
		}
	}
}

func (s *sender) squeeze(e *squeeze.Encoder, p *packed) {
	p.buf = packBufs.Get().(*[squeeze.BufferSize]byte)
	began := time.Now()
	small, ok := e.Append(p.buf[:0], p.data)
	p.took = time.Since(began)
	p.o.squeeze.Tried(ok)
	if ok {
		p.out = small
		p.head.Codec, p.head.Packed = wire.Squeezed, uint32(len(small))
	}
}

// write sends what is packed over a lane, to its end.
func (s *sender) write(ctx context.Context, lane LaneWriter, in <-chan packed) error {
	w := bufio.NewWriterSize(lane, 64<<10)
	if err := wire.WriteLaneHello(w, wire.LaneHello{Protocol: wire.Protocol, Token: [wire.TokenSize]byte(s.answer.Token)}); err != nil {
		return err
	}
	var head []byte
	for {
		var p packed
		var ok bool
		select {
		case p, ok = <-in:
		default: // nothing waits: what is buffered goes out
			if err := w.Flush(); err != nil {
				return err
			}
			select {
			case p, ok = <-in:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if !ok {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			return lane.CloseWrite()
		}
		n := len(p.data) // counted before the result can come
		s.mu.Lock()
		p.o.moved += int64(n)
		s.mu.Unlock()
		s.meter.moved(n)
		head = wire.AppendBlockHeader(head[:0], p.head)
		_, err := w.Write(head)
		if err == nil {
			_, err = w.Write(p.out)
		}
		if p.judged {
			s.judge.Sent(time.Since(s.started), p.ticket, squeeze.Sample{Raw: n, Wire: len(p.out), Encode: p.took})
		} else {
			s.judge.Other(n)
		}
		last, o := p.last, p.o
		p.release()
		if err != nil {
			return err
		}
		if last {
			s.mu.Lock()
			s.report.SentItems++
			s.report.SentBytes += uint64(o.it.Size)
			s.mu.Unlock()
		}
	}
}
