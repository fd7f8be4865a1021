// Package journal remembers what arrived from one device in one place, so that
// a run that broke goes on from there and a second run sends nothing again.
//
// A journal is one file that only grows:
//
//	"ferry journal 1\n" and the sender's device ID, "\n"
//	records: u32 BE length of what follows · u8 type · body · u32 BE CRC-32C of type and body
//	  type 1, arrived: 16 bytes fingerprint · 32 bytes digest · u64 BE size · the kept name, if it differs
//	  type 2, temporary: a name that this device is about to create and that is not meant to stay, or, with a slash
//	          at its end, a folder that is not finished before its move is
//	  type 3, cleared: of the temporary names above this record none is left, and nothing is kept under them
//	  type 4, kept: the beginning of a file under a temporary name; drawn at [Kept]
//	  type 5, arrived under another time than the sender's: 16 bytes fingerprint · 32 bytes digest · u64 BE size ·
//	          u64 BE nanoseconds since 1970 · the kept name, if it differs
//
// A record is believed only whole. A torn tail, which a crash leaves, is cut off
// when the journal is opened; damage before that is passed over, up to the next
// record that is whole. Arrived records are written only after the
// item's bytes and name are durable, so the journal may lag behind the disk but
// never runs ahead of it. In memory it holds 24 bytes for each item, and at most
// [MaxKept] beginnings. A type that a program does not know is skipped, so each
// version reads what any other one wrote.
//
// Its worst moment is a journal of another device, or of a newer version: it is
// set aside under another name, never trusted and never deleted.
package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"lukechampine.com/blake3"
)

const (
	header        = "ferry journal 1\n"
	recArrived    = 1
	recTemporary  = 2
	recCleared    = 3
	recKept       = 4
	recStamped    = 5
	maxRecord     = 1 + 16 + 32 + 8 + backup.MaxKey
	arrivedHeader = 16 + 32 + 8
	stampedHeader = arrivedHeader + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Fingerprint identifies an item as the sender listed it: kind, type, key,
// size and modification time. An item that was changed since has another one.
type Fingerprint [16]byte

// Of returns the fingerprint of an item.
func Of(it backup.Item) Fingerprint {
	b := make([]byte, 0, 512)
	num := func(v int64) { b = binary.BigEndian.AppendUint64(b, uint64(v)) }
	num(int64(len(it.Kind)))
	b = append(b, it.Kind...)
	num(int64(it.Type))
	num(int64(len(it.Key)))
	b = append(b, it.Key...)
	num(it.Size)
	num(it.ModTime.Unix())
	num(int64(it.ModTime.Nanosecond()))
	sum := blake3.Sum256(b)
	return Fingerprint(sum[:])
}

// Arrived is an item that is durable on this device.
type Arrived struct {
	Fingerprint Fingerprint
	Digest      backup.Digest
	Size        int64
	Name        backup.Key // empty = its own key
	Stamp       int64      // its time here, as [backup.Result] has it
}

// Journal is an open journal. Its methods are safe for several goroutines.
type Journal struct {
	mu    sync.Mutex
	f     *os.File
	end   int64
	at    index // offsets of the records' bodies
	bytes int64 // sizes of the items in at, added up
	temps map[string]struct{}
	noted int // temporary records since the last cleared one, also those that were noted anew

	kept   map[Fingerprint]*kept
	keptAs map[string]Fingerprint      // by temporary name
	keptAt map[Fingerprint]Fingerprint // by place
	loaded bool                        // what is noted from now on is of this run
	state  State                       // immutable once it is open
	looks  bool                        // the file is only read; immutable
}

// State is how a journal was found.
type State uint8

const (
	Sound   State = iota // as it was left
	Damaged              // a part of it cannot be read, and counts for nothing
	Newer                // a newer version wrote it: it was set aside, and another begun
	Foreign              // it is no journal of that device: the same
)

// String returns the word that JSON uses.
func (s State) String() string {
	return [...]string{"sound", "damaged", "newer", "foreign"}[min(s, Foreign)]
}

// State returns how the journal was found. Whatever it lacks, files that are
// there are found by their content.
func (j *Journal) State() State { return j.state }

// renoteAfter is after how many temporary names the living ones are noted anew,
// so that a journal's reader never holds more than these.
const renoteAfter = 4096

// ErrBusy means that another process has the journal open: two moves from one
// device into one place.
var ErrBusy = errors.New("another move into this place is under way")

// Open opens the journal at path for what comes from sender, or begins one. The
// folder is made if it is missing.
func Open(path string, sender identity.DeviceID) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	state := Sound
	for range 2 {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lock(f); err != nil {
			f.Close()
			return nil, err
		}
		j := &Journal{
			f: f, temps: map[string]struct{}{},
			kept: map[Fingerprint]*kept{}, keptAs: map[string]Fingerprint{}, keptAt: map[Fingerprint]Fingerprint{},
		}
		err = j.load(header + string(sender) + "\n")
		j.loaded = true
		if err == nil {
			j.state = max(j.state, state)
			return j, nil
		}
		if errors.Is(err, errForeign) {
			state = strangeness(f)
		}
		f.Close()
		if !errors.Is(err, errForeign) {
			return nil, err
		}
		if err := setAside(path); err != nil {
			return nil, err
		}
	}
	return nil, errForeign
}

