package pairing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// onlyClose hides a connection's deadlines.
type onlyClose struct{ io.ReadWriteCloser }

// stuck has deadlines that do not work, as some streams do.
type stuck struct{ onlyClose }

func (stuck) SetDeadline(time.Time) error { return errors.ErrUnsupported }

func TestContextEndsBlockedCalls(t *testing.T) {
	cause := errors.New("the user went back")
	for name, wrap := range map[string]func(net.Conn) io.ReadWriter{
		"deadline":        func(c net.Conn) io.ReadWriter { return c },
		"close":           func(c net.Conn) io.ReadWriter { return onlyClose{c} },
		"broken deadline": func(c net.Conn) io.ReadWriter { return stuck{onlyClose{c}} },
	} {
		for _, side := range []string{"initiate", "respond"} {
			t.Run(name+"/"+side, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := openDesk(t, 1)
					here, there := net.Pipe()
					defer here.Close()
					defer there.Close()
					ctx, cancel := context.WithCancelCause(context.Background())
					time.AfterFunc(time.Minute, func() { cancel(cause) })
					var err error
					if side == "initiate" { // its first write blocks
						_, err = Initiate(ctx, wrap(here), binding(), offer(t, d).Code)
					} else { // its first read blocks
						_, err = d.Respond(ctx, wrap(here), binding(), nil)
					}
					var e *Error
					if !errors.Is(err, cause) || !errors.As(err, &e) || e.Op != side || e.Remote {
						t.Errorf("%v, want the context's cause", err)
					}
				})
			})
		}
	}
}

func TestContextEndsTheWaitForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		o, changed, err := d.Offer()
		if err != nil {
			t.Fatal(err)
		}
		checked := false
		right := func() bool { checked = true; return false }
		d.turn <- struct{}{} // someone else's
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := d.try(ctx, o, changed, right); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for the turn: %v", err)
		}
		<-d.turn
		if checked {
			t.Error("a cancelled try was checked")
		}
		if len(d.turn) != 0 {
			t.Error("the turn was not given back")
		}
	})
}

func TestDoneContextSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d := openDesk(t, 1)
	var rw bytes.Buffer
	if _, err := Initiate(ctx, &rw, binding(), offer(t, d).Code); !errors.Is(err, context.Canceled) || rw.Len() != 0 {
		t.Errorf("Initiate: %v, %d bytes sent", err, rw.Len())
	}
	rw.WriteString("\x00\x01\x09")
	if _, err := d.Respond(ctx, &rw, binding(), nil); !errors.Is(err, context.Canceled) || rw.Len() != 3 {
		t.Errorf("Respond: %v, %d bytes unread", err, rw.Len())
	}
}
