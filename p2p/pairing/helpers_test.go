package pairing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ferry-move/ferry/p2p/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seeded is a source of the same bytes in each run. Several goroutines may
// read it, in an order that is theirs.
type seeded struct {
	mu  sync.Mutex
	rng *rand.ChaCha8
}

func random(seed byte) io.Reader {
	return &seeded{rng: rand.NewChaCha8([32]byte{seed})}
}

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Read(p)
}

// device returns the ID of the key with this seed.
func device(seed byte) identity.DeviceID {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	id, err := deviceID(key.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	return id
}

var (
	oldPhone = device(1)
	newPhone = device(2)
	mallory  = device(3)
)

func binding() Binding {
	return Binding{Initiator: oldPhone, Responder: newPhone, Exporter: [32]byte(bytes.Repeat([]byte{0xe0}, 32))}
}

// openDesk makes the new phone's desk and closes it at the end of the test or
// bubble.
func openDesk(t testing.TB, seed byte) *Desk {
	t.Helper()
	d, err := newDesk(newPhone, random(seed))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func offer(t testing.TB, d *Desk) Offer {
	t.Helper()
	o, _, err := d.Offer()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// wrongCode is never the offer's code.
func wrongCode(o Offer) Code {
	b := []byte(o.Code.Digits())
	b[6] = '0' + (b[6]-'0'+1)%10
	return Code{hide(b)}
}

// tapped changes what is written, and cuts the stream after a write of which
// the hook returns less than it got.
type tapped struct {
	net.Conn
	hook func(b []byte) []byte // nil = none
}

func (c tapped) Write(b []byte) (int, error) {
	if c.hook == nil {
		return c.Conn.Write(b)
	}
	out := c.hook(bytes.Clone(b))
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	if len(out) < len(b) {
		c.Conn.Close()
		return len(out), io.ErrClosedPipe
	}
	return len(b), nil
}

// run is one pairing of which each part can be replaced.
type run struct {
	desk         *Desk
	pw           Password
	bi, br       Binding
	fromI, fromR func([]byte) []byte // hooks on what each side writes
	randI        io.Reader           // nil = seed 9
}

type outcome struct {
	i, r       Result
	errI, errR error
}

// meet lets both sides pair over a pipe.
func (r run) meet() (out outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ci, cr := net.Pipe()
	if r.randI == nil {
		r.randI = random(9)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cr.Close()
		out.r, out.errR = r.desk.Respond(ctx, tapped{cr, r.fromR}, r.br, nil)
	})
	out.i, out.errI = initiate(ctx, tapped{ci, r.fromI}, r.bi, r.pw, r.randI)
	ci.Close()
	wg.Wait()
	return out
}

// plain is a run in which nothing is wrong.
func plain(d *Desk, pw Password) run {
	return run{desk: d, pw: pw, bi: binding(), br: binding()}
}
