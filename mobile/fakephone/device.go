package fakephone

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
)

// DefaultFree is how many bytes a phone can take when [Config] does not say.
const DefaultFree = 1 << 40

// Config says what a phone is like. The zero value is a small phone with a few
// items of every kind, some 20 MB in all.
type Config struct {
	// Seed makes everything. Phones with the same Config are equal.
	Seed uint64

	// How many items there are of each kind; folders come on top. 0 = a few,
	// below 0 = none.
	Contacts, Documents, Photos, Videos, Music, Recordings, Downloads, Files int
	// Secrets is how many passwords there are. 0 = the phone does not know that
	// kind; below 0 = it knows it, and has none.
	Secrets int
	// Empty makes a phone out of its box: it has no items, whatever the counts
	// say.
	Empty bool
	// Sizes replaces how large the files of a kind are.
	Sizes map[backup.Kind]Range

	// Unreadable is the part of all items, 0 to 1, that cannot be read. Half
	// of such files fail when they are listed, half when they are opened.
	Unreadable float64
	// ChangeWhileReading is the part of all files, 0 to 1, that change when
	// half of their content was read, each time.
	ChangeWhileReading float64

	// Free is how many bytes of content the phone can take. 0 = DefaultFree,
	// below 0 = none.
	Free int64
	// Keep is how many bytes of received files are held in memory so that they
	// can be opened again. 0 = none: only size, time and digest are kept, and
	// opening such a file fails with Unreadable.
	Keep int64
}

// Range holds sizes in bytes, both ends included. Small ones are as frequent
// as large ones on a logarithmic scale. A Max below Min counts as Min.
type Range struct {
	Min, Max int64
}

// Device is a fake phone. It is safe for use by several goroutines.
type Device struct {
	agents []*agent
	free   atomic.Int64 // bytes that can still be taken in
	keep   atomic.Int64 // bytes that can still be held
	temps  atomic.Int64 // temporary names given
	closed atomic.Bool
}

var _ mobile.Device = (*Device)(nil)

var errClosed = errors.New("it is closed")

// New makes a phone.
func New(c Config) *Device {
	d := new(Device)
	switch {
	case c.Free == 0:
		d.free.Store(DefaultFree)
	case c.Free > 0:
		d.free.Store(c.Free)
	}
	d.keep.Store(max(c.Keep, 0))
	all := kinds
	if c.Secrets != 0 {
		all = append(slices.Clip(kinds), secrets)
	}
	for i := range all {
		k := &all[i]
		n := c.count(k.info.Kind)
		switch {
		case c.Empty || n < 0:
			n = 0
		case n == 0:
			n = k.count
		}
		size, ok := c.Sizes[k.info.Kind]
		if !ok {
			size = k.size
		}
		d.agents = append(d.agents, &agent{dev: d, gen: newGenerator(k, c, n, size), store: newStore()})
	}
	return d
}

func (c *Config) count(k backup.Kind) int {
	switch k {
	case Contacts:
		return c.Contacts
	case Documents:
		return c.Documents
	case Photos:
		return c.Photos
	case Videos:
		return c.Videos
	case Music:
		return c.Music
	case Recordings:
		return c.Recordings
	case Downloads:
		return c.Downloads
	case Secrets:
		return c.Secrets
	}
	return c.Files
}

// Agents implements [mobile.Device].
func (d *Device) Agents() []backup.Agent {
	all := make([]backup.Agent, len(d.agents))
	for i, a := range d.agents {
		all[i] = a
	}
	return all
}

// Agent returns the agent for kind, or nil if the phone has none.
func (d *Device) Agent(kind backup.Kind) backup.Agent {
	if a := d.agent(kind); a != nil {
		return a
	}
	return nil
}

func (d *Device) agent(kind backup.Kind) *agent {
	for _, a := range d.agents {
		if a.gen.kind.info.Kind == kind {
			return a
		}
	}
	return nil
}

// Free implements [mobile.Device]. What is staged counts as taken.
func (d *Device) Free() (int64, error) { return d.free.Load(), nil }

// Close implements [mobile.Device]. Agents cannot be opened afterwards.
func (d *Device) Close() error {
	d.closed.Store(true)
	return nil
}

// Len returns how many items of kind the phone holds, folders included.
func (d *Device) Len(kind backup.Kind) int {
	a := d.agent(kind)
	if a == nil {
		return 0
	}
	return a.gen.len() + a.store.extra()
}

// Remove takes an item away, as its owner may at any time, and reports whether
// it was there.
func (d *Device) Remove(kind backup.Kind, key backup.Key) bool {
	a := d.agent(kind)
	return a != nil && a.remove(key)
}

// Transport returns what the agent for kind was last opened with, for reading
// and for taking in; zero if it never was.
func (d *Device) Transport(kind backup.Kind) (backup, restore backup.Transport) {
	a := d.agent(kind)
	if a == nil {
		return
	}
	return a.seen()
}

// take moves n bytes out of a budget, or nothing if there are not as many.
func take(budget *atomic.Int64, n int64) bool {
	for {
		have := budget.Load()
		if n > have {
			return false
		}
		if budget.CompareAndSwap(have, have-n) {
			return true
		}
	}
}
