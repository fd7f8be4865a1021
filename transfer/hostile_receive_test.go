package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// TestHonestFake holds that the fake sender, left alone, gets to the end: what
// the other tests change is what makes them fail.
func TestHonestFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dst := receiving(t, nil, func(f *fake) {
			f.opens()
			f.moves("Documents/a", "content")
			f.parts(1)
		})
		if e.err != nil || dst.Len("documents") != 1 {
			t.Fatal(e.err)
		}
		if p, err := receipt.Verify(e.report.Receipt); err != nil || p.Protocol != 1 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// TestHonestBundle does the same with the frames of protocol 3, and speaks a
// later one, of which the session uses the lower number.
func TestHonestBundle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dst := receiving(t, nil, func(f *fake) {
			h := f.hello()
			h.Protocol = 9
			f.protocol = wire.Protocol
			f.say(h)
			if got := hear[*wire.Hello](f); got.Protocol != wire.Protocol || got.Device != string(f.peer) || !bytes.Equal(got.Session, f.session) {
				t.Errorf("hello %+v", got)
			}
			f.say(offer())
			f.answer = hear[*wire.Answer](f)
			content, card := []byte("content"), "BEGIN:VCARD\nFN:A\nEND:VCARD\n"
			f.say(&wire.List{First: 1, Entries: []wire.Entry{file("Documents/a", 7), entity(card), file("Documents/b", 7)}})
			for left := 3; left > 0; {
				for _, r := range hear[*wire.Need](f).Runs {
					left -= int(r.Count)
				}
			}
			sum := blake3.Sum256(content)
			f.bundle(wire.Piece{Item: 3, Hashed: true, Hash: sum, Data: content}, wire.Piece{Item: 2, Data: []byte(card)})
			f.bundle(wire.Piece{Item: 1, Hashed: true, Hash: sum, Data: content})
			f.adds(3)
			f.parts(3)
		})
		if e.err != nil || dst.Len("documents") != 2 || dst.Len("contacts") != 1 {
			t.Fatal(e.err)
		}
		if p, err := receipt.Verify(e.report.Receipt); err != nil || p.Protocol != wire.Protocol {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// TestAnotherSession: a receiver that goes on with a session takes no other.
func TestAnotherSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun transfer.SessionID
		e, _ := receiving(t, func(c *transfer.ReceiveConfig) {
			c.Session = transfer.SessionID{1}
			c.Begun = func(id transfer.SessionID) { begun = id }
			c.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
				t.Error("the person was asked")
				return transfer.Decision{}, nil
			}
		}, func(f *fake) {
			f.say(f.hello(), offer())
			if why := f.heardStop(); why != wire.StopProtocol {
				t.Errorf("it stops for the reason %d", why)
			}
		})
		if !errors.Is(e.err, transfer.ErrProtocol) || !begun.IsZero() {
			t.Errorf("%v, begun: %x", e.err, begun)
		}
	})
}

// TestHostileBundle: a bundle's pieces must be what was listed and wanted.
func TestHostileBundle(t *testing.T) {
	content := []byte("content")
	piece := func(id uint64, p []byte) wire.Piece {
		return wire.Piece{Item: id, Hashed: true, Hash: blake3.Sum256(p), Data: p}
	}
	for name, ps := range map[string][]wire.Piece{
		"another length":         {piece(1, []byte("contents"))},
		"a file without a hash":  {{Item: 1, Data: content}},
		"an entity with a hash":  {piece(2, content)},
		"an entity's length":     {{Item: 2, Data: []byte("contents")}},
		"a file of many blocks":  {piece(3, content)},
		"one that is right also": {piece(1, content), {Item: 2, Data: []byte("contents")}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := receiving(t, nil, func(f *fake) {
					f.protocol = wire.CompactSince
					f.opens()
					f.say(&wire.List{First: 1, Entries: []wire.Entry{file("Documents/a", 7), entity("content"), file("Documents/c", 2*wire.BlockSize)}})
					for left := 3; left > 0; {
						for _, r := range hear[*wire.Need](f).Runs {
							left -= int(r.Count)
						}
					}
					f.bundle(ps...)
					if why := f.heardStop(); why != wire.StopProtocol {
						t.Errorf("it heard stop %d", why)
					}
				})
				if !errors.Is(e.err, transfer.ErrProtocol) {
					t.Error(e.err)
				}
			})
		})
	}
}

