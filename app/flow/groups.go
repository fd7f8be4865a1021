package flow

import (
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Limits of what a snapshot holds. What is more is counted.
const (
	maxDevices = 64
	maxKinds   = 64
	maxReasons = 32
	maxNames   = 5
	maxAddrs   = 32
	// maxText is the longest text of another device's, in runes.
	maxText = 300
)

// Named is an item that a group names. Key and Name are cut.
type Named struct {
	Kind backup.Kind
	Key  backup.Key
	Name backup.Key // what it is called there, where that differs
}

// Group is the items that share a reason.
type Group struct {
	// Reason is 0 where there is none. The last of many groups is Unknown and holds
	// those of all other reasons too.
	Reason backup.Reason
	Count  uint64
	Names  []Named // the first few
}

func (g *Group) add(n Named) {
	g.Count++
	if len(g.Names) < maxNames {
		n.Kind, n.Key, n.Name = backup.Kind(cut(string(n.Kind))), backup.Key(cut(string(n.Key))), backup.Key(cut(string(n.Name)))
		g.Names = append(g.Names, n)
	}
}

func (g Group) clone() Group {
	g.Names = slices.Clone(g.Names)
	return g
}

// tally counts items that need telling, in little memory however many come. The
// zero value is empty.
type tally struct {
	left    []Group // by reason, in the order in which they came
	renamed Group
	differs Group
}

// ended takes in an item that failed, or with reason 0 one that has another name.
func (t *tally) ended(n Named, reason backup.Reason) {
	if reason == 0 {
		t.renamed.add(n)
		return
	}
	of := func(r backup.Reason) int {
		return slices.IndexFunc(t.left, func(g Group) bool { return g.Reason == r })
	}
	at := of(reason)
	if at < 0 && len(t.left) >= maxReasons-1 { // the last place is for all others
		reason = backup.Unknown
		at = of(reason)
	}
	if at < 0 {
		at = len(t.left)
		t.left = append(t.left, Group{Reason: reason})
	}
	t.left[at].add(n)
}

// groups returns the items that failed, by reason.
func (t *tally) groups() (out []Group) {
	for _, g := range t.left {
		out = append(out, g.clone())
	}
	return out
}

// cut bounds a text of another device's.
func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxText {
			return strings.Clone(s[:i])
		}
	}
	return s
}

// atMost bounds a list and says how many it cut.
func atMost[T any](all []T, n int) (some []T, more int) {
	n = min(n, len(all))
	return all[:n:n], len(all) - n
}
