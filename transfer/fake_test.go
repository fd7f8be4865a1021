package transfer_test

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// fake is the other device, played by a test frame by frame.
type fake struct {
	t *testing.T
	// protocol is 1 unless a script says otherwise. Most do without the frames
	// that later ones have.
	protocol uint32
	key      *identity.Key
	peer     identity.DeviceID
	c        transfer.Control
	ends     transfertest.Ends
	in       chan wire.Message // what came, without pings; closed at the end
	over     chan struct{}     // closed when the fake hangs up
	pen      chan struct{}     // held by who writes
	run      sync.WaitGroup

	session []byte
	answer  *wire.Answer
	lane    transfer.LaneWriter
}

// ended is how the real side ended.
type ended struct {
	report *transfer.Report
	err    error
	after  time.Duration
}

func newKey(t testing.TB) *identity.Key {
	t.Helper()
	k, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newFake(t *testing.T, real *identity.Key, l transfertest.Ends, c transfer.Control) *fake {
	return &fake{
		t: t, protocol: 1, key: newKey(t), peer: real.ID(), c: c, ends: l,
		in: make(chan wire.Message, 4096), over: make(chan struct{}), pen: make(chan struct{}, 1), session: make([]byte, wire.SessionSize),
	}
}

// listen reads until the stream ends.
func (f *fake) listen() {
	f.run.Go(func() {
		defer close(f.in)
		for {
			m, err := wire.Read(f.c)
			if err != nil {
				return
			}
			if m.Type() != wire.TypePing {
				f.in <- m
			}
		}
	})
}

// pinging sends pings until the fake hangs up.
func (f *fake) pinging() {
	f.run.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f.say(&wire.Ping{})
			case <-f.over:
				return
			}
		}
	})
}

// hangUp breaks the link and waits for the fake's goroutines.
func (f *fake) hangUp() {
	close(f.over)
	f.c.Close()
	f.run.Wait()
}

func (f *fake) say(ms ...wire.Message) {
	for _, m := range ms {
		b, err := wire.Append(nil, m)
		if err != nil {
			f.t.Error(err)
			panic(errGiveUp)
		}
		f.pen <- struct{}{}
		f.c.Write(b) // an error means that the real side hung up, and its reason is looked at
		<-f.pen
	}
}

// cancels stops the session and waits until the real side hangs up.
func (f *fake) cancels() {
	f.say(&wire.Stop{Kind: wire.StopCancelled})
	f.heardStop()
}

// hear returns the next message, which must be an M.
func hear[M wire.Message](f *fake) M {
	f.t.Helper()
	got := <-f.in
	m, ok := got.(M)
	if !ok {
		f.t.Errorf("heard %T, not %T", got, m)
		panic(errGiveUp)
	}
	return m
}

var errGiveUp = errors.New("the fake gives up")

// play runs script and hangs up; a script that gave up has said why.
func (f *fake) play(script func(*fake)) {
	defer f.hangUp()
	defer func() {
		if r := recover(); r != nil && r != any(errGiveUp) {
			panic(r)
		}
	}()
	f.listen()
	script(f)
}

// heardStop waits until the real side hangs up and returns why it said so.
func (f *fake) heardStop() wire.StopKind {
	for m := range f.in {
		if s, ok := m.(*wire.Stop); ok {
			return s.Kind
		}
	}
	return wire.StopNone
}

var fakeKinds = []backup.Kind{"documents", "contacts", "unknown"}

// receiving runs a real receiver against script, a fake sender's.
func receiving(t *testing.T, tune func(*transfer.ReceiveConfig), script func(*fake)) (ended, *fakephone.Device) {
	t.Helper()
	k, l, dst := newKey(t), transfertest.Pipe(), fakephone.New(fakephone.Config{Empty: true})
	f := newFake(t, k, l, l.SendControl)
	cfg := transfer.ReceiveConfig{
		Self: transfer.Self{Key: k, Name: "New phone", Version: "test"}, Peer: f.key.ID(), Control: l.ReceiveControl, Lanes: l.Accept, Agents: dst.Agents(),
		Accept: func(context.Context, transfer.Offer) (transfer.Decision, error) {
			return transfer.Decision{Accept: true}, nil
		},
	}
	if tune != nil {
		tune(&cfg)
	}
	done := make(chan ended)
	go func() {
		began := time.Now()
		rep, err := transfer.Receive(t.Context(), cfg)
		done <- ended{rep, err, time.Since(began)}
	}()
	f.play(script)
	return <-done, dst
}

func (f *fake) hello() *wire.Hello {
	return &wire.Hello{Protocol: f.protocol, Device: string(f.key.ID()), Name: "Old phone", Version: "test", Session: f.session}
}

func offer() *wire.Offer {
	o := &wire.Offer{Flags: uint32(backup.FlagDeviceToDeviceTransfer), Started: 1000}
	for _, k := range fakeKinds {
		o.Kinds = append(o.Kinds, wire.OfferedKind{Kind: string(k), Items: 10, Bytes: 1000})
	}
	return o
}