// TestHostileSender: each way in which a sender may break the rules of the
// opening, the manifest, the lanes and the account.
func TestHostileSender(t *testing.T) {
	content := []byte("content")
	sum := blake3.Sum256(content)
	opened := func(f func(*fake)) func(*fake) { return func(x *fake) { x.opens(); f(x) } }
	wanted := func(f func(*fake)) func(*fake) { // item 1 is wanted
		return opened(func(x *fake) {
			x.say(&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 7)}})
			hear[*wire.Want](x)
			f(x)
		})
	}
	twice := func(m wire.Message) func(*fake) { return opened(func(f *fake) { f.say(m, m) }) }
	for name, script := range map[string]func(*fake){
		"another device in its hello": func(f *fake) {
			h := f.hello()
			h.Device = string(f.peer)
			f.say(h)
		},
		"no device in its hello":       func(f *fake) { h := f.hello(); h.Device = ""; f.say(h) },
		"hello twice":                  func(f *fake) { f.say(f.hello(), f.hello()) },
		"an offer before hello":        func(f *fake) { f.say(offer()) },
		"items of a kind not accepted": opened(func(f *fake) { e := file("a", 1); e.Kind = 2; f.say(&wire.Items{First: 1, Entries: []wire.Entry{e}}) }),
		"items of a kind not offered":  opened(func(f *fake) { e := file("a", 1); e.Kind = 3; f.say(&wire.Items{First: 1, Entries: []wire.Entry{e}}) }),
		"items of the last kind there is": opened(func(f *fake) {
			e := file("a", 1)
			e.Kind = 1<<32 - 1
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{e}})
		}),
		"an entity among files": opened(func(f *fake) {
			e := entity("x")
			e.Kind = 0
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{e}})
		}),
		"a file among entities": opened(func(f *fake) {
			e := file("a", 1)
			e.Kind = 1
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{e}})
		}),
		"IDs from 2": opened(func(f *fake) { f.say(&wire.Items{First: 2, Entries: []wire.Entry{file("a", 1)}}) }),
		"IDs twice":  twice(&wire.Items{First: 1, Entries: []wire.Entry{file("a", 1)}}),
		"IDs with a gap": opened(func(f *fake) {
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{file("a", 1)}}, &wire.Items{First: 3, Entries: []wire.Entry{file("b", 1)}})
		}),
		"an end with too many": opened(func(f *fake) { f.say(&wire.End{Items: 1}) }),
		"an end with too few":  wanted(func(f *fake) { f.say(&wire.End{Items: 0}) }),
		"an end twice":         twice(&wire.End{}),
		"items after the end":  wanted(func(f *fake) { f.say(&wire.End{Items: 1}, &wire.Items{First: 2, Entries: []wire.Entry{file("b", 1)}}) }),
		"too many items": opened(func(f *fake) {
			for first := uint64(1); first <= uint64(transfer.WindowOf(1))+1; first += wire.MaxBatch {
				m := &wire.Items{First: first}
				for i := range uint64(wire.MaxBatch) {
					m.Entries = append(m.Entries, file(fmt.Sprint("Documents/", first+i), 9))
				}
				f.say(m)
			}
		}),
		"too many items behind one that stands still": opened(func(f *fake) {
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 7)}})
			hear[*wire.Want](f)
			for first := uint64(2); first <= uint64(transfer.WindowOf(1))+1000; first++ { // all of these end at once
				e := file("gone", 1)
				e.Fail = uint16(backup.Vanished)
				f.say(&wire.Items{First: first, Entries: []wire.Entry{e}})
			}
		}),
		"too many bytes of keys": opened(func(f *fake) {
			for first := uint64(1); first <= uint64(transfer.WindowOf(1)); first += 100 {
				m := &wire.Items{First: first}
				for i := range uint64(100) {
					e := file(longKey(first+i), 9)
					e.Group = e.Key
					m.Entries = append(m.Entries, e)
				}
				f.say(m)
			}
		}),
		"too many bytes of entities": opened(func(f *fake) {
			const n = 16 << 20
			for id := uint64(1); id <= 5; id++ {
				e := entity(fmt.Sprint(id))
				e.Size = n
				f.say(&wire.Items{First: id, Entries: []wire.Entry{e}})
				hear[*wire.Want](f)
				p := make([]byte, wire.BlockSize)
				f.block(wire.BlockHeader{Item: id, Hash: tree.Block(p, 0, n)}, p)
			}
		}),
		"a block that is too short":     wanted(func(f *fake) { f.block(wire.BlockHeader{Item: 1, Hash: sum}, content[1:]) }),
		"a block that is too long":      wanted(func(f *fake) { f.block(wire.BlockHeader{Item: 1, Hash: sum}, append(content, 1)) }),
		"a block beyond the end":        wanted(func(f *fake) { f.block(wire.BlockHeader{Item: 1, Hash: sum, Offset: wire.BlockSize}, content) }),
		"a block far beyond":            wanted(func(f *fake) { f.block(wire.BlockHeader{Item: 1, Hash: sum, Offset: wire.MaxSize}, content) }),
		"settled on what was not there": wanted(func(f *fake) { f.say(&wire.Settle{Settled: []wire.Settled{{ID: 1, Same: 1}}}) }),
		"totals before the last result": wanted(func(f *fake) { f.say(&wire.End{Items: 1}, &wire.Totals{Root: make([]byte, 32)}) }),
		"totals before the end":         opened(func(f *fake) { f.say(&wire.Totals{Root: make([]byte, 32)}) }),
		"goodbye in the middle":         wanted(func(f *fake) { f.say(&wire.Bye{}) }),
		"a receipt in the middle":       wanted(func(f *fake) { f.say(&wire.Receipt{Payload: content, Signature: make([]byte, 64)}) }),
		"verdicts, which are not its":   wanted(func(f *fake) { f.say(&wire.Want{Wanted: []wire.Wanted{{ID: 1, Verdict: 1}}}) }),
		"results, which are not its":    wanted(func(f *fake) { f.say(&wire.Results{Results: []wire.Result{{ID: 1, Outcome: 1}}}) }),
		"an answer, which is not its":   opened(func(f *fake) { f.say(&wire.Answer{Why: wire.StopRefused}) }),
		"settled after the totals": opened(func(f *fake) {
			f.say(f.finishes(0), &wire.Settle{Settled: []wire.Settled{{ID: 1, Fail: 1}}})
		}),
		"a block twice": opened(func(f *fake) {
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 2*wire.BlockSize)}})
			hear[*wire.Want](f)
			p := make([]byte, wire.BlockSize)
			h := wire.BlockHeader{Item: 1, Hash: tree.Block(p, 0, 2*wire.BlockSize)}
			f.block(h, p)
			f.block(h, p)
		}),
		"a receipt without a signature": opened(func(f *fake) {
			totals := f.finishes(0)
			r := f.signs(totals, nil)
			r.Signature = make([]byte, wire.SignatureSize)
			f.say(totals, r)
		}),
		"a receipt that is none": opened(func(f *fake) {
			totals := f.finishes(0)
			r := f.signs(totals, nil)
			r.Payload = []byte("{}")
			f.say(totals, r)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, dst := receiving(t, nil, func(f *fake) {
					script(f)
					if why := f.heardStop(); why != wire.StopProtocol {
						t.Errorf("it heard stop %d", why)
					}
				})
				mustProtocol(t, e.err)
				if e.report.Receipt != nil || dst.Len("documents")+dst.Len("contacts") != 0 {
					t.Error("something was written or signed")
				}
				if e.after > 2*time.Second {
					t.Errorf("it took %v", e.after)
				}
			})
		})
	}
}

// longKey returns a key of nearly the most bytes that a key may have.
func longKey(i uint64) string {
	return fmt.Sprintf("Documents/%s%06d", strings.Repeat("0123456789abcde/", (backup.MaxKey-16)/16), i)
}

// TestMalformed: what is no frame and no lane ends the session.
func TestMalformed(t *testing.T) {
	for name, script := range map[string]func(*fake){
		"a frame of an unknown type": func(f *fake) { f.c.Write([]byte{0, 0, 0, 2, 100, 0xa0}) },
		"a frame that is too long":   func(f *fake) { f.c.Write([]byte{0xff, 0, 0, 0, 1}) },
		"junk":                       func(f *fake) { f.c.Write(bytes.Repeat([]byte("GET / "), 10)) },
		"a lane of another program":  func(f *fake) { f.opens(); f.openLane().Write(bytes.Repeat([]byte("GET / "), 10)) },
		"a block without its mark": func(f *fake) {
			f.opens()
			f.block(wire.BlockHeader{Item: 1}, nil)
			f.lane.Write(make([]byte, 56))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := receiving(t, nil, func(f *fake) {
					script(f)
					if why := f.heardStop(); why != wire.StopProtocol {
						t.Errorf("it heard stop %d", why)
					}
				})
				if !errors.Is(e.err, wire.ErrFrame) && !errors.Is(e.err, wire.ErrLane) {
					t.Error(e.err)
				}
			})
		})
	}
}

