package journal

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// MaxKept is how many beginnings a journal holds at once. What is beyond is not
// noted, and its file is an ordinary leftover.
const MaxKept = 256

const (
	keptHeader = 16 + 16 + 16 + 8 + 8 + 8 + 1 + 2
)

// Boot names one run of the operating system, from its start to its end. Zero =
// the system does not tell.
type Boot [16]byte

// IsZero reports whether nothing is known.
func (b Boot) IsZero() bool { return b == Boot{} }

// parseBoot reads a UUID.
func parseBoot(text string) (b Boot) {
	id, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), "-", ""))
	if err == nil && len(id) == len(b) {
		copy(b[:], id)
	}
	return b
}

// Kept is what came of a file that did not arrive whole. It was forced to the
// disk before it was noted. As a record:
//
//	 0             16      32     48         56       64        72      73      75
//	┌─────────────┬───────┬──────┬──────────┬────────┬─────────┬───────┬───────┬──────┬───────┬──────┐
//	│ fingerprint │ place │ boot │ length u │ held u │ stamp i │ kind# │ tree# │ kind │ tree  │ name │
//	└─────────────┴───────┴──────┴──────────┴────────┴─────────┴───────┴───────┴──────┴───────┴──────┘
//	numbers are big-endian: of 8 bytes, kind# of one, tree# of two; they count bytes. The name is the temporary file's
type Kept struct {
	Fingerprint Fingerprint
	Kind        backup.Kind
	// Place is the item's, whatever its content: see [PlaceOf].
	Place Fingerprint
	// Boot is when it was noted.
	Boot Boot
	Left backup.Leftover
	// Tree says which parts of it have come and what is in them: nodes of its
	// BLAKE3 tree, for package tree to read.
	Tree []byte
}

// kept is a Kept in memory.
type kept struct {
	Kept
	taken bool // somebody goes on with it, or it was noted in this run
}

// PlaceOf returns what an item has in common with what it was before it was
// changed: kind, type and key.
func PlaceOf(it backup.Item) Fingerprint {
	it.Size, it.ModTime = -1, time.Time{}
	return Of(it)
}

