package contacts

import (
	"bytes"
	"slices"
	"strings"
)

// unit is what moves from one card to another as a whole: a property, or the
// properties that share a group.
type unit struct {
	props []*property
	key   hash16
}

// units returns the card's units in order. A group of one is no group.
func (c *card) units() []unit {
	var out []unit
	group := map[string]int{}
	for i := range c.props {
		p := &c.props[i]
		if p.group == "" {
			out = append(out, unit{props: []*property{p}})
			continue
		}
		name := strings.ToLower(p.group)
		if at, ok := group[name]; ok {
			out[at].props = append(out[at].props, p)
			continue
		}
		group[name] = len(out)
		out = append(out, unit{props: []*property{p}})
	}
	for i := range out {
		out[i].setKey()
	}
	return out
}

func (u *unit) setKey() {
	if len(u.props) == 1 {
		u.key = u.props[0].key()
		return
	}
	keys := make([]hash16, len(u.props))
	for i, p := range u.props {
		keys[i] = p.key()
	}
	u.key = sumKeys("group", keys)
}

// sumKeys hashes a set.
func sumKeys(label string, keys []hash16) hash16 {
	slices.SortFunc(keys, func(a, b hash16) int { return bytes.Compare(a[:], b[:]) })
	b := part(make([]byte, 0, 16*len(keys)+16), label)
	for _, k := range slices.Compact(keys) {
		b = append(b, k[:]...)
	}
	return sum16(b)
}

// set identifies the set of the card's units.
func (c *card) set() hash16 {
	units := c.units()
	keys := make([]hash16, len(units))
	for i := range units {
		keys[i] = units[i].key
	}
	return sumKeys("card", keys)
}

// contents is what a card holds, to be asked whether it holds more.
type contents struct {
	units map[hash16]bool
	types map[hash16][][]string // of each property, by its base
}

func (c *card) contents() *contents {
	held := &contents{map[hash16]bool{}, map[hash16][][]string{}}
	for _, u := range c.units() {
		held.add(u)
	}
	return held
}

func (h *contents) add(u unit) {
	h.units[u.key] = true
	for _, p := range u.props {
		base := p.base()
		h.types[base] = append(h.types[base], p.types)
	}
}

// has reports whether u is there: as it is, or, outside a group, as a property
// with the same value that says at least as much about it.
func (h *contents) has(u unit) bool {
	if h.units[u.key] {
		return true
	}
	if len(u.props) > 1 {
		return false
	}
	p := u.props[0]
	return slices.ContainsFunc(h.types[p.base()], func(types []string) bool {
		return !slices.ContainsFunc(p.types, func(t string) bool { return !slices.Contains(types, t) })
	})
}

// missing returns the units of c that h does not have, each once.
func (h *contents) missing(c *card) []unit {
	var out []unit
	seen := map[hash16]bool{}
	for _, u := range c.units() {
		if !h.has(u) && !seen[u.key] {
			seen[u.key] = true
			out = append(out, u)
		}
	}
	return out
}
