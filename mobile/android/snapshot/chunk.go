package snapshot

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

const (
	chunkHeader  = 16
	chunkVersion = 0x01706C48 // "Hlp\1"
	// MaxChunks is how many helpers a state can have.
	MaxChunks = 1024
)

// Chunk is the state of one helper of an agent. The agent's state is chunks one
// after another, their integers little-endian:
//
//	 0  int32  header size: 16 and the prefix with its padding
//	 4  48 6C 70 01  "Hlp\1"
//	 8  int32  data size
//	12  int32  prefix length in bytes
//	16  prefix, zeros up to the next multiple of 4, data
type Chunk struct {
	// Prefix stands before the colon in the keys of the helper's entities.
	Prefix entity.Key
	// Data is what the helper wrote; it may be empty.
	Data []byte
}

// goodPrefix reports whether a helper with this prefix gets its entities back:
// they are told apart by what stands before the first colon.
func goodPrefix(p entity.Key) bool {
	return keepable(p) && !strings.Contains(string(p), ":")
}

// AppendChunk appends one helper's chunk to an agent's state. It fails with
// [ErrKey] or [ErrTooLarge], and returns dst as it was.
func AppendChunk(dst []byte, c Chunk) ([]byte, error) {
	if !goodPrefix(c.Prefix) {
		return dst, fmt.Errorf("keep a helper's state: %w", ErrKey)
	}
	n := len(c.Prefix)
	if len(dst)+chunkHeader+n+padLen(n)+len(c.Data) > MaxState {
		return dst, fmt.Errorf("keep a helper's state: %w", ErrTooLarge)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(chunkHeader+n+padLen(n)))
	dst = binary.LittleEndian.AppendUint32(dst, chunkVersion)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(c.Data)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	dst = append(dst, c.Prefix...)
	dst = append(dst, "\x00\x00\x00"[:padLen(n)]...)
	return append(dst, c.Data...), nil
}

// ParseChunks returns the chunks of an agent's state in its order, which is the
// order in which the helpers run; their data is part of state. It is tolerant
// as Android is: a header of another kind is passed over, and at the first one
// that makes no sense the rest is left unread. Of two chunks with one prefix
// the first counts. It never fails; a helper without a chunk starts afresh.
func ParseChunks(state []byte) []Chunk {
	var chunks []Chunk
	seen := make(map[entity.Key]bool)
	for b := state; len(b) >= chunkHeader && len(chunks) < MaxChunks; {
		size := int(int32At(b, 0))
		if size <= 4 {
			break
		}
		if size < chunkHeader || size > chunkHeader && int32At(b, 4) != chunkVersion {
			b = b[min(size, len(b)):]
			continue
		}
		data, n := int(int32At(b, 8)), int(int32At(b, 12))
		if data < 0 || n < 0 || n > size-chunkHeader || size > len(b) || data > len(b)-size {
			break
		}
		prefix := b[chunkHeader : chunkHeader+n]
		if p := entity.Key(prefix); goodPrefix(p) && !seen[p] {
			seen[p] = true
			chunks = append(chunks, Chunk{Prefix: p, Data: b[size : size+data : size+data]})
		}
		b = b[size+data:]
	}
	return chunks
}
