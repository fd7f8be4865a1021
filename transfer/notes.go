package transfer

import (
	"cmp"
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
)

// notes are an agent's, in the journal. A journal that fails costs a later run
// leftovers and folders' times, not data.
type notes struct{ j *journal.Journal }

func (n notes) Making(path string)    { n.j.Temporary(backup.Key(path)) }
func (n notes) Made(path string) bool { return n.j.Noted(backup.Key(path)) }

func (r *receiver) notes() backup.Notes {
	if r.journal == nil {
		return nil
	}
	return notes{r.journal}
}

// madeEarlier reports whether a folder was made by a run that was killed before
// it noted the folder's item.
func (r *receiver) madeEarlier(it backup.Item, res backup.Result) bool {
	return r.journal.Noted(cmp.Or(res.Name, it.Key) + "/")
}

// foldersDone takes the notes of folders back: they have their times.
func (r *receiver) foldersDone() {
	if r.journal == nil {
		return
	}
	for _, n := range r.journal.Temporaries() {
		if strings.HasSuffix(string(n), "/") {
			r.journal.Gone(n)
		}
	}
}
