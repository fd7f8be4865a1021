package session

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
)

// left is a link that the test ends.
type left struct {
	ended chan struct{}
	left  bool
}

func (l *left) Done() <-chan struct{} { return l.ended }
func (l *left) Left() bool            { return l.left }

// A device that pairs and then goes away leaves the new phone with a code that
// nobody sees. It is shown at once when that device closes its link, and after a
// while when its link breaks, or it does nothing.
func TestPairedAndGone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration // its link ends; 0 = never
		left  bool
		want  time.Duration
	}{
		{"it stays", 0, false, pairedFor},
		{"it leaves", 2 * time.Second, true, 2 * time.Second},
		{"its link breaks", 2 * time.Second, false, pairedFor},
	} {
		if got := shownAfter(t, tt.after, tt.left); got != tt.want {
			t.Errorf("%s: the new code is shown after %v", tt.name, got)
		}
	}
}

// shownAfter pairs, ends the link some time after that, and returns when the next
// code is shown.
func shownAfter(t *testing.T, after time.Duration, leaves bool) (shown time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		mine, err := identity.New()
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := identity.New()
		if err != nil {
			t.Fatal(err)
		}
		desk, err := pairing.NewDesk(mine.ID())
		if err != nil {
			t.Fatal(err)
		}
		defer desk.Close()
		offer, changed, err := desk.Offer()
		if err != nil {
			t.Fatal(err)
		}
		r := &receiving{desk: desk, visits: make(chan visit), proved: make(chan leaver, 1)}
		waited := make(chan error)
		began := time.Now()
		go func() { waited <- r.wait(t.Context(), changed) }()

		b := pairing.Binding{Initiator: theirs.ID(), Responder: mine.ID(), Exporter: [32]byte{1}}
		here, there := net.Pipe()
		paired := make(chan error)
		go func() {
			_, err := desk.Respond(t.Context(), here, b, nil)
			paired <- err
		}()
		if _, err := pairing.Initiate(t.Context(), there, b, offer.Code); err != nil {
			t.Fatal(err)
		}
		if err := <-paired; err != nil {
			t.Fatal(err)
		}
		link := &left{ended: make(chan struct{}), left: leaves}
		r.watchFor(&left{}) // of a device that paired before
		r.watchFor(link)
		if after > 0 {
			time.Sleep(after) // of virtual time
			close(link.ended)
		}
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		shown = time.Since(began)
	})
	return shown
}
