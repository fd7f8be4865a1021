package transfer_test

import (
	"math"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
)

// An old phone in use may list more than it offered, within bounds; what it could
// do with a number of its own is to have the new phone wait for space for ever.
func TestMoreThanOffered(t *testing.T) {
	const growth = 16 << 30
	for name, c := range map[string]struct {
		offered [3]uint64 // by kind; the last one is not accepted
		most    []uint64  // sizes that may be listed, and not a byte more
	}{
		"a little":                  {[3]uint64{100, 20, 1 << 60}, []uint64{growth, 100, 20}},
		"nothing":                   {[3]uint64{}, []uint64{1, growth - 1}},
		"much":                      {[3]uint64{40 << 30, 2 << 30, 0}, []uint64{80 << 30, 4 << 30}},
		"of a kind nothing":         {[3]uint64{0, 20 << 30, 0}, []uint64{40 << 30}},
		"more than there are bytes": {[3]uint64{math.MaxInt64, 1 << 33, math.MaxInt64}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := receiving(t, nil, func(f *fake) {
					o := offer()
					for i := range o.Kinds {
						o.Kinds[i].Bytes = c.offered[i]
					}
					f.say(f.hello())
					hear[*wire.Hello](f)
					f.say(o)
					f.answer = hear[*wire.Answer](f)
					next := uint64(1)
					lists := func(es ...wire.Entry) {
						f.say(&wire.Items{First: next, Entries: es})
						next += uint64(len(es))
					}
					gone := file("Documents/gone", wire.MaxSize)
					gone.Fail = uint16(backup.Vanished)
					lists(gone) // it does not come
					hear[*wire.Results](f)
					if c.most == nil {
						lists(file("Documents/a", 40*growth))
						hear[*wire.Want](f)
						f.cancels()
						return
					}
					for i, size := range c.most {
						lists(file("Documents/"+string(rune('a'+i)), size))
						hear[*wire.Want](f)
					}
					lists(file("Documents/z", 1))
					if why := f.heardStop(); why != wire.StopProtocol {
						t.Errorf("it heard stop %d", why)
					}
				})
				if c.most == nil {
					mustStop(t, e.err, wire.StopCancelled, true)
				} else {
					mustProtocol(t, e.err)
				}
			})
		})
	}
}
