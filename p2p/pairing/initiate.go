package pairing

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing/cpace"
)

// KeySize is the length of a [Key] in bytes.
const KeySize = 32

// Key is a secret that both devices have after a pairing, and nobody else. It
// prints as a fixed text. Compare with [Key.Equal].
type Key struct{ hidden }

// Bytes returns a copy of the key, [KeySize] bytes long; nil for the zero Key.
func (k Key) Bytes() []byte { return append([]byte(nil), k.bytes()...) }

// Equal reports whether both are the same key, in constant time.
func (k Key) Equal(o Key) bool { return k.equal(o.hidden) }

// Result is a pairing that succeeded.
type Result struct {
	// Peer is the other device.
	Peer identity.DeviceID
	// Method is how the secret was carried.
	Method Method
	// Key is the same on both devices and different in each pairing.
	Key Key
}

// Password is what a person carried from the new phone: a [Code] or a [Link].
type Password interface {
	prove() (proof, error)
}

// proof is a password as the protocol needs it.
type proof struct {
	method Method
	prs    []byte
	device identity.DeviceID // empty = any
}

// Initiate pairs from the old phone's side over a stream to the new one. The
// new phone has proved that it knows the password when Initiate returns without
// an error.
//
// It ends early when ctx does, if rw has a SetDeadline or a Close method, of
// which the first that works is used; rw is of no use afterwards. Otherwise rw
// is left right behind the last message, and open.
//
// A failure is an [*Error] around one of this package's kinds, the error of rw,
// or the cause of ctx. A [Link] to another device than b.Responder fails with
// [ErrWrongDevice] before anything is sent.
func Initiate(ctx context.Context, rw io.ReadWriter, b Binding, pw Password) (Result, error) {
	return initiate(ctx, rw, b, pw, rand.Reader)
}

func initiate(ctx context.Context, rw io.ReadWriter, b Binding, pw Password, random io.Reader) (_ Result, err error) {
	remote := false
	defer func() {
		if err != nil {
			err = &Error{Op: "initiate", Remote: remote, Err: err}
		}
	}()
	if err := b.check(); err != nil {
		return Result{}, err
	}
	if pw == nil {
		return Result{}, ErrBadCode
	}
	p, err := pw.prove()
	if err != nil {
		return Result{}, err
	}
	if p.device != "" && p.device != b.Responder {
		return Result{}, ErrWrongDevice
	}
	st, err := cpace.Start(cpace.Initiator, b.input(cpace.Initiator, p.method, p.prs), random)
	if err != nil {
		return Result{}, err
	}
	defer st.Clear()
	s := openStream(ctx, rw)
	defer s.release()

	first := hello{version: Protocol, method: p.method, share: st.Share()}.encode()
	if err := s.send(first); err != nil {
		return Result{}, err
	}

	second, err := s.receive()
	if err != nil {
		return Result{}, err
	}
	if messageType(second[0]) == typeRefuse {
		remote, err = refusal(second, afterHello)
		return Result{}, err
	}
	theirs, err := decodeShare(second)
	if err != nil {
		return Result{}, err
	}
	isk, err := st.Finish(theirs, ad(cpace.Responder, p.method))
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	k, err := deriveKeys(isk[:], b, first, second)
	clear(isk[:])
	if err != nil {
		return Result{}, err
	}
	defer k.clear()

	confirm := k.confirm()
	if err := s.send(confirm.encode(typeConfirm)); err != nil {
		return Result{}, err
	}

	last, err := s.receive()
	if err != nil {
		return Result{}, err
	}
	if messageType(last[0]) == typeRefuse {
		remote, err = refusal(last, afterConfirm)
		return Result{}, err
	}
	answer, err := decodeMAC(last, typeAccept)
	if err != nil {
		return Result{}, err
	}
	if !answer.equal(k.accept(confirm)) {
		return Result{}, ErrUnproven
	}
	return Result{Peer: b.Responder, Method: p.method, Key: Key{hide(k.session)}}, nil
}

// moment is when a refusal came.
type moment uint8

const (
	afterHello   moment = 1
	afterConfirm moment = 2
)

// refusal returns the error that a REFUSE stands for, and whether it was one
// that the other device may send at this moment.
func refusal(b []byte, at moment) (remote bool, err error) {
	m, err := decodeRefuse(b)
	if err != nil {
		return false, err
	}
	switch {
	case m.reason == reasonWrongCode && at == afterConfirm:
		return true, &WrongCodeError{TriesLeft: int(m.detail)}
	case m.reason == reasonChanged && at == afterConfirm:
		return true, ErrCodeChanged
	case m.reason == reasonVersion && at == afterHello:
		return true, &VersionError{Theirs: Version(m.detail)}
	case m.reason == reasonWrongCode, m.reason == reasonChanged, m.reason == reasonVersion:
		return false, fmt.Errorf("%w: refusal %d out of turn", ErrProtocol, m.reason)
	case m.reason == reasonLocked:
		return true, ErrTooManyTries
	case m.reason == reasonClosed:
		return true, ErrRefused
	}
	return true, fmt.Errorf("%w: reason %d", ErrRefused, m.reason)
}
