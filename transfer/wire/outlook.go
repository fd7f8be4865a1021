package wire

import (
	"math"
	"unicode/utf8"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Outlook says what would happen to the items of a preview.
type Outlook struct {
	// Kinds are those of the offer that would move, in its order.
	Kinds []OutlookKind `cbor:"1,keyasint"`
	// Free is one more than the free space there in bytes; 0 = that is not known.
	Free uint64 `cbor:"2,keyasint"`
	// Name and Version are the receiver's, as in Hello.
	Name    string `cbor:"3,keyasint"`
	Version string `cbor:"4,keyasint"`
}

// OutlookKind is one kind in an outlook. Every item is in one of Add, Merge, Skip
// and Cannot; those in Rename are in Add too.
type OutlookKind struct {
	Kind   uint32          `cbor:"1,keyasint"` // its index in the offer
	Add    uint64          `cbor:"2,keyasint"`
	Merge  uint64          `cbor:"3,keyasint,omitempty"`
	Skip   uint64          `cbor:"4,keyasint,omitempty"`
	Rename uint64          `cbor:"5,keyasint,omitempty"`
	Cannot []OutlookReason `cbor:"6,keyasint,omitempty"`
	Bytes  uint64          `cbor:"7,keyasint,omitempty"`
}

// OutlookReason is how many items would fail for a reason. Reasons ascend.
type OutlookReason struct {
	Reason uint16 `cbor:"1,keyasint"`
	Items  uint64 `cbor:"2,keyasint"`
}

// maxReasons is the most reasons of one kind.
const maxReasons = 64

// Type implements [Message].
func (*Outlook) Type() Type { return TypeOutlook }

func (m *Outlook) check() error {
	if len(m.Kinds) > MaxKinds || m.Free > math.MaxInt64 {
		return bad("outlook: %d kinds, %d bytes", len(m.Kinds), m.Free)
	}
	if len(m.Name) > MaxName || len(m.Version) > MaxName || !utf8.ValidString(m.Name) || !utf8.ValidString(m.Version) {
		return bad("outlook: a text is too long, or not UTF-8")
	}
	for i := range m.Kinds {
		k := &m.Kinds[i]
		if k.Kind >= MaxKinds || i > 0 && k.Kind <= m.Kinds[i-1].Kind || len(k.Cannot) > maxReasons || k.Bytes > math.MaxInt64 || k.Rename > k.Add {
			return bad("outlook: kind %d", k.Kind)
		}
		for _, n := range []uint64{k.Add, k.Merge, k.Skip} {
			if n >= 1<<48 {
				return bad("outlook: impossible numbers")
			}
		}
		for j, c := range k.Cannot {
			if c.Reason == 0 || c.Items == 0 || c.Items >= 1<<48 || j > 0 && c.Reason <= k.Cannot[j-1].Reason {
				return bad("outlook: reason %d", c.Reason)
			}
		}
	}
	return nil
}

// Failed returns how many items would fail, by reason; nil = none.
func (k *OutlookKind) Failed() map[backup.Reason]uint64 {
	if len(k.Cannot) == 0 {
		return nil
	}
	out := make(map[backup.Reason]uint64, len(k.Cannot))
	for _, c := range k.Cannot {
		out[backup.Reason(c.Reason)] = c.Items
	}
	return out
}
