package transfer_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// blank is an agent with nothing of its kind yet.
type blank struct{ backup.Agent }

func (b blank) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := b.Agent.Restore(ctx, t)
	return blankTarget{r}, err
}

type blankTarget struct{ backup.Restore }

func (blankTarget) Blank() bool { return true }

// blankContacts gives the receiver contacts of which it has none.
func blankContacts(c *transfer.ReceiveConfig) {
	c.Agents = slices.Clone(c.Agents)
	for i, a := range c.Agents {
		if a.Info().Kind == "contacts" {
			c.Agents[i] = blank{a}
		}
	}
}

// unasked lists an entity that comes without being asked for.
func unasked(value string) wire.Entry {
	e := entity(value)
	e.Digest = nil
	return e
}

// Entities of a kind of which nothing is here come unasked, before they are
// listed or after, and each has its result.
func TestUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dst := receiving(t, blankContacts, func(f *fake) {
			f.protocol = wire.CompactSince
			f.opens()
			if !slices.Equal(f.answer.Unasked, []uint32{1}) {
				t.Errorf("unasked come %v", f.answer.Unasked)
			}
			a, b, c := "BEGIN:VCARD\nFN:A\nEND:VCARD\n", "BEGIN:VCARD\nFN:BB\nEND:VCARD\n", "BEGIN:VCARD\nFN:CCC\nEND:VCARD\n"
			f.bundle(wire.Piece{Item: 2, Data: []byte(b)}, wire.Piece{Item: 1, Data: []byte(a)})
			synctest.Wait()
			f.say(&wire.List{First: 1, Entries: []wire.Entry{unasked(a), unasked(b), unasked(c)}})
			synctest.Wait()
			f.bundle(wire.Piece{Item: 3, Data: []byte(c)})
			f.adds(3)
			f.parts(3)
		})
		if e.err != nil || dst.Len("contacts") != 3 || e.report.SentItems != 3 {
			t.Fatalf("%v, %d contacts, %d sent", e.err, dst.Len("contacts"), e.report.SentItems)
		}
		if _, err := receipt.Verify(e.report.Receipt); err != nil {
			t.Error(err)
		}
	})
}

// TestHostileUnasked: what comes unasked must be what may, once, and of the
// length that is listed.
func TestHostileUnasked(t *testing.T) {
	piece := func(id uint64, data string) func(*fake) {
		return func(f *fake) { f.bundle(wire.Piece{Item: id, Data: []byte(data)}) }
	}
	list := func(es ...wire.Entry) func(*fake) {
		return func(f *fake) { f.say(&wire.List{First: 1, Entries: es}); synctest.Wait() }
	}
	for name, c := range map[string]struct {
		tune  func(*transfer.ReceiveConfig)
		steps []func(*fake)
	}{
		"a kind that is here":       {nil, []func(*fake){list(unasked("card"))}},
		"ahead, where nothing may":  {nil, []func(*fake){piece(1, "card")}},
		"a piece twice":             {blankContacts, []func(*fake){piece(1, "card"), piece(1, "card")}},
		"beyond the window":         {blankContacts, []func(*fake){piece(1+transfer.Window, "card")}},
		"another length":            {blankContacts, []func(*fake){piece(1, "cards"), list(unasked("card"))}},
		"a file ahead":              {blankContacts, []func(*fake){piece(1, "content"), list(file("Documents/a", 7))}},
		"ahead, and with a digest":  {blankContacts, []func(*fake){piece(1, "card"), list(entity("card"))}},
		"a large one":               {blankContacts, []func(*fake){piece(1, string(make([]byte, wire.PushBelow)))}},
		"a block of one":            {blankContacts, []func(*fake){list(unasked("card")), func(f *fake) { f.block(wire.BlockHeader{Item: 1}, []byte("card")) }}},
		"a hash, where it needs no": {blankContacts, []func(*fake){func(f *fake) { f.bundle(wire.Piece{Item: 1, Hashed: true, Data: []byte("card")}) }}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, dst := receiving(t, c.tune, func(f *fake) {
					f.protocol = wire.CompactSince
					f.opens()
					for _, step := range c.steps {
						step(f)
						synctest.Wait()
					}
					if why := f.heardStop(); why != wire.StopProtocol {
						t.Errorf("it heard stop %d", why)
					}
				})
				if !errors.Is(e.err, transfer.ErrProtocol) || dst.Len("contacts") > 0 {
					t.Errorf("%v, %d contacts", e.err, dst.Len("contacts"))
				}
			})
		})
	}
}
