package contacts

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strconv"

	"github.com/ferry-move/ferry/mobile/backup"
)

// errEntities tells that contacts have no content to open.
var errEntities = errors.New("a contact travels with its value")

// reader reads contacts. It is immutable.
type reader struct{ root *os.Root }

// Open implements [backup.Backup]. It always fails with Unsupported: a
// contact's content is its Value.
func (r *reader) Open(context.Context, backup.Item, int64) (io.ReadCloser, error) {
	return nil, backup.Fail("open", Kind, backup.Unsupported, errEntities)
}

// Close implements [backup.Backup].
func (r *reader) Close() error { return nil }

// Items implements [backup.Backup]. Files come in lexical order of each folder
// and the cards of a file in theirs. The sequence ends early when ctx does.
//
// What cannot be moved has a key by which a person finds it: the path of the
// file, with "#" and a number for what lies in it, counting cards and the text
// between them from 1.
func (r *reader) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		p := pass{yield: yield, keys: map[hash16]int{}}
		walk(ctx, r.root, func(name string, err error) bool {
			if err == nil {
				err = p.file(ctx, r.root, name)
			}
			if err == nil || p.stopped || ctx.Err() != nil {
				return !p.stopped && ctx.Err() == nil
			}
			return p.fail(p.unique(place(name, "")), fs.FileMode(0), nil, fileErr("read", err))
		})
	}
}

// pass is one run over all items.
type pass struct {
	yield   func(backup.Item, error) bool
	keys    map[hash16]int // how often each key was wanted
	stopped bool
}

func (p *pass) send(it backup.Item, err error) bool {
	p.stopped = !p.yield(it, err)
	return !p.stopped
}

func (p *pass) fail(key backup.Key, mode fs.FileMode, info fs.FileInfo, err error) bool {
	it := backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: key, Mode: mode}
	if info != nil {
		it.ModTime = info.ModTime()
	}
	return p.send(it, err)
}

// wanted counts how often a key was asked for before.
func (p *pass) wanted(key string) int {
	id := sum16([]byte(key))
	p.keys[id]++
	return p.keys[id] - 1
}

// unique returns key, with a number if it was there before.
func (p *pass) unique(key string) backup.Key {
	if n := p.wanted(key); n > 0 {
		key += "-" + strconv.Itoa(n+1)
	}
	return backup.Key(key)
}

// file yields the cards of one file. The error is about the file, and what was
// yielded before it stands.
func (p *pass) file(ctx context.Context, root *os.Root, name string) error {
	f, info, err := openFile(root, name)
	if err != nil {
		return err
	}
	defer f.Close()
	mode := info.Mode().Perm() & 0o666
	s := newSplitter(f, backup.MaxValue)
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		pc, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if !p.piece(pc, n, name, mode, info) {
			return nil
		}
	}
	if now, err := f.Stat(); err == nil && (now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime())) {
		return backup.Changed
	}
	return nil
}

// place is the key of what cannot be moved.
func place(name, in string) string {
	key := path.Join(Folder, name)
	return key[:min(len(key), backup.MaxKey-32)] + in
}

// piece yields what stands for the n-th piece of a file and reports whether to
// go on.
func (p *pass) piece(pc piece, n int, group string, mode fs.FileMode, info fs.FileInfo) bool {
	broken := place(group, "#"+strconv.Itoa(n))
	if pc.junk {
		return p.fail(p.unique(broken), mode, info, backup.Fail("read", Kind, pc.reason, errNoCard))
	}
	var c *card
	var err error
	if pc.reason == 0 {
		if c, err = parseCard(pc.raw); err != nil {
			pc.reason = backup.Malformed
		}
	}
	if pc.reason != 0 {
		return p.fail(p.unique(broken), mode, info, backup.Fail("read", Kind, pc.reason, err))
	}
	name := hex.EncodeToString(pc.digest[:16])
	key := backup.Key("uid:" + c.uid())
	if len(key) == len("uid:") || len(key) > backup.MaxKey || p.wanted(string(key)) > 0 {
		key = p.unique("card:" + name)
	}
	return p.send(backup.Item{
		Kind: Kind, Type: backup.TypeEntity, Key: key, Group: group, Value: pc.raw,
		Size: int64(len(pc.raw)), Mode: mode, ModTime: info.ModTime(),
	}, nil)
}
