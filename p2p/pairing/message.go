package pairing

import (
	"encoding/binary"
	"fmt"

	"github.com/ferry-move/ferry/p2p/pairing/cpace"
)

// The pairing protocol. One stream, the old phone opens it and speaks first.
//
//	old phone (initiator)                      new phone (responder)
//
//	HELLO   version, method, Ya  ─────────────>
//	                             <─────────────  SHARE   Yb       or REFUSE
//	CONFIRM MAC_A                ─────────────>
//	                                             wait for its turn, check
//	                                             MAC_A: this is the try; a
//	                                             wrong one holds the next up 1 s
//	                             <─────────────  ACCEPT  MAC_B    or REFUSE
//
// The old phone proves itself first. Before the new phone has counted a try, it
// has sent nothing by which a guess could be checked.
//
// A message is a length (2 bytes, big endian, 1 to 1024, without itself), then
// that many bytes, the first of which is the type:
//
//	1 HELLO   version (2), method (1): 1 code, 2 link; Ya (32)        36 bytes
//	2 SHARE   Yb (32)                                                 33 bytes
//	3 CONFIRM MAC_A (64)                                              65 bytes
//	4 ACCEPT  MAC_B (64)                                              65 bytes
//	5 REFUSE  reason (1), detail (2)                                   4 bytes
//
// The reasons, what their detail is, and when they may come:
//
//	1 wrong code       tries left, 0 to 2                after CONFIRM
//	2 code changed     0                                 after CONFIRM
//	3 too many tries   0                                 after HELLO, CONFIRM
//	4 version          the responder's protocol number   after HELLO
//	5 not pairing      0                                 after HELLO, CONFIRM
//	others             anything: refused                 after HELLO, CONFIRM
//
// HELLO begins with the version in every protocol to come; what follows may
// change with it. REFUSE keeps its form. Any other message, size or order ends
// the pairing without an answer. Nothing follows ACCEPT or REFUSE.
//
// What goes into CPace, with lv as [cpace.LVCat]:
//
//	PRS  the seven ASCII digits, or the link's 16 bytes
//	CI   lv("ferry pairing", version, initiator's ID, responder's ID)
//	sid  32 bytes that both ends export from their TLS session
//	ADa  lv("initiator", version, method)
//	ADb  lv("responder", version, method)
//
// and what comes out, from its key ISK:
//
//	T     = SHA-512(lv(CI, sid, HELLO, SHARE))   messages without their length
//	PRK   = HKDF-Extract-SHA-512(salt T, ISK)
//	K_x   = HKDF-Expand-SHA-512(PRK, x, 64)
//	MAC_A = HMAC-SHA-512(K_"ferry pairing initiator", T)
//	MAC_B = HMAC-SHA-512(K_"ferry pairing responder", lv(T, MAC_A))
//	key   = HKDF-Expand-SHA-512(PRK, "ferry pairing session", 32)

// Version is a pairing protocol number.
type Version uint16

// Protocol is the number of this protocol. The steps:
//
//	1  2026-11-21  the first
const Protocol Version = 1

// Method is how the secret got from one device to the other.
type Method uint8

const (
	// MethodCode is a [Code] that was typed.
	MethodCode Method = 1
	// MethodLink is a [Link] that was scanned.
	MethodLink Method = 2
)

func (m Method) valid() bool { return m == MethodCode || m == MethodLink }

// String returns the word that reports use.
func (m Method) String() string {
	switch m {
	case MethodCode:
		return "code"
	case MethodLink:
		return "link"
	}
	return "unknown"
}

// maxMessage is the longest message in bytes, without its length.
const maxMessage = 1024

const macSize = 64

type messageType uint8

const (
	typeHello   messageType = 1
	typeShare   messageType = 2
	typeConfirm messageType = 3
	typeAccept  messageType = 4
	typeRefuse  messageType = 5
)

type (
	share [cpace.ShareSize]byte
	mac   [macSize]byte
)

type hello struct {
	version Version
	method  Method // 0 if version is not ours
	share   share
}

func (m hello) encode() []byte {
	b := make([]byte, 0, 4+len(m.share))
	b = append(b, byte(typeHello))
	b = binary.BigEndian.AppendUint16(b, uint16(m.version))
	b = append(b, byte(m.method))
	return append(b, m.share[:]...)
}

// decodeHello returns only the version if that is not ours.
func decodeHello(b []byte) (hello, error) {
	if len(b) < 3 || messageType(b[0]) != typeHello {
		return hello{}, malformed(b, typeHello)
	}
	m := hello{version: Version(binary.BigEndian.Uint16(b[1:]))}
	if m.version != Protocol {
		return m, nil
	}
	if len(b) != 4+len(m.share) {
		return hello{}, malformed(b, typeHello)
	}
	if m.method = Method(b[3]); !m.method.valid() {
		return hello{}, fmt.Errorf("%w: method %d", ErrProtocol, m.method)
	}
	copy(m.share[:], b[4:])
	return m, nil
}

func (s share) encode() []byte { return append([]byte{byte(typeShare)}, s[:]...) }

func decodeShare(b []byte) (s share, err error) {
	if len(b) != 1+len(s) || messageType(b[0]) != typeShare {
		return s, malformed(b, typeShare)
	}
	copy(s[:], b[1:])
	return s, nil
}

func (m mac) encode(t messageType) []byte { return append([]byte{byte(t)}, m[:]...) }

// decodeMAC reads CONFIRM or ACCEPT.
func decodeMAC(b []byte, t messageType) (m mac, err error) {
	if len(b) != 1+len(m) || messageType(b[0]) != t {
		return m, malformed(b, t)
	}
	copy(m[:], b[1:])
	return m, nil
}

type reason uint8

const (
	reasonWrongCode reason = 1
	reasonChanged   reason = 2
	reasonLocked    reason = 3
	reasonVersion   reason = 4
	reasonClosed    reason = 5
)

type refuse struct {
	reason reason
	detail uint16
}

func (m refuse) encode() []byte {
	return binary.BigEndian.AppendUint16([]byte{byte(typeRefuse), byte(m.reason)}, m.detail)
}

func decodeRefuse(b []byte) (refuse, error) {
	if len(b) != 4 || messageType(b[0]) != typeRefuse {
		return refuse{}, malformed(b, typeRefuse)
	}
	m := refuse{reason: reason(b[1]), detail: binary.BigEndian.Uint16(b[2:])}
	ok := true
	switch m.reason {
	case 0:
		ok = false
	case reasonWrongCode:
		ok = m.detail < TriesPerCode
	case reasonVersion:
		ok = Version(m.detail) != Protocol
	case reasonChanged, reasonLocked, reasonClosed:
		ok = m.detail == 0
	}
	if !ok {
		return refuse{}, fmt.Errorf("%w: refusal %d with detail %d", ErrProtocol, m.reason, m.detail)
	}
	return m, nil
}

// malformed says what came in place of a message of type want.
func malformed(b []byte, want messageType) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: an empty message, want type %d", ErrProtocol, want)
	}
	return fmt.Errorf("%w: a message of type %d with %d bytes, want type %d", ErrProtocol, b[0], len(b), want)
}
