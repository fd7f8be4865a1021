package session

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// newPhone is a Receive under way.
type newPhone struct {
	opt   ReceiveOptions
	ready chan Ready
	codes chan Code
	other chan Event // all others, as long as there is room
	done  chan error
	stop  context.CancelCauseFunc
}

var errStop = errors.New("the test is over")

func yes(context.Context, transfer.Offer) (transfer.Decision, error) {
	return transfer.Decision{Accept: true}, nil
}

func startNewPhone(t *testing.T, change func(*ReceiveOptions)) *newPhone {
	t.Helper()
	phone, err := OpenFolder(filepath.Join(t.TempDir(), "new"), true)
	if err != nil {
		t.Fatal(err)
	}
	n := &newPhone{
		opt:   ReceiveOptions{Home: t.TempDir(), Phone: phone, Place: "new", Name: "New", Loopback: true, Accept: yes},
		ready: make(chan Ready, 1), codes: make(chan Code, 16), other: make(chan Event, 64), done: make(chan error, 1),
	}
	n.opt.Events = func(ev Event) {
		switch ev := ev.(type) {
		case Ready:
			n.ready <- ev
		case Code:
			n.codes <- ev
		default:
			select {
			case n.other <- ev:
			default:
			}
		}
	}
	if change != nil {
		change(&n.opt)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	n.stop = stop
	go func() { n.done <- Receive(ctx, n.opt) }()
	t.Cleanup(func() {
		stop(errStop)
		err := <-n.done
		n.done <- err
		phone.Close()
	})
	return n
}

// oldPhone are the options of a Send to n, which has waited for it to be ready.
func (n *newPhone) oldPhone(t *testing.T, code pairing.Password) SendOptions {
	t.Helper()
	r := hear(t, n.ready)
	n.ready <- r
	return SendOptions{
		Home: t.TempDir(), Phone: fakephone.New(fakephone.Config{Seed: 1}), Name: "Old", At: r.Addrs[:1], Loopback: true,
		Password: func(context.Context, *pairing.WrongCodeError) (pairing.Password, error) { return code, nil },
	}
}

// event waits for an event of a type.
func event[E Event](t *testing.T, n *newPhone) E {
	t.Helper()
	for {
		if ev, ok := hear(t, n.other).(E); ok {
			return ev
		}
	}
}

// hear takes from a channel what must come, in a time that no machine is too
// slow for.
func hear[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(4 * time.Minute):
		t.Fatal("nothing came for four minutes")
		panic("not reached")
	}
}

func TestMove(t *testing.T) {
	n := startNewPhone(t, nil)
	code := hear(t, n.codes)
	opt := n.oldPhone(t, code.Code)
	var told []string
	opt.Events = func(ev Event) {
		switch ev := ev.(type) {
		case Planned:
			told = append(told, "planned")
		case Paired:
			told = append(told, "paired")
		case Accepted:
			told = append(told, "accepted by "+ev.Peer.Name)
		case Done:
			told = append(told, "done")
			if fi, err := os.Stat(ev.ReceiptPath); err != nil || fi.Mode().Perm()&0o077 != 0 {
				t.Errorf("the receipt: %v, %v", fi, err)
			}
		}
	}
	rep, err := Send(t.Context(), opt)
	if err != nil || !rep.Complete() {
		t.Fatalf("%+v, %v", rep, err)
	}
	if want := []string{"planned", "paired", "accepted by New", "done"}; !slices.Equal(told, want) {
		t.Errorf("%q; want %q", told, want)
	}
	if o := event[Offered](t, n).Offer; o.Peer.Name != "Old" || o.Missing() != 0 || len(o.Kinds) != len(rep.Kinds) {
		t.Errorf("offered %+v", o)
	}
	d := event[Done](t, n)
	if d.Err != nil || string(d.Report.Receipt) != string(rep.Receipt) {
		t.Errorf("the two receipts differ: %v", d.Err)
	}
	// It goes on with another code; the first is void.
	again := hear(t, n.codes)
	if again.Code.Equal(code.Code) || again.Why != pairing.Paired {
		t.Errorf("the next code comes for the reason %q", again.Why)
	}
	if len(n.codes) > 0 {
		t.Error("there are more codes than were needed")
	}
	n.stop(errStop)
	if err := hear(t, n.done); !errors.Is(err, errStop) {
		t.Errorf("it ended with %v", err)
	} else {
		n.done <- err
	}
}

