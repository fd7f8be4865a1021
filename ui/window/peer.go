package window

import (
	"math"
	"strings"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
)

// nameOf is the other phone's name, fit to be shown; empty = it has none.
func nameOf(p flow.Peer) string { return strings.TrimSpace(say.Foreign(strings.TrimSpace(p.Name))) }

// size says so many bytes, which the other phone may have made up.
func (w *Window) size(n uint64) string { return w.words.Bytes(int64(min(n, math.MaxInt64))) }
