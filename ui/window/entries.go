package window

import (
	"slices"

	"github.com/ferry-move/ferry/app/flow"
)

const (
	// perPage is how many entries are fetched at once: more than a screen has.
	perPage = 64
	// keptPages is how many of those are held, so that a scroll to and fro fetches
	// nothing.
	keptPages = 8
)

// entries are the items of one kind, of which those that were looked at last are
// held. It belongs to the goroutine that draws.
type entries struct {
	fetch func(from, n int) flow.Page
	flow.Page
	pages map[int][]flow.Entry
	used  []int // the latest last
}

// renew takes in what changed: all that is held is fetched anew when it is seen.
func (e *entries) renew() {
	e.Page = e.fetch(0, 0)
	e.pages, e.used = map[int][]flow.Entry{}, e.used[:0]
}

// at returns an entry; ok = false if there is none any more.
func (e *entries) at(i int) (flow.Entry, bool) {
	n := i / perPage
	page, held := e.pages[n]
	if !held {
		page = e.fetch(n*perPage, perPage).Items
		e.pages[n] = page
		if e.used = append(e.used, n); len(e.used) > keptPages {
			delete(e.pages, e.used[0])
			e.used = slices.Delete(e.used, 0, 1)
		}
	}
	if i -= n * perPage; i >= len(page) {
		return flow.Entry{}, false
	}
	return page[i], true
}
