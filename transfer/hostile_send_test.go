package transfer_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// agrees goes from the last result to the receipt, and repeats that as change
// leaves it.
func (f *fake) agrees(change func(*wire.Receipt)) {
	totals := hear[*wire.Totals](f)
	f.say(totals)
	r := hear[*wire.Receipt](f)
	sig, err := receipt.Sign(f.key, receipt.Receiver, r.Payload)
	if err != nil {
		f.t.Error(err)
	}
	mine := &wire.Receipt{Payload: r.Payload, Signature: sig}
	if change != nil {
		change(mine)
	}
	f.say(mine)
}

// TestHonestReceiver holds that the fake receiver, left alone, gets to the end.
func TestHonestReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := sending(t, nil, func(f *fake) {
			f.answers()
			f.takes(f.listed())
			f.agrees(nil)
			hear[*wire.Bye](f)
			f.say(&wire.Bye{})
			f.heardStop()
		})
		if e.err != nil {
			t.Fatal(e.err)
		}
		if p, err := receipt.Verify(e.report.Receipt); err != nil || p.Kinds[0].Added != p.Kinds[0].Items || !e.report.Complete() {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// TestHostileReceiver: each way in which a receiver may break the rules. None
// makes the sender believe in content that it did not send.
func TestHostileReceiver(t *testing.T) {
	sum := bytes.Repeat([]byte{7}, 32)
	result := func(r wire.Result) *wire.Results { return &wire.Results{Results: []wire.Result{r}} }
	want := func(w wire.Wanted) *wire.Want { return &wire.Want{Wanted: []wire.Wanted{w}} }
	// on says of an item of a type what m makes of its ID.
	on := func(typ backup.Type, m func(id uint64) []wire.Message) func(*fake) {
		return func(f *fake) {
			f.answers()
			id := fileOf(f, f.listed(), typ)
			f.say(m(id)...)
		}
	}
	sent := func(m func(h wire.BlockHeader) wire.Message) func(*fake) { // after a file's content came
		return func(f *fake) {
			f.answers()
			f.say(want(wire.Wanted{ID: fileOf(f, f.listed(), backup.TypeFile), Verdict: 1}))
			h, _ := f.reads()
			f.say(m(h))
		}
	}
	hello := func(change func(*wire.Hello)) func(*fake) {
		return func(f *fake) {
			f.session = hear[*wire.Hello](f).Session
			h := f.hello()
			change(h)
			f.say(h)
		}
	}
	answer := func(a *wire.Answer) func(*fake) {
		return func(f *fake) {
			f.session = hear[*wire.Hello](f).Session
			f.say(f.hello())
			hear[*wire.Offer](f)
			f.say(a)
		}
	}
	for name, script := range map[string]func(*fake){
		"another device":      hello(func(h *wire.Hello) { h.Device = "x" }),
		"the sender's own ID": hello(func(h *wire.Hello) { h.Device = "" }),
		"another session":     hello(func(h *wire.Hello) { h.Session = make([]byte, 16) }),
		"hello twice": func(f *fake) {
			f.session = hear[*wire.Hello](f).Session
			f.say(f.hello(), f.hello())
		},
		"an answer before the offer":  func(f *fake) { f.say(&wire.Answer{Why: wire.StopRefused}) },
		"a kind that was not offered": answer(&wire.Answer{Accept: true, Kinds: []uint32{1}, Token: sum, Lanes: 1}),
		"added, not sent": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{result(wire.Result{ID: id, Outcome: 1, Digest: sum})}
		}),
		"merged, not sent": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{result(wire.Result{ID: id, Outcome: 2, Digest: sum})}
		}),
		"skipped without a digest": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{result(wire.Result{ID: id, Outcome: 3})}
		}),
		"a result of no item": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{result(wire.Result{ID: 1 << 60, Outcome: 4, Reason: 1})}
		}),
		"a result twice": on(backup.TypeFile, func(id uint64) []wire.Message {
			m := result(wire.Result{ID: id, Outcome: 4, Reason: 1})
			return []wire.Message{m, m}
		}),
		"a want twice": on(backup.TypeFile, func(id uint64) []wire.Message {
			m := want(wire.Wanted{ID: id, Verdict: 1})
			return []wire.Message{m, m}
		}),
		"a want after its result": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{result(wire.Result{ID: id, Outcome: 4, Reason: 1}), want(wire.Wanted{ID: id, Verdict: 1})}
		}),
		"a want of no item": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{want(wire.Wanted{ID: 1 << 60, Verdict: 1})}
		}),
		"a want of a folder": on(backup.TypeDirectory, func(id uint64) []wire.Message {
			return []wire.Message{want(wire.Wanted{ID: id, Verdict: 1})}
		}),
		"a want of nodes that it does not have": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{want(wire.Wanted{ID: id, Verdict: 1, Nodes: make([]byte, wire.NodeSize)})}
		}),
		"totals before the last result": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{&wire.Totals{Root: sum}}
		}),
		"goodbye in the middle": on(backup.TypeFile, func(id uint64) []wire.Message { return []wire.Message{&wire.Bye{}} }),
		"items, which are not its": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{&wire.Items{First: 1, Entries: []wire.Entry{file("a", 1)}}}
		}),
		"an end, which is not its": on(backup.TypeFile, func(id uint64) []wire.Message { return []wire.Message{&wire.End{}} }),
		"settled, which is not its": on(backup.TypeFile, func(id uint64) []wire.Message {
			return []wire.Message{&wire.Settle{Settled: []wire.Settled{{ID: id, Fail: 1}}}}
		}),
		"another digest than sent":   sent(func(h wire.BlockHeader) wire.Message { return result(wire.Result{ID: h.Item, Outcome: 1, Digest: sum}) }),
		"no digest of what was sent": sent(func(h wire.BlockHeader) wire.Message { return result(wire.Result{ID: h.Item, Outcome: 1}) }),
		"skipped with another digest than sent": sent(func(h wire.BlockHeader) wire.Message {
			return result(wire.Result{ID: h.Item, Outcome: 3, Digest: sum})
		}),
		"skipped with another digest than compared": func(f *fake) {
			f.answers()
			id := fileOf(f, f.listed(), backup.TypeFile)
			f.say(want(wire.Wanted{ID: id, Verdict: 3, Digests: [][]byte{make([]byte, 32)}}))
			f.reads() // it differs, so it comes
			f.say(result(wire.Result{ID: id, Outcome: 3, Digest: make([]byte, 32)}))
		},
		"another payload": func(f *fake) {
			f.answers()
			f.takes(f.listed())
			f.agrees(func(r *wire.Receipt) {
				r.Payload = bytes.Replace(r.Payload, []byte("Old"), []byte("New"), 1)
				r.Signature, _ = receipt.Sign(f.key, receipt.Receiver, r.Payload)
			})
		},
		"another signature": func(f *fake) {
			f.answers()
			f.takes(f.listed())
			f.agrees(func(r *wire.Receipt) { r.Signature, _ = receipt.Sign(f.key, receipt.Sender, r.Payload) })
		},
		"totals twice": func(f *fake) {
			f.answers()
			f.takes(f.listed())
			m := hear[*wire.Totals](f)
			f.say(m, m)
		},
		"a receipt before the sender's": func(f *fake) {
			f.answers()
			f.takes(f.listed())
			hear[*wire.Totals](f)
			f.say(&wire.Receipt{Payload: []byte("{}"), Signature: make([]byte, 64)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := sending(t, nil, func(f *fake) {
					script(f)
					if why := f.heardStop(); why != wire.StopProtocol {
						t.Errorf("it heard stop %d", why)
					}
				})
				mustProtocol(t, e.err)
				if e.report.Receipt != nil || e.report.Complete() || e.after > 2*time.Second {
					t.Errorf("after %v: %+v", e.after, e.report)
				}
			})
		})
	}
}