// Whoever comes during a move is told that it is busy, and the move goes on.
func TestBusy(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	n := startNewPhone(t, func(o *ReceiveOptions) {
		o.Once = true
		o.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
			close(asked)
			<-answer
			return transfer.Decision{Accept: true}, nil
		}
	})
	code := hear(t, n.codes)
	opt := n.oldPhone(t, code.Code)
	first := make(chan error, 1)
	go func() {
		_, err := Send(t.Context(), opt)
		first <- err
	}()
	select {
	case <-asked:
	case err := <-first:
		t.Fatalf("nobody was asked: %v", err)
	}
	if _, err := Send(t.Context(), n.oldPhone(t, code.Code)); !errors.Is(err, pairing.ErrRefused) {
		t.Errorf("the second device: %v", err)
	}
	close(answer)
	if err := hear(t, first); err != nil {
		t.Errorf("the first device: %v", err)
	}
}

// What there is no space for is refused before anybody is asked.
func TestNoSpace(t *testing.T) {
	n := startNewPhone(t, func(o *ReceiveOptions) {
		o.Once = true
		o.Phone = tiny{o.Phone}
		o.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
			t.Error("the person was asked")
			return transfer.Decision{}, nil
		}
	})
	code := hear(t, n.codes)
	_, err := Send(t.Context(), n.oldPhone(t, code.Code))
	var stop *transfer.StopError
	if !errors.As(err, &stop) || stop.Kind != wire.StopNoSpace || !stop.Remote {
		t.Errorf("the old phone: %v", err)
	}
	if o := event[Offered](t, n).Offer; o.Missing() <= 0 {
		t.Errorf("missing: %d bytes", o.Missing())
	}
	err = hear(t, n.done)
	n.done <- err
	if !errors.As(err, &stop) || stop.Kind != wire.StopNoSpace || stop.Remote {
		t.Errorf("the new phone: %v", err)
	}
}

// tiny is a phone with hardly any space.
type tiny struct{ mobile.Device }

func (tiny) Free() (int64, error) { return 1000, nil }

// A wrong code is counted on both sides, and the next one is asked for with
// what the last met with.
func TestWrongCode(t *testing.T) {
	n := startNewPhone(t, nil)
	code := hear(t, n.codes)
	opt := n.oldPhone(t, nil)
	bad, err := pairing.ParseCode("0000000")
	if err == nil && bad.Equal(code.Code) {
		bad, err = pairing.ParseCode("0000001")
	}
	if err != nil {
		t.Fatal(err)
	}
	var left []int
	opt.Password = func(_ context.Context, wrong *pairing.WrongCodeError) (pairing.Password, error) {
		if wrong == nil {
			return bad, nil
		}
		left = append(left, wrong.TriesLeft)
		return code.Code, nil
	}
	if _, err := Send(t.Context(), opt); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(left, []int{2}) || event[WrongCode](t, n).TriesLeft != 2 {
		t.Errorf("tries left: %v", left)
	}
}

// A code that was given up ends the run, and nothing was sent.
func TestPasswordFails(t *testing.T) {
	n := startNewPhone(t, nil)
	hear(t, n.codes)
	opt := n.oldPhone(t, nil)
	gone := errors.New("nobody types")
	opt.Password = func(context.Context, *pairing.WrongCodeError) (pairing.Password, error) { return nil, gone }
	if rep, err := Send(t.Context(), opt); !errors.Is(err, gone) || rep != nil {
		t.Errorf("%+v, %v", rep, err)
	}
}

// A link says where to go, and whoever else answers there is refused.
func TestLink(t *testing.T) {
	n := startNewPhone(t, nil)
	code := hear(t, n.codes)
	opt := n.oldPhone(t, code.Link)
	opt.At = nil
	rep, err := Send(t.Context(), opt)
	if err != nil || !rep.Complete() {
		t.Fatalf("%v", err)
	}
	code = hear(t, n.codes)
	stranger, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	code.Link.Device = stranger.ID()
	opt = n.oldPhone(t, code.Link)
	opt.At = nil
	if _, err := Send(t.Context(), opt); !errors.Is(err, p2p.ErrOtherDevice) {
		t.Errorf("another device's link: %v", err)
	}
}

