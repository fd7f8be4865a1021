package transfertest

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/ferry-move/ferry/transfer"
)

var errCut = errors.New("the link was cut")

// Cut returns a link that breaks for good, in both directions and on every
// stream, when limit bytes went over it.
func Cut(l Ends, limit int64) Ends {
	c := &cutter{}
	c.left.Store(limit)
	return Ends{
		SendControl: cutControl{l.SendControl, c}, ReceiveControl: cutControl{l.ReceiveControl, c},
		Open: cutOpener{l.Open, c}, Accept: cutAcceptor{l.Accept, c},
	}
}

type cutter struct{ left atomic.Int64 }

// spend takes what may still be written of p; less than all means a cut.
func (c *cutter) spend(n int) int {
	return int(max(0, min(int64(n), c.left.Add(-int64(n))+int64(n))))
}

func (c *cutter) write(w io.WriteCloser, p []byte) (int, error) {
	n := c.spend(len(p))
	n, err := w.Write(p[:n])
	if err == nil && n < len(p) {
		w.Close()
		err = errCut
	}
	return n, err
}

func (c *cutter) read(r io.ReadCloser, p []byte) (int, error) {
	n, err := r.Read(p)
	if c.left.Load() <= 0 && err == nil {
		r.Close()
		return 0, errCut
	}
	return n, err
}

type cutControl struct {
	transfer.Control
	c *cutter
}

func (c cutControl) Write(p []byte) (int, error) { return c.c.write(c.Control, p) }
func (c cutControl) Read(p []byte) (int, error)  { return c.c.read(c.Control, p) }

type cutOpener struct {
	transfer.LaneOpener
	c *cutter
}

func (o cutOpener) OpenLane(ctx context.Context) (transfer.LaneWriter, error) {
	l, err := o.LaneOpener.OpenLane(ctx)
	if err != nil {
		return nil, err
	}
	return cutWriter{l, o.c}, nil
}

type cutWriter struct {
	transfer.LaneWriter
	c *cutter
}

func (w cutWriter) Write(p []byte) (int, error) { return w.c.write(w.LaneWriter, p) }

type cutAcceptor struct {
	transfer.LaneAcceptor
	c *cutter
}

func (a cutAcceptor) AcceptLane(ctx context.Context) (io.ReadCloser, error) {
	l, err := a.LaneAcceptor.AcceptLane(ctx)
	if err != nil {
		return nil, err
	}
	return cutReader{l, a.c}, nil
}

type cutReader struct {
	io.ReadCloser
	c *cutter
}

func (r cutReader) Read(p []byte) (int, error) { return r.c.read(r.ReadCloser, p) }
