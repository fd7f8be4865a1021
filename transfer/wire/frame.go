package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// Protocol is the number of this protocol. Steps are listed with their dates in
// docs/protocol.md.
const Protocol = 3

// The first protocols that have the frame Waits; that have List, Need, Done, and
// bundles.
const (
	WaitsSince   = 2
	CompactSince = 3
)

// MaxFrame is the longest control frame in bytes, type included.
const MaxFrame = 1 << 20

// FirstOptional is the lowest frame type that a reader may skip when it does
// not know it.
const FirstOptional Type = 128

// ErrFrame is what every malformed frame is.
var ErrFrame = errors.New("malformed frame")

// Type says what a frame's body is.
type Type uint8

// The frame types. Package transfer draws in which states each is allowed.
const (
	TypeHello   Type = 1  // both, first
	TypeOffer   Type = 2  // sender
	TypeAnswer  Type = 3  // receiver
	TypeItems   Type = 4  // sender
	TypeWant    Type = 5  // receiver
	TypeSettle  Type = 6  // sender
	TypeResults Type = 7  // receiver
	TypeEnd     Type = 8  // sender
	TypeTotals  Type = 9  // both
	TypeReceipt Type = 10 // both
	TypeBye     Type = 11 // both
	TypePing    Type = 12 // both
	TypeStop    Type = 13 // both, last
	TypeWaits   Type = 14 // both, to a device whose protocol is WaitsSince or later
	TypeList    Type = 15 // sender, from CompactSince on
	TypeNeed    Type = 16 // receiver, from CompactSince on
	TypeDone    Type = 17 // receiver, from CompactSince on

	TypeOutlook Type = 18 // receiver, of a preview
	TypeContent Type = 19 // sender, of a preview

	TypeFull  Type = 128 // receiver
	TypeLimit Type = 129 // both
)

// Message is a control frame's body.
type Message interface {
	// Type is the frame type that the body travels in.
	Type() Type
	check() error
}

var (
	encMode = must(cbor.EncOptions{
		Sort: cbor.SortCoreDeterministic, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
	}.EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		MaxArrayElements: MaxBatch, MaxMapPairs: 64, MaxNestedLevels: 8,
	}.DecMode())
	kinds = map[Type]reflect.Type{}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func register(ms ...Message) {
	for _, m := range ms {
		kinds[m.Type()] = reflect.TypeOf(m).Elem()
	}
}

func init() {
	register(&Hello{}, &Offer{}, &Answer{}, &Items{}, &Want{}, &Settle{}, &Results{}, &End{}, &Totals{},
		&Receipt{}, &Bye{}, &Ping{}, &Stop{}, &Waits{}, &List{}, &Need{}, &Done{}, &Full{}, &Limit{}, &Outlook{}, &Content{})
}

// Append appends m as a frame to dst.
func Append(dst []byte, m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(m.Type()))
	if c, ok := m.(compact); ok {
		dst = c.appendBody(dst)
	} else {
		body, err := encMode.Marshal(m)
		if err != nil {
			return nil, err
		}
		dst = append(dst, body...)
	}
	n := len(dst) - at - 4
	if n > MaxFrame {
		return nil, fmt.Errorf("%w: type %d with %d bytes is too long", ErrFrame, m.Type(), n)
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(n))
	return dst, nil
}

// Write writes m as one frame with one call of w.Write.
func Write(w io.Writer, m Message) error {
	b, err := Append(nil, m)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// WriteOptional writes a frame of a type that readers skip unless they know it.
func WriteOptional(w io.Writer, t Type, body []byte) error {
	if t < FirstOptional || 1+len(body) > MaxFrame {
		return ErrFrame
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
	_, err := w.Write(append(append(b, byte(t)), body...))
	return err
}

// Read reads the next frame that it knows; of the optional ones it skips those
// that are malformed too. io.EOF means that the stream ended
// between frames, ErrFrame with io.ErrUnexpectedEOF that it ended within one.
func Read(r io.Reader) (Message, error) {
	for {
		t, body, err := readRaw(r)
		if err != nil {
			return nil, err
		}
		m, err := Decode(t, body)
		if err != nil && t >= FirstOptional {
			continue // not known, or one that is sent so that it be skipped
		}
		return m, err
	}
}

func readRaw(r io.Reader) (Type, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, fmt.Errorf("%w: cut in its head: %w", ErrFrame, err)
		}
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:4])
	if n == 0 || n > MaxFrame {
		return 0, nil, fmt.Errorf("%w: length %d", ErrFrame, n)
	}
	body := make([]byte, n-1)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, fmt.Errorf("%w: cut in its body: %w", ErrFrame, io.ErrUnexpectedEOF)
		}
		return 0, nil, err
	}
	return Type(head[4]), body, nil
}

// Decode parses the body of a frame. On error it returns nothing.
func Decode(t Type, body []byte) (Message, error) {
	rt, ok := kinds[t]
	if !ok {
		return nil, fmt.Errorf("%w: unknown type %d", ErrFrame, t)
	}
	m := reflect.New(rt).Interface().(Message)
	if c, ok := m.(compact); ok {
		if err := c.parse(body); err != nil {
			return nil, err
		}
	} else if err := decMode.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("%w: type %d: %v", ErrFrame, t, err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}