func TestOnlyKinds(t *testing.T) {
	n := startNewPhone(t, nil)
	code := hear(t, n.codes)
	opt := n.oldPhone(t, code.Code)
	opt.Kinds = []backup.Kind{"contacts"}
	rep, err := Send(t.Context(), opt)
	if err != nil || len(rep.Kinds) != 1 || rep.Kinds[0].Kind != "contacts" || rep.Kinds[0].Added == 0 {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestNobody(t *testing.T) {
	opt := SendOptions{
		Home: t.TempDir(), Phone: fakephone.New(fakephone.Config{Seed: 1}), Loopback: true, To: "a name that nobody has", Wait: time.Millisecond,
		Password: func(context.Context, *pairing.WrongCodeError) (pairing.Password, error) {
			t.Error("it asks for a code")
			return nil, errStop
		},
	}
	if _, err := Send(t.Context(), opt); !errors.Is(err, ErrNobody) {
		t.Errorf("nobody there: %v", err)
	}
	opt.At = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}
	if _, err := Send(t.Context(), opt); !errors.Is(err, p2p.ErrUnreachable) {
		t.Errorf("nobody at the address: %v", err)
	}
}

func TestErrorsTellApart(t *testing.T) {
	err := error(&NoMatchError{Candidates: []discovery.Candidate{{Name: "x"}}})
	if !errors.Is(err, ErrNobody) {
		t.Error("a NoMatchError is no ErrNobody")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = loadKey(filepath.Join(file, "home"))
	if home := (*HomeError)(nil); !errors.As(err, &home) || strings.Contains(err.Error(), file) {
		t.Errorf("a home below a file: %v", err)
	}
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "identity.key"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKey(home); !errors.Is(err, identity.ErrDamaged) {
		t.Errorf("a damaged key: %v", err)
	}
}

func TestSaveReceipt(t *testing.T) {
	home := t.TempDir()
	if path, err := saveReceipt(home, []byte("junk")); !errors.Is(err, receipt.ErrMalformed) || path != "" {
		t.Errorf("%q, %v", path, err)
	}
	if _, err := os.Stat(filepath.Join(home, "receipts")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("junk made a folder: %v", err)
	}
	keys := make([]*identity.Key, 2)
	for i := range keys {
		var err error
		if keys[i], err = identity.New(); err != nil {
			t.Fatal(err)
		}
	}
	// Of whatever day the new phone says it is, the file has a plain name.
	for year, want := range map[int]string{1: "00010203-040506-00112233.receipt", 1901: "19010203-040506-00112233.receipt", 9999: "99990203-040506-00112233.receipt"} {
		p := receipt.Payload{
			Session: "00112233445566778899aabbccddeeff", Sender: receipt.Side{Device: keys[0].ID()}, Receiver: receipt.Side{Device: keys[1].ID()},
			Finished: time.Date(year, 2, 3, 4, 5, 6, 0, time.UTC),
		}
		payload, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		sent, serr := receipt.Sign(keys[0], receipt.Sender, payload)
		taken, terr := receipt.Sign(keys[1], receipt.Receiver, payload)
		path, err := saveReceipt(home, receipt.Format(payload, sent, taken))
		if err = errors.Join(serr, terr, err); err != nil || filepath.Base(path) != want {
			t.Errorf("%s, %v; want %s", path, err, want)
		}
	}
}

func TestHome(t *testing.T) {
	t.Setenv("FERRY_HOME", "somewhere")
	if h, err := Home(); err != nil || !filepath.IsAbs(h) || filepath.Base(h) != "somewhere" {
		t.Errorf("%q, %v", h, err)
	}
	t.Setenv("FERRY_HOME", "")
	if h, err := Home(); err == nil && filepath.Base(h) != "ferry" {
		t.Errorf("%q", h)
	}
}

// A folder has one place, however it is reached, and journals of other devices
// and places are others.
func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip("skipped: no symbolic links here")
	}
	if PlaceOf(dir) != PlaceOf(link) || PlaceOf(dir) != PlaceOf(dir+string(filepath.Separator)+".") {
		t.Errorf("%q and %q", PlaceOf(dir), PlaceOf(link))
	}
	paths := []string{journalPath("h", "a", "x"), journalPath("h", "b", "x"), journalPath("h", "a", "y")}
	slices.Sort(paths)
	if len(slices.Compact(paths)) != 3 || strings.Contains(paths[0], dir) {
		t.Errorf("%q", paths)
	}
}

func TestDeviceName(t *testing.T) {
	name := DeviceName()
	host, err := os.Hostname()
	if name == "" || placeholder(name) || err == nil && name == host {
		t.Errorf("%q on %q", name, host)
	}
	for m, want := range map[string]bool{"Default string": true, "System Product Name": true, "ThinkPad X1": false} {
		if placeholder(m) != want {
			t.Errorf("%q: %v", m, !want)
		}
	}
}