// TestOfferFlags: SEC-07 in its first half; nobody is asked about an offer
// that is not device to device.
func TestOfferFlags(t *testing.T) {
	for _, flags := range []uint32{0, 1, 4, 1<<32 - 3} {
		synctest.Test(t, func(t *testing.T) {
			asked := false
			e, _ := receiving(t, func(c *transfer.ReceiveConfig) {
				c.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
					asked = true
					return transfer.Decision{Accept: true}, nil
				}
			}, func(f *fake) {
				o := offer()
				o.Flags = flags
				f.say(f.hello())
				hear[*wire.Hello](f)
				f.say(o)
				if why := f.heardStop(); why != wire.StopFlags {
					t.Errorf("it heard stop %d", why)
				}
			})
			mustStop(t, e.err, wire.StopFlags, false)
			if asked {
				t.Error("the person was asked")
			}
		})
	}
}

// TestNothingBeforeYes: SEC-07 in its second half. Whatever comes while the
// person thinks ends the session; no agent is opened.
func TestNothingBeforeYes(t *testing.T) {
	for _, m := range []wire.Message{
		&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 1)}}, &wire.Settle{Settled: []wire.Settled{{ID: 1, Fail: 1}}}, &wire.End{},
		&wire.Totals{Root: make([]byte, 32)}, &wire.Receipt{Payload: []byte("{}"), Signature: make([]byte, 64)}, &wire.Bye{}, offer(),
	} {
		synctest.Test(t, func(t *testing.T) {
			asked, open := make(chan struct{}), 0
			e, _ := receiving(t, func(c *transfer.ReceiveConfig) {
				for i, a := range c.Agents {
					c.Agents[i] = counting{a, &open}
				}
				c.Accept = func(ctx context.Context, _ transfer.Offer) (transfer.Decision, error) {
					close(asked)
					<-ctx.Done()
					return transfer.Decision{Accept: true}, nil
				}
			}, func(f *fake) {
				f.say(f.hello())
				hear[*wire.Hello](f)
				f.say(offer())
				<-asked
				f.say(m)
				if why := f.heardStop(); why != wire.StopProtocol {
					t.Errorf("%T: it heard stop %d", m, why)
				}
			})
			mustProtocol(t, e.err)
			if open != 0 {
				t.Errorf("%T: %d agents were opened", m, open)
			}
		})
	}
}

// counting counts how often an agent is opened.
type counting struct {
	backup.Agent
	n *int
}

func (c counting) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	*c.n++
	return c.Agent.Restore(ctx, t)
}