// Look opens the journal at path as Open does, only to read: it makes, mends and
// locks nothing. A part that another process is writing is as if it were not there.
// The error is fs.ErrNotExist if there is none, or none of sender's.
func Look(path string, sender identity.DeviceID) (*Journal, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{
		f: f, temps: map[string]struct{}{}, looks: true,
		kept: map[Fingerprint]*kept{}, keptAs: map[string]Fingerprint{}, keptAt: map[Fingerprint]Fingerprint{},
	}
	if err := j.load(header + string(sender) + "\n"); err != nil {
		f.Close()
		if errors.Is(err, errForeign) {
			return nil, fs.ErrNotExist
		}
		return nil, err
	}
	return j, nil
}

// write appends records to the file. It is called with mu held.
func (j *Journal) write(b []byte) error {
	if _, err := j.f.WriteAt(b, j.end); err != nil {
		return err
	}
	for len(b) > 0 {
		n := int(binary.BigEndian.Uint32(b))
		j.note(b[4:4+n], j.end+4)
		j.end += int64(n + 8)
		b = b[n+8:]
	}
	return nil
}

// Arrived notes items that are durable, and makes the note durable too.
func (j *Journal) Arrived(items []Arrived) error {
	var b []byte
	for _, a := range items {
		if len(a.Name) > backup.MaxKey {
			return fmt.Errorf("journal: name of %d bytes", len(a.Name))
		}
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(a.Size))
		if a.Stamp == 0 || stampedHeader+len(a.Name) >= maxRecord { // no version reads a longer one
			b = appendRecord(b, recArrived, a.Fingerprint[:], a.Digest[:], size[:], []byte(a.Name))
			continue
		}
		var stamp [8]byte
		binary.BigEndian.PutUint64(stamp[:], uint64(a.Stamp))
		b = appendRecord(b, recStamped, a.Fingerprint[:], a.Digest[:], size[:], stamp[:], []byte(a.Name))
	}
	j.mu.Lock()
	err := j.write(b)
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return j.f.Sync() // the others need not wait for it
}

// Temporary notes a name that must not outlive this run. It survives a killed
// process, not a power cut: then the file system forgets the file as well.
func (j *Journal) Temporary(name backup.Key) error {
	if len(name) == 0 || len(name) > backup.MaxKey {
		return fmt.Errorf("journal: name of %d bytes", len(name))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.temps[string(name)]; ok {
		return nil
	}
	if j.noted >= renoteAfter && len(j.temps) < renoteAfter/2 {
		if err := j.renote(); err != nil {
			return err
		}
	}
	return j.write(appendRecord(nil, recTemporary, []byte(name)))
}

// Noted reports whether a temporary name was noted and is not gone.
func (j *Journal) Noted(name backup.Key) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, ok := j.temps[string(name)]
	return ok
}

// Gone forgets a temporary name that was renamed or removed.
func (j *Journal) Gone(name backup.Key) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.temps, string(name))
	if fp, ok := j.keptAs[string(name)]; ok {
		j.forget(fp)
	}
}

// renote clears what is noted, and notes anew what is not gone. It is called
// with mu held.
func (j *Journal) renote() error {
	b := appendRecord(nil, recCleared)
	for n := range j.temps {
		b = appendRecord(b, recTemporary, []byte(n))
	}
	was := maps.Clone(j.kept)
	for _, k := range was {
		b = appendRecord(b, recKept, k.append(nil))
	}
	err := j.write(b)
	for fp, k := range j.kept {
		if old := was[fp]; old != nil {
			k.taken = old.taken
		}
	}
	return err
}

// Temporaries returns the names noted and not gone, but for those under which
// something is kept.
func (j *Journal) Temporaries() []backup.Key {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]backup.Key, 0, len(j.temps))
	for n := range j.temps {
		if _, ok := j.keptAs[n]; !ok {
			out = append(out, backup.Key(n))
		}
	}
	return out
}

// Cleared notes which temporary names are left: those that were noted and are
// not gone.
func (j *Journal) Cleared() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.noted == len(j.temps) {
		return nil
	}
	return j.renote()
}

// Lookup returns what is noted of an item.
func (j *Journal) Lookup(fp Fingerprint) (backup.Prior, bool) {
	j.mu.Lock()
	at, ok := j.at.get(fp)
	j.mu.Unlock()
	if !ok {
		return backup.Prior{}, false
	}
	// The record is read as if for the first time: the disk may have aged.
	var first [256]byte // most records
	buf := first[:]
	rec, err := readRecord(io.NewSectionReader(j.f, at-5, maxRecord+8), &buf)
	if err != nil || !isArrived(rec) || Fingerprint(rec[1:]) != fp {
		return backup.Prior{}, false
	}
	p, name := backup.Prior{Digest: backup.Digest(rec[17:49])}, rec[1+arrivedHeader:]
	if rec[0] == recStamped {
		p.Stamp, name = int64(binary.BigEndian.Uint64(name)), name[8:]
	}
	p.Name = backup.Key(name)
	return p, true
}

// Bytes returns the content of everything that arrived, in bytes.
func (j *Journal) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }
