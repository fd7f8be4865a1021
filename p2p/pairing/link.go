package pairing

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ferry-move/ferry/p2p/identity"
)

// SecretSize is the length of a [Secret] in bytes.
const SecretSize = 16

// Secret is the random secret in a QR code. It prints as a fixed text. The zero
// value is no secret. Compare with [Secret.Equal].
type Secret struct{ hidden }

// Equal reports whether both are the same secret, in constant time.
func (s Secret) Equal(o Secret) bool { return s.equal(o.hidden) }

// The text of a link has only characters of QR's alphanumeric mode: the scheme
// and, in base32 without padding (A-Z, 2-7), these bytes:
//
//	 2  protocol number, big endian, not 0
//	32  the device's Ed25519 public key
//	16  the secret
//	 1  number of addresses, at most MaxLinkAddrs
//	    of each address:
//	 1    4 or 6
//	 4|16 the IP address
//	 2    the port, big endian, not 0
//
// Whatever follows the protocol number may differ in a later protocol.
const (
	// MaxLinkAddrs is the largest number of addresses in a link.
	MaxLinkAddrs = 8
	// MaxLinkText is the longest text of a link in bytes.
	MaxLinkText = len(linkScheme) + (maxLinkBytes*8+4)/5

	linkScheme   = "FERRY:"
	maxLinkBytes = 2 + ed25519.PublicKeySize + SecretSize + 1 + MaxLinkAddrs*(1+16+2)
)

var linkEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Link is what the QR code on the new phone says: who it is, where it is and a
// secret that proves the reader saw the screen. It prints without any of
// that; [Link.Reveal] is for drawing the QR code and for nothing else.
type Link struct {
	// Protocol is the protocol number that the device speaks. 0 = [Protocol].
	Protocol Version
	// Device is pinned: [Initiate] refuses every other one.
	Device identity.DeviceID
	// Addrs are where the device listens, best first, at most [MaxLinkAddrs].
	// They are unicast addresses without a zone, and IPv4 is not mapped into
	// IPv6. They may be empty where discovery finds the device.
	Addrs []netip.AddrPort
	// Secret is the desk's current one.
	Secret Secret
}

// Reveal returns the link's text, at most [MaxLinkText] characters: upper-case
// letters, digits and a colon. It fails with [ErrBadLink] if a field is not as
// its comment says.
func (l Link) Reveal() (string, error) {
	v := l.Protocol
	if v == 0 {
		v = Protocol
	}
	if v != Protocol {
		return "", fmt.Errorf("%w: protocol %d", ErrBadLink, v)
	}
	if l.Secret.IsZero() {
		return "", fmt.Errorf("%w: no secret", ErrBadLink)
	}
	key, err := publicKey(l.Device)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadLink, err)
	}
	if len(l.Addrs) > MaxLinkAddrs {
		return "", fmt.Errorf("%w: %d addresses", ErrBadLink, len(l.Addrs))
	}
	b := make([]byte, 0, maxLinkBytes)
	defer func() { clear(b) }()
	b = binary.BigEndian.AppendUint16(b, uint16(v))
	b = append(b, key...)
	b = append(b, l.Secret.bytes()...)
	b = append(b, byte(len(l.Addrs)))
	for _, a := range l.Addrs {
		if !linkable(a) {
			return "", fmt.Errorf("%w: an address that no other device can use", ErrBadLink)
		}
		ip := a.Addr().AsSlice()
		b = append(b, family(len(ip)))
		b = append(b, ip...)
		b = binary.BigEndian.AppendUint16(b, a.Port())
	}
	return linkScheme + linkEncoding.EncodeToString(b), nil
}