// TestDamage: blocks that are wrong, unknown or late cost their item, and
// nothing else. Every item is counted once.
func TestDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := []byte("content"), []byte("damaged")
		sum := blake3.Sum256(good)
		e, dst := receiving(t, nil, func(f *fake) {
			f.opens()
			card := "BEGIN:VCARD"
			lies := entity(card)
			lies.Digest = bytes.Repeat([]byte{1}, 32)
			gone := file("Documents/d", 9)
			gone.Fail = uint16(backup.Vanished)
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{
				file("Documents/a", 7), file("Documents/b", 7), file("Documents/c", 2*wire.BlockSize), gone, lies,
			}})
			got := map[uint64]backup.Reason{}
			result := func(m *wire.Results) {
				for _, r := range m.Results {
					if _, twice := got[r.ID]; twice {
						t.Errorf("two results for item %d", r.ID)
					}
					got[r.ID] = backup.Reason(r.Reason)
				}
			}
			for wants := 0; wants < 4; {
				switch m := (<-f.in).(type) {
				case *wire.Want:
					wants += len(m.Wanted)
				case *wire.Results:
					result(m)
				default:
					t.Errorf("heard %T", m)
					return
				}
			}
			f.block(wire.BlockHeader{Item: 77, Hash: sum}, good)                                // never listed
			f.block(wire.BlockHeader{Item: 4, Hash: sum}, good)                                 // listed as failed
			f.block(wire.BlockHeader{Item: 1, Hash: sum}, bad)                                  // not what its hash says
			f.block(wire.BlockHeader{Item: 1, Hash: sum}, good)                                 // too late
			f.block(wire.BlockHeader{Item: 5, Hash: blake3.Sum256([]byte(card))}, []byte(card)) // not what was listed
			p := make([]byte, wire.BlockSize)
			f.block(wire.BlockHeader{Item: 3, Hash: tree.Block(p, 0, 2*wire.BlockSize)}, p)
			f.say(&wire.Settle{Settled: []wire.Settled{{ID: 3, Fail: uint16(backup.Changed)}, {ID: 4, Fail: 1}, {ID: 99, Same: 1}}})
			f.block(wire.BlockHeader{Item: 2, Hash: sum}, good)
			for len(got) < 5 {
				result(hear[*wire.Results](f))
			}
			if want := (map[uint64]backup.Reason{1: backup.Damaged, 2: 0, 3: backup.Changed, 4: backup.Vanished, 5: backup.Damaged}); !reflect.DeepEqual(got, want) {
				t.Errorf("results %v", got)
			}
			totals := f.finishes(5)
			if k := totals.Kinds; k[0].Items != 4 || k[0].Added != 1 || k[0].Failed != 3 || k[1].Failed != 1 || k[2].Items != 0 {
				t.Errorf("totals %+v", k)
			}
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
		if dst.Len("documents") != 1 || dst.Len("contacts") != 0 {
			t.Errorf("%d documents are there", dst.Len("documents"))
		}
	})
}

// TestStrayLanes: lanes that are not this session's, as one that was cut may
// leave on their way, are dropped, and this session's are served.
func TestStrayLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dst := receiving(t, func(c *transfer.ReceiveConfig) { c.LaneCount = 2 }, func(f *fake) {
			f.opens()
			for i := range 8 {
				lane := f.openLane()
				switch i % 3 {
				case 0:
					wire.WriteLaneHello(lane, wire.LaneHello{Protocol: 1})
				case 1:
					lane.Write([]byte("FERRY"))
					lane.Close()
				default:
					lane.Close()
				}
			}
			f.moves("Documents/a", "content")
			f.finishes(1)
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
		if dst.Len("documents") != 1 {
			t.Error("the file is not there")
		}
	})
}

