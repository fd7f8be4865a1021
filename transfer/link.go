package transfer

import (
	"context"
	"io"
)

// Control is the session's control stream: ordered, reliable, both ways.
//
// Close ends it at once, wakes blocked reads and writes, and may lose what was
// written last. CloseWrite says that nothing more will be written and loses
// nothing.
type Control interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// LaneOpener opens lanes on the sender's side. Each lane is a one-way stream on
// a connection of its own, authenticated as the session's peer. Closing a lane
// with CloseWrite delivers what was written; Close drops it.
type LaneOpener interface {
	OpenLane(ctx context.Context) (LaneWriter, error)
}

// LaneWriter is the sender's end of a lane.
type LaneWriter interface {
	io.WriteCloser
	CloseWrite() error
}

// LaneAcceptor yields lanes on the receiver's side, from the session's peer
// only. Closing a lane wakes a blocked read.
type LaneAcceptor interface {
	AcceptLane(ctx context.Context) (io.ReadCloser, error)
}