// ParseLink reads the text of a QR code. It takes exactly what [Link.Reveal]
// gives, else it fails with [ErrBadLink], or with a [*VersionError] if a newer
// Ferry made the link.
func ParseLink(text string) (Link, error) {
	body, ok := strings.CutPrefix(text, linkScheme)
	if !ok || len(text) > MaxLinkText {
		return Link{}, ErrBadLink
	}
	b, err := linkEncoding.DecodeString(body)
	if err != nil || len(b) < 2 {
		return Link{}, ErrBadLink
	}
	defer clear(b)
	if linkEncoding.EncodeToString(b) != body { // line breaks, or bits that say nothing
		return Link{}, ErrBadLink
	}
	l := Link{Protocol: Version(binary.BigEndian.Uint16(b))}
	if l.Protocol > Protocol {
		return Link{}, &VersionError{Theirs: l.Protocol}
	}
	const fixed = 2 + ed25519.PublicKeySize + SecretSize + 1
	if l.Protocol != Protocol || len(b) < fixed {
		return Link{}, ErrBadLink
	}
	if l.Device, err = deviceID(b[2 : 2+ed25519.PublicKeySize]); err != nil {
		return Link{}, ErrBadLink
	}
	l.Secret = Secret{hide(append([]byte(nil), b[2+ed25519.PublicKeySize:fixed-1]...))}
	n, rest := int(b[fixed-1]), b[fixed:]
	if n > MaxLinkAddrs {
		return Link{}, ErrBadLink
	}
	for range n {
		a, size := cutAddr(rest)
		if size == 0 {
			return Link{}, ErrBadLink
		}
		l.Addrs, rest = append(l.Addrs, a), rest[size:]
	}
	if len(rest) != 0 {
		return Link{}, ErrBadLink
	}
	return l, nil
}

// cutAddr reads the address at the start of b and returns its size in bytes, or
// 0 if there is none.
func cutAddr(b []byte) (netip.AddrPort, int) {
	if len(b) == 0 {
		return netip.AddrPort{}, 0
	}
	n := 4
	if b[0] == 6 {
		n = 16
	}
	if b[0] != family(n) || len(b) < 1+n+2 {
		return netip.AddrPort{}, 0
	}
	ip, _ := netip.AddrFromSlice(b[1 : 1+n])
	a := netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[1+n:]))
	if !linkable(a) {
		return netip.AddrPort{}, 0
	}
	return a, 1 + n + 2
}

// family is the byte that goes before an address of n bytes.
func family(n int) byte {
	if n == 4 {
		return 4
	}
	return 6
}

// linkable reports whether a says the same on another device.
func linkable(a netip.AddrPort) bool {
	ip := a.Addr()
	return a.IsValid() && a.Port() != 0 && ip.Zone() == "" && !ip.Is4In6() &&
		!ip.IsUnspecified() && !ip.IsMulticast() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func publicKey(d identity.DeviceID) ([]byte, error) {
	id, err := d.Peer()
	if err != nil {
		return nil, err
	}
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return nil, err
	}
	return pub.Raw()
}

func deviceID(key []byte) (identity.DeviceID, error) {
	pub, err := crypto.UnmarshalEd25519PublicKey(append([]byte(nil), key...))
	if err != nil {
		return "", err
	}
	id, err := peer.IDFromPublicKey(pub)
	if err != nil {
		return "", err
	}
	return identity.FromPeer(id), nil
}

// String returns a text without the secret and the addresses.
func (l Link) String() string { return "[link to " + l.Device.Short() + "]" }

// GoString returns what String does.
func (l Link) GoString() string { return l.String() }

// Format prints what String returns, whatever the verb.
func (l Link) Format(f fmt.State, _ rune) { io.WriteString(f, l.String()) }

// MarshalText returns what String does.
func (l Link) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

func (l Link) prove() (proof, error) {
	if l.Protocol > Protocol {
		return proof{}, &VersionError{Theirs: l.Protocol}
	}
	if l.Secret.IsZero() || l.Device == "" {
		return proof{}, ErrBadLink
	}
	return proof{method: MethodLink, prs: l.Secret.bytes(), device: l.Device}, nil
}