// TestLies: an account or a receipt that is not the receiver's own is not
// signed, field by field.
func TestLies(t *testing.T) {
	type lie struct {
		totals  func(*wire.Totals)
		receipt func(*receipt.Payload)
	}
	for name, l := range map[string]lie{
		"root":             {totals: func(m *wire.Totals) { m.Root[0] ^= 1 }},
		"one more":         {totals: func(m *wire.Totals) { m.Kinds[0].Items++; m.Kinds[0].Added++ }},
		"added for merged": {totals: func(m *wire.Totals) { m.Kinds[0].Added--; m.Kinds[0].Merged++ }},
		"bytes":            {totals: func(m *wire.Totals) { m.Kinds[0].Bytes++ }},
		"a kind less":      {totals: func(m *wire.Totals) { m.Kinds = m.Kinds[:2] }},
		"another kind":     {totals: func(m *wire.Totals) { m.Kinds[0].Kind = "photos" }},
		"session":          {receipt: func(p *receipt.Payload) { p.Session = "00" }},
		"protocol":         {receipt: func(p *receipt.Payload) { p.Protocol++ }},
		"flags":            {receipt: func(p *receipt.Payload) { p.Flags = 3 }},
		"sender":           {receipt: func(p *receipt.Payload) { p.Sender.Device = p.Receiver.Device }},
		"sender's name":    {receipt: func(p *receipt.Payload) { p.Sender.Name = "X" }},
		"receiver":         {receipt: func(p *receipt.Payload) { p.Receiver.Device = p.Sender.Device }},
		"receiver's name":  {receipt: func(p *receipt.Payload) { p.Receiver.Name = "X" }},
		"version":          {receipt: func(p *receipt.Payload) { p.Receiver.Version = "X" }},
		"start":            {receipt: func(p *receipt.Payload) { p.Started = p.Started.Add(time.Millisecond) }},
		"finish":           {receipt: func(p *receipt.Payload) { p.Finished = p.Finished.Add(-time.Millisecond) }},
		"kinds":            {receipt: func(p *receipt.Payload) { p.Kinds[0].Added = 7 }},
		"declined":         {receipt: func(p *receipt.Payload) { p.Declined = []receipt.Declined{} }},
		"root in receipt":  {receipt: func(p *receipt.Payload) { p.Root = "00" }},
		"not moved":        {receipt: func(p *receipt.Payload) { p.NotMoved = []receipt.Note{{Kind: "documents", Key: "x", Reason: 1}} }},
		"not moved, more":  {receipt: func(p *receipt.Payload) { p.NotMovedMore = 1 }},
		"renamed":          {receipt: func(p *receipt.Payload) { p.Renamed = []receipt.Note{{Kind: "documents", Key: "x", Name: "y"}} }},
		"renamed, more":    {receipt: func(p *receipt.Payload) { p.RenamedMore = 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := receiving(t, nil, func(f *fake) {
					f.opens()
					f.moves("Documents/a", "content")
					totals := f.finishes(1)
					if l.totals != nil {
						l.totals(totals)
					}
					f.say(totals)
					if l.receipt != nil {
						f.say(f.signs(totals, l.receipt))
					}
					if why := f.heardStop(); why != wire.StopDisagree {
						t.Errorf("it heard stop %d", why)
					}
				})
				mustStop(t, e.err, wire.StopDisagree, false)
				if e.report.Receipt != nil || e.report.Complete() {
					t.Error("there is a receipt")
				}
			})
		})
	}
}

// TestMemoryBound: the most that a hostile sender can make a receiver hold.
func TestMemoryBound(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e, _ := receiving(t, nil, func(f *fake) {
		f.pinging()
		f.opens()
		const cards = 4 // of the largest size: all that is allowed
		for id := uint64(1); id <= cards; id++ {
			e := entity(fmt.Sprint(id))
			e.Size = backup.MaxValue
			f.say(&wire.Items{First: id, Entries: []wire.Entry{e}})
			hear[*wire.Want](f)
			p := make([]byte, wire.BlockSize)
			f.block(wire.BlockHeader{Item: id, Hash: tree.Block(p, 0, backup.MaxValue)}, p)
		}
		wants := 0
		for first := uint64(cards + 1); first <= uint64(transfer.WindowOf(1))-199; first += 199 {
			m := &wire.Items{First: first}
			for i := range uint64(199) {
				e := file(longKey(first+i), 9)
				m.Entries = append(m.Entries, e)
			}
			f.say(m)
			for wants += 199; wants > 0; {
				switch m := (<-f.in).(type) {
				case *wire.Want:
					wants -= len(m.Wanted)
				case *wire.Results:
					wants -= len(m.Results)
				default:
					t.Errorf("heard %T", m)
					return
				}
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		f.cancels()
	})
	mustStop(t, e.err, wire.StopCancelled, true)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 130e6 || held < 64<<20 {
		t.Errorf("the receiver holds %d bytes", held)
	}
}