// TestSenderDisagrees: the receiver's account is held against the sender's own.
func TestSenderDisagrees(t *testing.T) {
	for name, change := range map[string]func(*wire.Totals){
		"root": func(m *wire.Totals) { m.Root[31] ^= 1 }, "one less": func(m *wire.Totals) { m.Kinds[0].Items--; m.Kinds[0].Added-- },
		"skipped for added": func(m *wire.Totals) { m.Kinds[0].Added--; m.Kinds[0].Skipped++ }, "bytes": func(m *wire.Totals) { m.Kinds[0].Bytes-- },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := sending(t, nil, func(f *fake) {
					f.answers()
					f.takes(f.listed())
					m := hear[*wire.Totals](f)
					change(m)
					f.say(m)
					if why := f.heardStop(); why != wire.StopDisagree {
						t.Errorf("it heard stop %d", why)
					}
				})
				mustStop(t, e.err, wire.StopDisagree, false)
				if e.report.Receipt != nil {
					t.Error("there is a receipt")
				}
			})
		})
	}
}

// TestRefuse: a device that cannot take part says why.
func TestRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := sending(t, nil, func(f *fake) {
			for range f.in { // until the sender hung up, beside Refuse, which reads too
				break
			}
			transfer.Refuse(context.Background(), f.c, wire.StopBusy)
		})
		mustStop(t, e.err, wire.StopBusy, true)
	})
}

// TestFailedItemsStop: what the receiver cannot take is not sent to its end.
func TestFailedItemsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const blocks = 1000
		big := oneFile{blocks * wire.BlockSize}
		e := sending(t, func(c *transfer.SendConfig) { c.Agents = []backup.Agent{big} }, func(f *fake) {
			f.answers()
			f.listed()
			f.say(&wire.Want{Wanted: []wire.Wanted{{ID: 1, Verdict: 1}}})
			f.reads()
			f.say(&wire.Results{Results: []wire.Result{{ID: 1, Outcome: uint8(backup.Failed), Reason: uint16(backup.NoSpace)}}})
			rest := 0
			for {
				if _, err := wire.ReadBlockHeader(f.lane.(readLane)); err != nil {
					break
				}
				readFull(f.lane.(readLane), wire.BlockSize)
				rest++
			}
			if rest > 100 {
				t.Errorf("%d more blocks came", rest)
			}
			hear[*wire.Totals](f)
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
		if k := e.report.Kinds[0]; k.Failed != 1 || k.Items != 1 {
			t.Errorf("%+v", k)
		}
	})
}