func (k *Kept) append(b []byte) []byte {
	b = append(b, k.Fingerprint[:]...)
	b = append(b, k.Place[:]...)
	b = append(b, k.Boot[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(k.Left.Length))
	b = binary.BigEndian.AppendUint64(b, uint64(k.Left.Held))
	b = binary.BigEndian.AppendUint64(b, uint64(k.Left.Stamp))
	b = append(b, byte(len(k.Kind)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(k.Tree)))
	b = append(b, k.Kind...)
	b = append(b, k.Tree...)
	return append(b, k.Left.Name...)
}

// parseKept reads what append wrote. Whether the tree fits is for those to say
// who know what one is.
func parseKept(b []byte) (k Kept, ok bool) {
	if len(b) < keptHeader {
		return Kept{}, false
	}
	k.Fingerprint, k.Place, k.Boot = Fingerprint(b), Fingerprint(b[16:]), Boot(b[32:])
	length, held := binary.BigEndian.Uint64(b[48:]), binary.BigEndian.Uint64(b[56:])
	stamp, kind, n := binary.BigEndian.Uint64(b[64:]), int(b[72]), int(binary.BigEndian.Uint16(b[73:]))
	b = b[keptHeader:]
	if length == 0 || length > math.MaxInt64 || held > math.MaxInt64 || len(b) < kind+n {
		return Kept{}, false
	}
	k.Kind, b = backup.Kind(b[:kind]), b[kind:]
	if !k.Kind.Valid() {
		return Kept{}, false
	}
	k.Tree, b = slices.Clone(b[:n]), b[n:]
	if len(b) == 0 || len(b) > backup.MaxKey {
		return Kept{}, false
	}
	k.Left = backup.Leftover{Name: string(b), Length: int64(length), Held: int64(held), Stamp: int64(stamp)}
	return k, true
}

// noteKept takes a record into memory. One that is malformed is as if it were
// not there; its file has been noted as a temporary one before.
func (j *Journal) noteKept(body []byte) {
	k, ok := parseKept(body)
	if !ok {
		return
	}
	if _, ok := j.temps[k.Left.Name]; !ok {
		j.temps[k.Left.Name] = struct{}{}
		j.noted++
	}
	j.forget(k.Fingerprint) // it grew, or another file stands for it
	if fp, ok := j.keptAs[k.Left.Name]; ok {
		j.forget(fp)
	}
	if fp, ok := j.keptAt[k.Place]; ok {
		j.forget(fp)
	}
	if len(j.kept) >= MaxKept {
		return
	}
	j.kept[k.Fingerprint] = &kept{k, j.loaded}
	j.keptAs[k.Left.Name], j.keptAt[k.Place] = k.Fingerprint, k.Fingerprint
}

// forget drops what is kept of an item.
func (j *Journal) forget(fp Fingerprint) {
	if k := j.kept[fp]; k != nil {
		delete(j.kept, fp)
		delete(j.keptAs, k.Left.Name)
		delete(j.keptAt, k.Place)
	}
}

var errKept = errors.New("journal: a malformed note")

// fits reports whether a note is well formed, and no longer than what older
// versions take for whole.
func (k *Kept) fits() bool {
	_, ok := parseKept(k.append(nil))
	return ok && len(k.Tree) <= math.MaxUint16 && 1+keptHeader+len(k.Kind)+len(k.Tree)+len(k.Left.Name) <= maxRecord
}

// CanKeep reports whether it can be noted: not if its name is too long, or too
// many are.
func (j *Journal) CanKeep(k Kept) bool {
	if !k.fits() {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, again := j.kept[k.Fingerprint]
	return again || len(j.kept) < MaxKept
}

// Keep notes beginnings that are forced to the disk, and forces the notes there
// too. What is gone by now is left out. A later note of the same item replaces
// the earlier one.
func (j *Journal) Keep(all []Kept) error {
	wrote, err := j.keep(all)
	if err != nil || !wrote {
		return err
	}
	return j.f.Sync()
}

// KeepBriefly notes beginnings that are in the system's cache only, and leaves
// the notes there too: they survive a killed process, and are of no use after a
// restart of the system but to say what can be read again.
func (j *Journal) KeepBriefly(all []Kept) error {
	_, err := j.keep(all)
	return err
}

// keep notes beginnings, and reports whether there was any.
func (j *Journal) keep(all []Kept) (bool, error) {
	var b []byte
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range all {
		if !all[i].fits() {
			return false, errKept
		}
		if _, ok := j.temps[all[i].Left.Name]; ok {
			b = appendRecord(b, recKept, all[i].append(nil))
		}
	}
	return len(b) > 0, j.write(b)
}

// Left returns the beginning of an item that an earlier run kept.
func (j *Journal) Left(fp Fingerprint) (Kept, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.kept[fp]
	if k == nil || k.taken {
		return Kept{}, false
	}
	return k.clone(), true
}

func (k *Kept) clone() Kept {
	c := *k
	c.Tree = slices.Clone(k.Tree)
	return c
}

// Take makes the caller the only one who goes on with what an earlier run kept,
// or returns false. It stays noted until it is Gone.
func (j *Journal) Take(fp Fingerprint) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := j.kept[fp]
	if k == nil || k.taken {
		return false
	}
	k.taken = true
	return true
}

// Stale takes what an earlier run kept of an item that has changed since.
func (j *Journal) Stale(it backup.Item) (Kept, bool) {
	now, place := Of(it), PlaceOf(it)
	j.mu.Lock()
	defer j.mu.Unlock()
	fp, ok := j.keptAt[place]
	if !ok || fp == now || j.kept[fp].taken {
		return Kept{}, false
	}
	j.kept[fp].taken = true
	return j.kept[fp].clone(), true
}

// AllKept returns everything that is kept.
func (j *Journal) AllKept() []Kept {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]Kept, 0, len(j.kept))
	for _, k := range j.kept {
		all = append(all, k.clone())
	}
	return all
}

// Held returns how many bytes of the disk what is kept takes.
func (j *Journal) Held() (n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, k := range j.kept {
		n += min(k.Left.Held, math.MaxInt64-n)
	}
	return n
}
