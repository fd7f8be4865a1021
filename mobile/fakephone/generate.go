package fakephone

import (
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// perFolder is how many files a folder holds. It is even, so that the two
// names of a pair lie in one folder.
const perFolder = 500

// maxName is the longest name of a file that phones can write, in bytes.
const maxName = 255

// generator makes one kind's items. It is immutable.
//
// Files are numbered from 0, and so are the places of a sequence:
//
//	base folder, folder 0, file 0 … file 499, folder 1, file 500 …
//
// The last number in a name is the file's own, so an item is found by its key
// without a table.
type generator struct {
	kind    *kind
	seed    uint64
	count   int // contacts, or files
	size    Range
	bad     uint64 // see chance
	changes uint64
}

// fault is what is wrong with an item.
type fault uint8

const (
	none     fault = iota
	unlisted       // it cannot be listed
	unopened       // it cannot be opened
	changing       // it changes when half of it was read
)

func newGenerator(k *kind, c Config, count int, size Range) *generator {
	return &generator{
		kind: k, seed: kindSeed(c.Seed, k.info.Kind), count: count, size: size,
		bad: chance(c.Unreadable), changes: chance(c.ChangeWhileReading),
	}
}

// len returns how many items there are, folders included.
func (g *generator) len() int {
	if g.count == 0 || g.kind.info.Entities {
		return g.count
	}
	return 1 + (g.count+perFolder-1)/perFolder + g.count
}

// at returns the item at place p of the sequence and what is wrong with it.
func (g *generator) at(p int) (backup.Item, fault) {
	if g.kind.info.Entities {
		return g.contact(p), g.fault(p)
	}
	if p == 0 {
		return g.directory(g.kind.base, -1), none
	}
	folder, r := (p-1)/(perFolder+1), (p-1)%(perFolder+1)
	if r == 0 {
		return g.directory(g.kind.base+"/"+string(g.folder(nil, folder)), folder), none
	}
	i := folder*perFolder + r - 1
	return g.file(i), g.fault(i)
}

// place returns where file i is in the sequence.
func (g *generator) place(i int) int {
	if g.kind.info.Entities {
		return i
	}
	return 2 + i/perFolder*(perFolder+1) + i%perFolder
}

// rng returns the random numbers of item i for one purpose. Those of the item
// itself, its content and its faults do not depend on each other.
func (g *generator) rng(i int, purpose uint64) rng {
	return rng(mix(g.seed ^ mix(uint64(i)<<8|purpose)))
}

const (
	forItem uint64 = iota
	forName
	forContent
	forFault
	forFolder
)

func (g *generator) fault(i int) fault {
	if g.bad|g.changes == 0 {
		return none
	}
	r := g.rng(i, forFault)
	switch bad, changes, half := r.next()>>11, r.next()>>11, r.next()>>63; {
	case bad < g.bad && (half == 0 || g.kind.info.Entities):
		return unlisted
	case bad < g.bad:
		return unopened
	case changes < g.changes && !g.kind.info.Entities:
		return changing
	}
	return none
}

func (g *generator) directory(key string, folder int) backup.Item {
	r := g.rng(folder+1, forFolder)
	return backup.Item{
		Kind: g.kind.info.Kind, Type: backup.TypeDirectory, Key: backup.Key(key), Mode: 0o755, ModTime: stamp(&r),
	}
}

// folder appends the name of a folder to b.
func (g *generator) folder(b []byte, n int) []byte {
	if n < len(g.kind.folders) {
		return append(b, g.kind.folders[n]...)
	}
	r := g.rng(n, forName|0x80)
	b = append(b, words[r.n(len(words))]...)
	b = append(b, ' ')
	return strconv.AppendInt(b, int64(n), 10)
}

func (g *generator) file(i int) backup.Item {
	r := g.rng(i, forItem)
	mtime := stamp(&r)
	size := r.in(g.size)
	mode := [4]fs.FileMode{0o644, 0o660, 0o600, 0}[r.n(4)]
	var space [maxName + 128]byte
	b := append(space[:0], g.kind.base...)
	b = append(b, '/')
	b = append(g.folder(b, i/perFolder), '/')
	return backup.Item{
		Kind: g.kind.info.Kind, Type: backup.TypeFile, Key: backup.Key(g.name(b, i)),
		Size: size, Mode: mode, ModTime: mtime,
	}
}

// name appends the name of file i to b.
func (g *generator) name(b []byte, i int) []byte {
	start := len(b)
	turn := i % 64
	if turn == 7 { // the other form of file i-1's name
		i--
	}
	r := g.rng(i, forName)
	ext := g.kind.exts[r.n(len(g.kind.exts))]
	word := words[r.n(len(words))]
	switch {
	case turn == 6 || turn == 7:
		b = append(b, forms[r.n(len(forms))][turn-6]...)
	case turn == 17 && g.kind.raw:
		b = append(b, "caf\xe9"...) // Latin-1
	case turn == 33: // as long as a name can be
		end := start + maxName - len(ext) - 1 - digits(i)
		for len(b)+len(word)+1 <= end {
			b = append(append(b, word...), ' ')
		}
		for len(b) < end {
			b = append(b, 'x')
		}
	case turn == 49:
		b = append(append(b, '.'), word...)
	case len(g.kind.stamps) > 0 && turn%8 != 5:
		b = append(b, g.kind.stamps[r.n(len(g.kind.stamps))]...)
		b = stamp(&r).AppendFormat(b, "20060102_150405")
	default:
		b = append(append(b, word...), ' ')
		b = append(b, words[r.n(len(words))]...)
	}
	b = append(b, " _"[i&1])
	b = strconv.AppendInt(b, int64(i), 10)
	return append(b, ext...)
}

// find returns the place of the item that key names.
func (g *generator) find(key backup.Key) (int, bool) {
	if g.kind.info.Entities {
		i, ok := contactNumber(key)
		return i, ok && i < g.count && contactKey(g, i) == string(key)
	}
	rest, ok := strings.CutPrefix(string(key), g.kind.base)
	if !ok || g.count == 0 {
		return 0, false
	}
	if rest == "" {
		return 0, true
	}
	folder, name, isFile := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if !isFile {
		n, ok := number(folder)
		for i, f := range g.kind.folders {
			if f == folder {
				n, ok = i, true
			}
		}
		if !ok || n > g.count/perFolder {
			return 0, false
		}
		p := 1 + n*(perFolder+1)
		return p, p < g.len() && g.key(p) == key
	}
	for _, ext := range g.kind.exts {
		stem, ok := strings.CutSuffix(name, ext)
		if !ok {
			continue
		}
		n, ok := number(stem)
		if !ok {
			continue
		}
		for i := n; i <= n+1 && i < g.count; i++ {
			if p := g.place(i); g.key(p) == key {
				return p, true
			}
		}
	}
	return 0, false
}

func (g *generator) key(p int) backup.Key {
	it, _ := g.at(p)
	return it.Key
}

// number returns the number at the end of s.
func number(s string) (int, bool) {
	n := strings.LastIndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	i, err := strconv.Atoi(s[n+1:])
	return i, err == nil
}

func digits(i int) int {
	n := 1
	for ; i >= 10; i /= 10 {
		n++
	}
	return n
}

// stamp returns a time between 2009 and 2025 with nanoseconds.
func stamp(r *rng) time.Time {
	const from, span = 1_230_768_000, 505_000_000
	return time.Unix(from+int64(r.n(span)), int64(r.n(1e9))).UTC()
}
