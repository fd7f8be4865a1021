package wire

import "math"

// Content brings values of records within a preview, which has no lanes. Its body
// is that of a bundle (see [AppendBundle]) without hashes: the old phone said them
// when it listed the records. A piece is at most BlockSize; a longer value comes in
// several that follow one another. An empty piece ends its item, be its value whole
// or not.
type Content struct{ Pieces []Piece }

// Type implements [Message].
func (*Content) Type() Type { return TypeContent }

func (m *Content) check() error {
	if len(m.Pieces) == 0 || len(m.Pieces) > MaxPieces {
		return bad("content: %d pieces", len(m.Pieces))
	}
	for i := range m.Pieces {
		if p := &m.Pieces[i]; p.Item == 0 || p.Item > math.MaxInt64 || p.Hashed || len(p.Data) > BlockSize {
			return bad("content: %d bytes of item %d", len(p.Data), p.Item)
		}
	}
	return nil
}

func (m *Content) appendBody(b []byte) []byte { return AppendBundle(b, m.Pieces) }

func (m *Content) parse(b []byte) (err error) {
	if m.Pieces, err = ParseBundle(nil, b); err != nil {
		return bad("content: %v", err)
	}
	return nil
}
