package pairing

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// stream sends and receives messages until ctx ends. It is owned by the
// function that opened it, which calls release.
type stream struct {
	ctx     context.Context
	rw      io.ReadWriter
	release func()
}

// openStream lets the end of ctx end reads and writes on rw that block.
func openStream(ctx context.Context, rw io.ReadWriter) *stream {
	return &stream{ctx: ctx, rw: rw, release: after(ctx, func() { interrupt(rw) })}
}

// after runs f when ctx ends. The function it returns takes that back, or waits
// until f is done.
func after(ctx context.Context, f func()) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		f()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// interrupt ends what blocks on rw, if rw can do that.
func interrupt(rw io.ReadWriter) {
	if d, ok := rw.(interface{ SetDeadline(time.Time) error }); ok && d.SetDeadline(time.Unix(1, 0)) == nil {
		return
	}
	if c, ok := rw.(io.Closer); ok {
		c.Close() // the read or write that blocks reports what matters
	}
}

// send writes one message with a single Write.
func (s *stream) send(b []byte) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(b)), uint16(len(b)))
	_, err := s.rw.Write(append(frame, b...))
	return s.cause(err)
}

// receive reads one message and not a byte more.
func (s *stream) receive() ([]byte, error) {
	if s.ctx.Err() != nil {
		return nil, context.Cause(s.ctx)
	}
	b, err := readMessage(s.rw)
	return b, s.cause(err)
}

// cause says why a read or write failed: ctx, if it has ended.
func (s *stream) cause(err error) error {
	if err != nil && s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return err
}

func readMessage(r io.Reader) ([]byte, error) {
	var size [2]byte
	if err := readFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n == 0 || n > maxMessage {
		return nil, fmt.Errorf("%w: a message of %d bytes", ErrProtocol, n)
	}
	b := make([]byte, n)
	if err := readFull(r, b); err != nil {
		return nil, err
	}
	return b, nil
}

// readFull takes the stream's end for unexpected, wherever it is.
func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
