package contacts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

// errForeign tells that a staged item is not from this restore.
var errForeign = errors.New("the item was staged elsewhere")

// restore takes contacts in.
type restore struct {
	root  *os.Root
	notes backup.Notes // nil = none

	mu     sync.Mutex
	match  *matcher         // guarded by mu; its hash is immutable
	files  map[string]*file // guarded by mu; by path below Contacts
	have   map[uint64]int32 // guarded by mu; slots that Check gave away, by item
	parts  map[string]bool  // guarded by mu; temporary files to remove
	closed bool             // guarded by mu
}

var (
	_ backup.Restore     = (*restore)(nil)
	_ backup.Checker     = (*restore)(nil)
	_ backup.TempRemover = (*restore)(nil)
)

// file is a vCard file of the target, there or about to be.
type file struct {
	name string
	info fs.FileInfo // nil = it is not there
	enc  layout
	// clean: a card can be written behind the last byte.
	clean  bool
	endsNL bool
	slots  []int32 // in the order of their bytes
	// added are the cards that this restore wrote, as hashes: when the file is
	// read again they are no slots.
	added []uint64
	stale bool // it changed; its slots are of no use
}

func openRestore(ctx context.Context, root *os.Root, notes backup.Notes) (*restore, error) {
	r := &restore{
		root: root, notes: notes, match: newMatcher(), files: map[string]*file{},
		have: map[uint64]int32{}, parts: map[string]bool{},
	}
	walk(ctx, root, func(name string, err error) bool {
		if err == nil { // what cannot be read is left alone, and never written
			f := &file{name: name}
			r.files[name] = f
			r.scan(ctx, f)
		}
		return ctx.Err() == nil
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

// scan reads a file and makes its cards slots. A file that cannot be read
// ends up without slots and not clean.
func (r *restore) scan(ctx context.Context, f *file) {
	for _, id := range f.slots {
		r.match.slots[id].state = gone
	}
	*f = file{name: f.name, added: f.added}
	in, info, err := openFile(r.root, f.name)
	if errors.Is(err, fs.ErrNotExist) {
		f.clean, f.endsNL = true, true
		return
	}
	if err != nil {
		f.stale = !errors.Is(err, errNotRegular) && !errors.Is(err, fs.ErrPermission)
		return
	}
	defer in.Close()
	f.info = info
	ours := map[uint64]int{}
	for _, k := range f.added {
		ours[k]++
	}
	s := newSplitter(in, backup.MaxValue)
	f.enc, f.clean = s.lines.enc, true
	for ctx.Err() == nil {
		pc, err := s.next()
		if errors.Is(err, io.EOF) {
			f.endsNL = s.ended()
			return
		}
		if err != nil {
			break
		}
		f.clean = pc.reason == 0
		if pc.reason == 0 {
			if k := r.match.hash.core(pc.raw); ours[k] > 0 {
				ours[k]--
			} else if c, err := parseCard(pc.raw); err == nil {
				ft := r.match.hash.features(c, pc.raw)
				f.slots = append(f.slots, r.match.add(slot{file: f, at: pc.at, size: pc.size}, &ft))
			}
		}
	}
	f.clean = false
}

// rescan reads a file that changed. Cards that were claimed and are still
// there stay claimed.
func (r *restore) rescan(ctx context.Context, f *file) {
	taken := map[backup.Digest]int{}
	for _, id := range f.slots {
		if s := &r.match.slots[id]; s.state == claimed {
			taken[s.digest]++
		}
	}
	r.scan(ctx, f)
	now := map[backup.Digest][]int32{}
	for _, id := range f.slots {
		if d := r.match.slots[id].digest; taken[d] > 0 {
			taken[d]--
			r.match.claim(id, nil)
			now[d] = append(now[d], id)
		}
	}
	for item, id := range r.have {
		s := &r.match.slots[id]
		if ids := now[s.digest]; s.file == f && s.state == gone && len(ids) > 0 {
			r.have[item], now[s.digest] = ids[0], ids[1:]
		}
	}
}

// core identifies a card without the blanks around it, which change when it
// comes to stand beside others.
func (h hasher) core(raw []byte) uint64 {
	return h.sum("core", string(bytes.Trim(raw, "\x00\r\n\t "+bom8+bom16LE)))
}

// load reads the card in a slot again. It fails when the file changed.
func (r *restore) load(id int32) ([]byte, *card, error) {
	s := &r.match.slots[id]
	in, info, err := openFile(r.root, s.file.name)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	if !sameState(info, s.file.info) {
		return nil, nil, backup.Changed
	}
	raw := make([]byte, s.size)
	if _, err := in.ReadAt(raw, s.at); err != nil {
		return nil, nil, err
	}
	c, err := parseCard(raw)
	return raw, c, err
}

// incoming is a card on its way in. It belongs to one goroutine at a time.
type incoming struct {
	item     backup.Item
	group    string
	features features

	// Set while a batch is applied:
	slot   int32  // that it has, or nobody
	file   *file  // that it goes to or is in
	at     int64  // where insert goes
	insert []byte // what merging adds to the slot
	merged bool
}

// Discard implements [backup.Staged].
func (*incoming) Discard() error { return nil }

// Stage implements [backup.Restore]. It fails with TooLarge, or with Malformed
// when the value is not exactly one card.
func (r *restore) Stage(_ context.Context, it backup.Item) (backup.Staged, error) {
	if it.Type != backup.TypeEntity {
		return nil, backup.Fail("stage", Kind, backup.Unsupported, nil)
	}
	if len(it.Value) > backup.MaxValue {
		return nil, backup.Fail("stage", Kind, backup.TooLarge, nil)
	}
	s := newSplitter(bytes.NewReader(it.Value), backup.MaxValue)
	pc, err := s.next()
	if err != nil || pc.reason != 0 || pc.size != int64(len(it.Value)) {
		return nil, backup.Fail("stage", Kind, backup.Malformed, errNoCard)
	}
	c, err := parseCard(it.Value)
	if err != nil {
		return nil, backup.Fail("stage", Kind, backup.Malformed, err)
	}
	return &incoming{
		item: it, group: cleanGroup(it.Group), slot: nobody,
		features: r.match.hash.features(c, it.Value),
	}, nil
}

// defaultFile takes cards whose own file has no name that can be used.
const defaultFile = "contacts.vcf"

// cleanGroup returns the path that a group names below Contacts, or the
// default: the other device does not choose places outside it.
func cleanGroup(g string) string {
	if len(g) > backup.MaxKey || !isVCF(g) || strings.ContainsAny(g, "\x00\\") ||
		path.Clean(g) != g || !filepath.IsLocal(filepath.FromSlash(g)) {
		return defaultFile
	}
	for name := range strings.SplitSeq(g, "/") {
		if len(name) > 255 {
			return defaultFile
		}
	}
	return g
}

// Check implements [backup.Checker]. It answers Have when a card with the same
// bytes is here and not spoken for. That card is then this item's.
func (r *restore) Check(_ context.Context, it backup.Item, _ backup.Prior) backup.Answer {
	if it.Size > backup.MaxValue || len(it.Value) > backup.MaxValue {
		return backup.Answer{Verdict: backup.Refuse, Err: backup.Fail("check", Kind, backup.TooLarge, nil)}
	}
	digest := it.Digest
	if digest.IsZero() && it.Value != nil {
		digest = digestOf(it.Value)
	}
	need := backup.Answer{Verdict: backup.Need}
	if digest.IsZero() {
		return need
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := r.match.hash.sum("item", string(it.Key))
	id, ok := r.have[key]
	if !ok || r.match.slots[id].digest != digest {
		id = r.match.exact(digest)
	}
	if r.closed || id == nobody || !r.unchanged(r.match.slots[id].file) {
		return need
	}
	r.match.claim(id, nil)
	r.have[key] = id
	return backup.Answer{Verdict: backup.Have, Digest: digest}
}

// unchanged reports whether a file is the one that was read or written last.
func (r *restore) unchanged(f *file) bool {
	info, err := r.root.Lstat(path.Join(Folder, f.name))
	if f.info == nil {
		return err != nil // whatever it is, writing will say
	}
	return err == nil && info.Mode().IsRegular() && sameState(info, f.info)
}

// Close implements [backup.Restore]. It waits for a commit that is running.
func (r *restore) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var errs []error
	for name := range r.parts {
		if err := r.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fileErr("clean up", err))
		}
	}
	clear(r.parts)
	return errors.Join(errs...)
}
