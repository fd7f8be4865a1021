package session

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
)

// A device that pairs and then goes away leaves the new phone with a code that
// nobody sees; after a while it is shown.
func TestPairedAndGone(t *testing.T) {
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
		r := &receiving{desk: desk, visits: make(chan visit)}
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
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d != pairedFor {
			t.Errorf("the new code is shown after %v", d)
		}
	})
}
