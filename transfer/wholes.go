package transfer

import (
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
)

// maxOpen is the most that the names of things take of which parts were listed
// and not the end, in bytes, each with openCost besides.
const (
	maxOpen  = 4 << 20
	openCost = 64
)

// wholes holds that each thing of a [backup.Wholer] of which parts are listed is
// listed itself behind them, as the entity that ends it or as one that failed.
// Only that tells whether the thing is there: its parts have their results by
// then, and on the disk they are no use without it. It belongs to the read loop.
type wholes struct {
	of   backup.Wholer
	open map[backup.Key]struct{} // things that have parts and no end yet
	held int                     // what those take
}

func newWholes(of backup.Wholer) *wholes {
	return &wholes{of: of, open: map[backup.Key]struct{}{}}
}

// list takes the next item of the manifest; failed tells that it is listed with
// a reason why it does not move.
func (w *wholes) list(it backup.Item, failed bool) error {
	key := w.of.Whole(it.Key)
	_, open := w.open[key]
	cost := len(key) + openCost
	switch {
	case it.Key == key:
		if open && (failed || it.Type == backup.TypeEntity) {
			delete(w.open, key)
			w.held -= cost
		}
	case failed, open:
	case w.held+cost > maxOpen:
		return protocolError("parts of too many things at once")
	default:
		w.open[backup.Key(strings.Clone(string(key)))] = struct{}{}
		w.held += cost
	}
	return nil
}

// ended returns an error unless everything that has parts has its end.
func (w *wholes) ended() error {
	if len(w.open) > 0 {
		return protocolError("parts of %d things, and not their ends", len(w.open))
	}
	return nil
}
