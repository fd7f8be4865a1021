package pairing

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ferry-move/ferry/p2p/pairing/cpace"
)

// Respond pairs from the new phone's side over a stream that the old phone
// opened. The old phone has proved that it knows the code or the link when
// Respond returns without an error; either is used up by then.
//
// proved, if there is one, is called once it has proved that and before it is
// told so: whatever it does next finds the work of proved done.
//
// It ends early when ctx does, under the conditions that [Initiate] names. A
// failure is an [*Error]; a counted try has a [*WrongCodeError] in it.
func (d *Desk) Respond(ctx context.Context, rw io.ReadWriter, b Binding, proved func()) (_ Result, err error) {
	defer func() {
		if err != nil {
			err = &Error{Op: "respond", Err: err}
		}
	}()
	if err := b.check(); err != nil {
		return Result{}, err
	}
	if b.Responder != d.self {
		return Result{}, ErrWrongDevice
	}
	s := openStream(ctx, rw)
	defer s.release()

	first, err := s.receive()
	if err != nil {
		return Result{}, err
	}
	h, err := decodeHello(first)
	if err != nil {
		return Result{}, err
	}
	if h.version != Protocol {
		return Result{}, s.refuse(&VersionError{Theirs: h.version})
	}
	o, changed, err := d.Offer()
	if err != nil {
		return Result{}, s.refuse(err)
	}
	prs := o.Code.bytes()
	if h.method == MethodLink {
		prs = o.Secret.bytes()
	}
	st, err := cpace.Start(cpace.Responder, b.input(cpace.Responder, h.method, prs), d.random)
	if err != nil {
		return Result{}, err
	}
	defer st.Clear()
	second := share(st.Share()).encode()
	isk, err := st.Finish(h.share, ad(cpace.Initiator, h.method))
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	k, err := deriveKeys(isk[:], b, first, second)
	clear(isk[:])
	if err != nil {
		return Result{}, err
	}
	defer k.clear()
	if err := s.send(second); err != nil {
		return Result{}, err
	}

	third, err := s.receive()
	if err != nil {
		return Result{}, err
	}
	confirm, err := decodeMAC(third, typeConfirm)
	if err != nil {
		return Result{}, err
	}
	if err := d.try(ctx, o, changed, func() bool { return confirm.equal(k.confirm()) }); err != nil {
		return Result{}, s.refuse(err)
	}
	if proved != nil {
		proved()
	}
	if err := s.send(k.accept(confirm).encode(typeAccept)); err != nil {
		return Result{}, err
	}
	return Result{Peer: b.Initiator, Method: h.method, Key: Key{hide(k.session)}}, nil
}

// refuse tells the other device of err, if there is a REFUSE for it, and
// returns err with whatever failed on the way.
func (s *stream) refuse(err error) error {
	m := refuse{reason: reasonClosed}
	var wrong *WrongCodeError
	switch {
	case s.ctx.Err() != nil:
		return err
	case errors.Is(err, ErrTooManyTries):
		m.reason = reasonLocked
	case errors.As(err, &wrong):
		m = refuse{reason: reasonWrongCode, detail: uint16(wrong.TriesLeft)}
	case errors.Is(err, ErrCodeChanged):
		m.reason = reasonChanged
	case errors.As(err, new(*VersionError)):
		m = refuse{reason: reasonVersion, detail: uint16(Protocol)}
	}
	if serr := s.send(m.encode()); serr != nil {
		return errors.Join(err, serr)
	}
	return err
}