// opens says hello and offers, and takes the answer.
func (f *fake) opens() {
	f.say(f.hello())
	hear[*wire.Hello](f)
	f.say(offer())
	f.answer = hear[*wire.Answer](f)
	if !f.answer.Accept || !slices.Equal(f.answer.Kinds, []uint32{0, 1}) {
		f.t.Errorf("the answer is %+v", f.answer)
		panic(errGiveUp)
	}
}

func (f *fake) openLane() transfer.LaneWriter {
	lane, err := f.ends.Open.OpenLane(f.t.Context())
	if err != nil {
		f.t.Error(err)
		panic(errGiveUp)
	}
	return lane
}

// lanes opens the fake's one lane.
func (f *fake) lanes() {
	if f.lane == nil {
		f.lane = f.openLane()
		wire.WriteLaneHello(f.lane, wire.LaneHello{Protocol: 1, Token: [wire.TokenSize]byte(f.answer.Token)})
	}
}

// block sends a block on the fake's one lane, which it opens first.
func (f *fake) block(h wire.BlockHeader, p []byte) {
	f.lanes()
	h.Length = uint32(len(p))
	f.lane.Write(append(wire.AppendBlockHeader(nil, h), p...)) // an error is the real side's, and looked at there
}

func file(key string, size uint64) wire.Entry {
	return wire.Entry{Kind: 0, Type: uint8(backup.TypeFile), Key: []byte(key), Size: size}
}

func entity(value string) wire.Entry {
	d := blake3.Sum256([]byte(value))
	return wire.Entry{Kind: 1, Type: uint8(backup.TypeEntity), Key: d[:4], Size: uint64(len(value)), Digest: d[:]}
}

// moves lists one file, sends it, and takes its result.
func (f *fake) moves(key, content string) {
	f.say(&wire.Items{First: 1, Entries: []wire.Entry{file(key, uint64(len(content)))}})
	hear[*wire.Want](f)
	f.block(wire.BlockHeader{Item: 1, Hash: blake3.Sum256([]byte(content))}, []byte(content))
	if r := hear[*wire.Results](f).Results; len(r) != 1 || r[0].Outcome != uint8(backup.Added) {
		f.t.Errorf("results %+v", r)
		panic(errGiveUp)
	}
}

// bundle sends small items on the fake's one lane, which it opens first.
func (f *fake) bundle(ps ...wire.Piece) {
	f.lanes()
	body := wire.AppendBundle(nil, ps)
	f.lane.Write(append(wire.AppendBundleHeader(nil, wire.BundleHeader{Length: uint32(len(body))}), body...)) // an error is the real side's, and looked at there
}

// finishes ends the manifest and the lane, and takes the totals.
func (f *fake) finishes(items uint64) *wire.Totals {
	f.say(&wire.End{Items: items})
	if f.lane != nil {
		f.lane.CloseWrite()
	}
	return hear[*wire.Totals](f)
}

// adds hears that n items were added.
func (f *fake) adds(n int) {
	for n > 0 {
		for _, r := range hear[*wire.Done](f).Runs {
			if n -= int(r.Count); r.Outcome != uint8(backup.Added) {
				f.t.Errorf("%+v", r)
			}
		}
	}
}

// parts ends a session of so many items as it should.
func (f *fake) parts(items uint64) {
	totals := f.finishes(items)
	f.say(totals, f.signs(totals, nil))
	hear[*wire.Receipt](f)
	f.say(&wire.Bye{})
	hear[*wire.Bye](f)
}

// signs makes the receipt for a session whose totals are t.
func (f *fake) signs(t *wire.Totals, change func(*receipt.Payload)) *wire.Receipt {
	side := func(d identity.DeviceID, name string) receipt.Side {
		return receipt.Side{Device: d, Name: name, Version: "test"}
	}
	p := &receipt.Payload{
		Session: hex.EncodeToString(f.session), Protocol: f.protocol, Flags: backup.FlagDeviceToDeviceTransfer,
		Sender: side(f.key.ID(), "Old phone"), Receiver: side(f.peer, "New phone"),
		Started: time.UnixMilli(1000).UTC(), Finished: time.UnixMilli(t.Finished).UTC(),
		Declined: []receipt.Declined{{Kind: "unknown", Items: 10, Bytes: 1000}}, Root: hex.EncodeToString(t.Root),
		NotMoved: []receipt.Note{}, Renamed: []receipt.Note{},
	}
	for _, k := range t.Kinds {
		p.Kinds = append(p.Kinds, receipt.Kind{
			Kind: backup.Kind(k.Kind), Items: k.Items, Added: k.Added, Merged: k.Merged, Skipped: k.Skipped, Failed: k.Failed, Bytes: k.Bytes,
		})
	}
	if change != nil {
		change(p)
	}
	b, err := p.Encode()
	if err != nil {
		f.t.Error(err)
		panic(errGiveUp)
	}
	sig, err := receipt.Sign(f.key, receipt.Sender, b)
	if err != nil {
		f.t.Error(err)
		panic(errGiveUp)
	}
	return &wire.Receipt{Payload: b, Signature: sig}
}

