package window

import (
	"strings"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
)

// nameOf is the other phone's name, fit to be shown; empty = it has none.
func nameOf(p flow.Peer) string { return strings.TrimSpace(say.Foreign(strings.TrimSpace(p.Name))) }
