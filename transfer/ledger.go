package transfer

import (
	"encoding/binary"
	"io/fs"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// Caps on what a receipt lists by name, for each of its two lists. Bytes are
// those of the list in the payload, where a byte of a key may take seven.
const (
	maxNotes     = 1000
	maxNoteBytes = 400 << 10
)

// linesBytes is how much of the account is hashed at a time.
const linesBytes = 64 << 10

// ended is an item with how it ended: a line of the account that both sides
// keep.
type ended struct {
	id     uint64
	kind   int // index in the offer
	it     backup.Item
	digest backup.Digest
	out    backup.Outcome
	reason backup.Reason
	name   backup.Key
}

// ledger is one side's account of a session. Items end in any order; the
// account is written in the order of their IDs, so both sides get the same
// root. It holds the items that ended before an earlier one did; they stay in
// the session's window until they are written, which bounds them.
type ledger struct {
	kinds []receipt.Kind
	next  uint64
	early map[uint64]ended
	root  *blake3.Hasher
	lines []byte // not yet in the root: many at once are hashed several times faster

	notMoved, renamed         []receipt.Note
	notMovedMore, renamedMore uint64
	notMovedLen, renamedLen   int
}

func newLedger(kinds []backup.Kind) *ledger {
	l := &ledger{next: 1, early: map[uint64]ended{}, root: blake3.New(32, nil)}
	for _, k := range kinds {
		l.kinds = append(l.kinds, receipt.Kind{Kind: k})
	}
	return l
}

// add takes an item in. It returns how many items were written by that, and
// the cost of their keys in the window.
func (l *ledger) add(e ended) (n, keys int64) {
	if e.id != l.next {
		l.early[e.id] = e
		return 0, 0
	}
	for ok := true; ok; e, ok = l.early[l.next] {
		delete(l.early, e.id)
		l.write(e)
		l.next++
		n, keys = n+1, keys+keyCost(e.it)
	}
	return n, keys
}

// complete reports whether items 1 to n are all in.
func (l *ledger) complete(n uint64) bool { return l.next == n+1 }

func (l *ledger) write(e ended) {
	k := &l.kinds[e.kind]
	switch {
	case e.out == backup.Failed:
		k.Failed++
	case e.it.Type == backup.TypeDirectory:
		k.Folders++
	case e.out == backup.Added:
		k.Added++
	case e.out == backup.Merged:
		k.Merged++
	case e.out == backup.Skipped:
		k.Skipped++
	}
	k.Items = k.Added + k.Merged + k.Skipped + k.Failed
	if e.out == backup.Failed {
		note(&l.notMoved, &l.notMovedMore, &l.notMovedLen, e)
	} else {
		k.Bytes += uint64(e.it.Size)
		if e.name != "" {
			note(&l.renamed, &l.renamedMore, &l.renamedLen, e)
		}
	}
	l.lines = appendLeaf(l.lines, e)
	if len(l.lines) >= linesBytes {
		l.root.Write(l.lines)
		l.lines = l.lines[:0]
	}
}

func note(list *[]receipt.Note, more *uint64, size *int, e ended) {
	if len(*list) < maxNotes {
		one := receipt.NoteOf(e.it.Kind, e.it.Key, e.name, e.reason)
		if n := one.Len(); *size+n <= maxNoteBytes {
			*size += n
			*list = append(*list, one)
			return
		}
	}
	*more++
}

// appendLeaf appends what the root covers of an item: everything about it but
// its content, and the content's digest.
//
//	u64 id · u16 length, kind · u8 type · u16 length, key · u64 size · u32 mode · i64 sec · u32 nsec ·
//	u16 length, group · u8 outcome · u16 reason · 32 bytes digest · u16 length, name (all big endian)
func appendLeaf(b []byte, e ended) []byte {
	text := func(s string) {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	sec, nsec, _ := wire.Time(e.it)
	b = binary.BigEndian.AppendUint64(b, e.id)
	text(string(e.it.Kind))
	b = append(b, byte(e.it.Type))
	text(string(e.it.Key))
	b = binary.BigEndian.AppendUint64(b, uint64(e.it.Size))
	b = binary.BigEndian.AppendUint32(b, uint32(e.it.Mode&fs.ModePerm))
	b = binary.BigEndian.AppendUint64(b, uint64(sec))
	b = binary.BigEndian.AppendUint32(b, nsec)
	text(e.it.Group)
	b = append(b, byte(e.out))
	b = binary.BigEndian.AppendUint16(b, uint16(e.reason))
	b = append(b, e.digest[:]...)
	text(string(e.name))
	return b
}

// sum is the root over what is written so far.
func (l *ledger) sum() []byte {
	l.root.Write(l.lines)
	l.lines = l.lines[:0]
	return l.root.Sum(nil)
}

func (l *ledger) totals() *wire.Totals {
	t := &wire.Totals{Root: l.sum()}
	for _, k := range l.kinds {
		t.Kinds = append(t.Kinds, wire.KindTotals{
			Kind: string(k.Kind), Items: k.Items, Added: k.Added, Merged: k.Merged, Skipped: k.Skipped, Failed: k.Failed, Bytes: k.Bytes,
			Folders: k.Folders,
		})
	}
	return t
}

// fill writes the account into a receipt's payload.
func (l *ledger) fill(p *receipt.Payload) {
	p.Kinds = append([]receipt.Kind{}, l.kinds...)
	p.NotMoved, p.NotMovedMore = append([]receipt.Note{}, l.notMoved...), l.notMovedMore
	p.Renamed, p.RenamedMore = append([]receipt.Note{}, l.renamed...), l.renamedMore
	p.Root = backup.Digest(l.sum()).String()
}
