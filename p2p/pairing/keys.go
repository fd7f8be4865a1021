package pairing

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing/cpace"
)

const (
	protocolName = "ferry pairing"

	labelInitiator = "ferry pairing initiator"
	labelResponder = "ferry pairing responder"
	labelSession   = "ferry pairing session"
)

// Binding is what a pairing is tied to. Both ends have the same one, or the
// pairing fails.
type Binding struct {
	// Initiator is the old phone, Responder the new one, as the link has
	// authenticated them.
	Initiator, Responder identity.DeviceID
	// Exporter is 32 bytes that both ends export from their TLS session
	// (RFC 8446, section 7.5) with one label. It is never all zero.
	Exporter [32]byte
}

func (b Binding) check() error {
	if _, err := b.Initiator.Peer(); err != nil {
		return fmt.Errorf("initiator: %w", err)
	}
	if _, err := b.Responder.Peer(); err != nil {
		return fmt.Errorf("responder: %w", err)
	}
	if b.Initiator == b.Responder {
		return fmt.Errorf("%w: both ends are the same device", ErrWrongDevice)
	}
	if b.Exporter == [32]byte{} {
		return errors.New("the binding has no exporter value")
	}
	return nil
}

func (v Version) bytes() []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

// channel is CPace's CI.
func (b Binding) channel() []byte {
	return cpace.LVCat([]byte(protocolName), Protocol.bytes(), []byte(b.Initiator), []byte(b.Responder))
}

// ad is CPace's associated data of one side.
func ad(role cpace.Role, m Method) []byte {
	name := "initiator"
	if role == cpace.Responder {
		name = "responder"
	}
	return cpace.LVCat([]byte(name), Protocol.bytes(), []byte{byte(m)})
}

// input is what one side brings to CPace.
func (b Binding) input(role cpace.Role, m Method, prs []byte) cpace.Input {
	return cpace.Input{PRS: prs, CI: b.channel(), SID: b.Exporter[:], AD: ad(role, m)}
}

// keys are what one finished exchange gives.
type keys struct {
	transcript [sha512.Size]byte
	initiator  []byte // keys MAC_A
	responder  []byte // keys MAC_B
	session    []byte
}

// deriveKeys makes the keys from CPace's key and the messages as they were
// sent.
func deriveKeys(isk []byte, b Binding, hello, share []byte) (*keys, error) {
	k := &keys{transcript: sha512.Sum512(cpace.LVCat(b.channel(), b.Exporter[:], hello, share))}
	prk, err := hkdf.Extract(sha512.New, isk, k.transcript[:])
	if err != nil {
		return nil, err
	}
	defer clear(prk)
	for _, out := range []struct {
		key   *[]byte
		label string
		size  int
	}{
		{&k.initiator, labelInitiator, macSize},
		{&k.responder, labelResponder, macSize},
		{&k.session, labelSession, KeySize},
	} {
		if *out.key, err = hkdf.Expand(sha512.New, prk, out.label, out.size); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *keys) confirm() mac { return sum(k.initiator, k.transcript[:]) }

func (k *keys) accept(confirm mac) mac {
	return sum(k.responder, cpace.LVCat(k.transcript[:], confirm[:]))
}

// clear forgets the keys; the session key stays with who took it.
func (k *keys) clear() {
	clear(k.initiator)
	clear(k.responder)
}

func sum(key, msg []byte) (m mac) {
	h := hmac.New(sha512.New, key)
	h.Write(msg)
	h.Sum(m[:0])
	return m
}

func (m mac) equal(o mac) bool { return hmac.Equal(m[:], o[:]) }
