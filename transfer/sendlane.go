package transfer

import (
	"bufio"
	"context"
	"errors"
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

// openError is why a lane could not be opened.
type openError struct{ error }

func (e openError) Unwrap() error { return e.error }

// wrapLate is wrapLane for a lane that the session can do without: that it
// cannot be opened is no error.
func wrapLate(ctx context.Context, err error) error {
	if errors.As(err, new(openError)) {
		return nil
	}
	return wrapLane(ctx, err, nil)
}

// runLane opens a lane and sends blocks until there are no more, or until it is
// told to end. The lane is closed with the session, when the receiver has surely
// read its end, or when that has closed it.
//
//	blocks ─> pack ─> write ─> lane
//
// Packing a block and writing the one before overlap.
func (s *sender) runLane(ctx context.Context, c *crew) error {
	lane, err := s.cfg.Lanes.OpenLane(c.over)
	if err != nil {
		c.opened(nil)
		if c.over.Err() != nil { // it is not needed any more
			return nil
		}
		return openError{err}
	}
	s.mu.Lock()
	s.lanes = append(s.lanes, lane)
	s.mu.Unlock()
	w := bufio.NewWriterSize(lane, 64<<10)
	err = wire.WriteLaneHello(w, wire.LaneHello{Protocol: wire.Protocol, Token: [wire.TokenSize]byte(s.answer.Token)})
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		c.opened(nil)
		return err
	}
	run := c.opened(lane)
	g, gctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(gctx, func() {
		if ctx.Err() != nil { // not at the lane's own end
			lane.Close()
		}
	})()
	out := make(chan packed, 1)
	g.Go(func() error {
		defer close(out)
		return s.pack(gctx, c, run, out)
	})
	g.Go(func() error { return s.write(gctx, lane, w, out) })
	if err := g.Wait(); err != nil {
		return err
	}
	if closed(run.leave) {
		c.drain(run)
		lane.Close()
	}
	return nil
}

// pack squeezes blocks for one lane, whose other end remembers them.
func (s *sender) pack(ctx context.Context, c *crew, run *laneRun, out chan<- packed) error {
	var e squeeze.Encoder
	defer e.Close()
	for {
		b, err := s.nextBlock(ctx, c, run)
		if b == nil {
			return err
		}
		p := packed{block: b, out: b.data}
		switch {
		case s.cfg.NoSqueeze || len(b.data) < squeeze.MinBlock:
		case squeeze.Zeros(b.data): // becomes next to nothing at once, whatever the item and the link
			s.squeeze(&e, &p)
		case b.worth && b.try():
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

// nextBlock takes a block; nil = there is none for this lane any more.
func (s *sender) nextBlock(ctx context.Context, c *crew, run *laneRun) (*block, error) {
	if closed(run.leave) {
		return nil, nil
	}
	select {
	case b := <-s.blocks:
		return b, nil
	default:
	}
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	select {
	case b := <-s.blocks:
		return b, nil
	case <-run.leave:
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *sender) squeeze(e *squeeze.Encoder, p *packed) {
	p.buf = packBufs.Get().(*[squeeze.BufferSize]byte)
	began := time.Now()
	small, ok := e.Append(p.buf[:0], p.data)
	p.took = time.Since(began)
	if p.o != nil {
		p.o.squeeze.Tried(ok)
	}
	if ok {
		p.out = small
		p.head.Codec, p.head.Packed = wire.Squeezed, uint32(len(small))
	}
}

// write sends what is packed over a lane, to its end.
func (s *sender) write(ctx context.Context, lane LaneWriter, w *bufio.Writer, in <-chan packed) error {
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
		if s.gate.shut() { // what is on its way shall land
			err := w.Flush()
			if err == nil {
				err = s.gate.pass(ctx, s.allDone)
			}
			if err != nil {
				p.release()
				return err
			}
		}
		n := len(p.data)
		content, items := s.leaves(p.block) // counted before the result can come
		head = p.appendHead(head[:0])
		s.meter.carried(len(head) + len(p.out))
		_, err := w.Write(head)
		s.throttle.charge(len(head))
		if err == nil {
			err = s.throttle.write(ctx, w, p.out)
		}
		if p.judged {
			s.judge.Sent(time.Since(s.started), p.ticket, squeeze.Sample{Raw: n, Wire: len(p.out), Encode: p.took})
		} else {
			s.judge.Other(n)
		}
		p.release()
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.report.SentBytes += uint64(content)
		s.report.SentItems += uint64(items)
		s.mu.Unlock()
	}
}