// sending runs a real sender with a few tiny files against script, a fake
// receiver's.
func sending(t *testing.T, tune func(*transfer.SendConfig), script func(*fake)) ended {
	t.Helper()
	k, l := newKey(t), transfertest.Pipe()
	src := fakephone.New(fakephone.Config{Seed: 1, Documents: 3, Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: 10, Max: 1000}}})
	f := newFake(t, k, l, l.ReceiveControl)
	cfg := transfer.SendConfig{
		Self: transfer.Self{Key: k, Name: "Old phone", Version: "test"}, Peer: f.key.ID(), Control: l.SendControl, Lanes: l.Open,
		Agents: []backup.Agent{src.Agent("documents")}, LaneCount: 1,
		NoSqueeze: true, // the fake reads blocks as they are
	}
	if tune != nil {
		tune(&cfg)
	}
	done := make(chan ended)
	go func() {
		began := time.Now()
		rep, err := transfer.Send(t.Context(), cfg)
		done <- ended{rep, err, time.Since(began)}
	}()
	f.play(script)
	return <-done
}

// answers says hello, takes the offer and says yes.
func (f *fake) answers() {
	h := hear[*wire.Hello](f)
	f.session = h.Session
	mine := f.hello()
	mine.Name = "New phone"
	f.say(mine)
	hear[*wire.Offer](f)
	f.say(&wire.Answer{Accept: true, Kinds: []uint32{0}, Token: make([]byte, wire.TokenSize), Lanes: 1})
}

// listed takes the whole manifest.
func (f *fake) listed() (all []wire.Entry) {
	for m := range f.in {
		switch m := m.(type) {
		case *wire.Items:
			all = append(all, m.Entries...)
		case *wire.End:
			return all
		default:
			f.t.Errorf("heard %T in the manifest", m)
			panic(errGiveUp)
		}
	}
	f.t.Error("the manifest has no end")
	panic(errGiveUp)
}

// fileOf returns the ID of a file of the manifest, or of a folder.
func fileOf(f *fake, all []wire.Entry, typ backup.Type) uint64 {
	i := slices.IndexFunc(all, func(e wire.Entry) bool { return e.Type == uint8(typ) })
	if i < 0 {
		f.t.Errorf("no item of type %d", typ)
		panic(errGiveUp)
	}
	return uint64(i + 1)
}

// takes wants every file, reads the lane, and gives each item its result.
func (f *fake) takes(all []wire.Entry) {
	var want []wire.Wanted
	var done []wire.Result
	for i, e := range all {
		if e.Type == uint8(backup.TypeDirectory) {
			done = append(done, wire.Result{ID: uint64(i + 1), Outcome: uint8(backup.Added)})
		} else {
			want = append(want, wire.Wanted{ID: uint64(i + 1), Verdict: uint8(backup.Need)})
		}
	}
	f.say(&wire.Want{Wanted: want})
	for len(done) < len(all) {
		h, _ := f.reads()
		done = append(done, wire.Result{ID: h.Item, Outcome: uint8(backup.Added), Digest: h.Hash[:]})
	}
	f.say(&wire.Results{Results: done})
}

// reads takes one block.
func (f *fake) reads() (wire.BlockHeader, []byte) {
	if f.lane == nil {
		lane, err := f.ends.Accept.AcceptLane(f.t.Context())
		if err != nil {
			panic(errGiveUp)
		}
		f.lane = readLane{lane}
		if _, err := wire.ReadLaneHello(lane); err != nil {
			panic(errGiveUp)
		}
	}
	r := f.lane.(readLane)
	h, err := wire.ReadBlockHeader(r)
	p := make([]byte, h.Length)
	if err == nil {
		_, err = io.ReadFull(r, p)
	}
	if err != nil {
		f.t.Errorf("the lane ended: %v", err)
		panic(errGiveUp)
	}
	return h, p
}

// readLane is a lane's reading end in the place of its writing end.
type readLane struct{ io.ReadCloser }

func (readLane) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (readLane) CloseWrite() error         { return nil }

func mustProtocol(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, transfer.ErrProtocol) {
		t.Errorf("%v, want a broken protocol", err)
	}
}

func mustStop(t *testing.T, err error, kind wire.StopKind, remote bool) {
	t.Helper()
	var se *transfer.StopError
	if !errors.As(err, &se) || se.Kind != kind || se.Remote != remote {
		t.Errorf("%v, want a stop of kind %d, remote %v", err, kind, remote)
	}
}
