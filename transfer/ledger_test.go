package transfer

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

var ledgerKinds = []backup.Kind{"contacts", "photos"}

// line returns the n-th item of an account, of every outcome in turn.
func line(id uint64) ended {
	e := ended{
		id: id, kind: int(id % 2), out: backup.Outcome(1 + id%4), digest: backup.Digest{byte(id)},
		it: backup.Item{
			Kind: ledgerKinds[id%2], Type: backup.TypeFile, Key: backup.Key(fmt.Sprint("DCIM/", id)), Size: int64(id), Mode: 0o644,
			ModTime: time.Unix(int64(id), 7), Group: "g",
		},
	}
	switch e.out {
	case backup.Failed:
		e.reason, e.digest = backup.Unreadable, backup.Digest{}
	case backup.Merged:
		e.name = e.it.Key + " (1)"
	}
	return e
}

func account(lines []ended) *ledger {
	l := newLedger(ledgerKinds)
	for _, e := range lines {
		l.add(e)
	}
	return l
}

func lines(n int) (all []ended) {
	for id := range uint64(n) {
		all = append(all, line(id+1))
	}
	return all
}

// TestLedgerOrder ends items in any order: the account is the same, and what
// is given back to the window is exactly what was written.
func TestLedgerOrder(t *testing.T) {
	const n = 500
	var want receipt.Payload
	account(lines(n)).fill(&want)
	totals := account(lines(n)).totals()
	for seed := range uint64(50) {
		all := lines(n)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(n, func(a, b int) { all[a], all[b] = all[b], all[a] })
		l := newLedger(ledgerKinds)
		var items, keys, added, cost int64
		for _, e := range all {
			i, k := l.add(e)
			items, keys, added, cost = items+i, keys+k, added+1, cost+keyCost(e.it)
			if items != int64(l.next-1) || items+int64(len(l.early)) != added || keys > cost {
				t.Fatalf("seed %d: %d written, %d early, %d added", seed, items, len(l.early), added)
			}
		}
		if items != n || keys != cost || !l.complete(n) || l.complete(n-1) || l.complete(n+1) {
			t.Fatalf("seed %d: %d items, %d bytes of keys", seed, items, keys)
		}
		var got receipt.Payload
		l.fill(&got)
		if !reflect.DeepEqual(got, want) || !sameTotals(l.totals(), totals) {
			t.Fatalf("seed %d: another account", seed)
		}
	}
	for _, k := range want.Kinds {
		if k.Items != n/2 || k.Added+k.Merged+k.Skipped+k.Failed != k.Items {
			t.Errorf("%+v", k)
		}
	}
}

// TestLedgerRoot changes each field of one item: so does the root.
func TestLedgerRoot(t *testing.T) {
	all := lines(9)
	seen := map[string]string{string(account(all).totals().Root): "nothing"}
	for name, change := range map[string]func(*ended){
		"kind": func(e *ended) { e.it.Kind = "photo" }, "type": func(e *ended) { e.it.Type = backup.TypeEntity },
		"key": func(e *ended) { e.it.Key += "x" }, "size": func(e *ended) { e.it.Size++ }, "mode": func(e *ended) { e.it.Mode = 0o600 },
		"second": func(e *ended) { e.it.ModTime = e.it.ModTime.Add(time.Second) }, "ns": func(e *ended) { e.it.ModTime = e.it.ModTime.Add(1) },
		"no time": func(e *ended) { e.it.ModTime = time.Time{} }, "group": func(e *ended) { e.it.Group = "" },
		"shift": func(e *ended) { e.it.Kind, e.it.Key = e.it.Kind+"D", e.it.Key[1:] },
		"out":   func(e *ended) { e.out = backup.Skipped }, "reason": func(e *ended) { e.reason = backup.Changed },
		"digest": func(e *ended) { e.digest[31] ^= 1 }, "name": func(e *ended) { e.name = "elsewhere" },
	} {
		other := lines(9)
		change(&other[3]) // its outcome is added
		root := string(account(other).totals().Root)
		if was, twice := seen[root]; twice {
			t.Errorf("%s gives the same root as %s", name, was)
		}
		seen[root] = name
	}
	swapped := lines(9)
	swapped[1].id, swapped[3].id = swapped[3].id, swapped[1].id
	if _, twice := seen[string(account(swapped).totals().Root)]; twice {
		t.Error("the order does not count")
	}
	if _, twice := seen[string(account(lines(8)).totals().Root)]; twice {
		t.Error("the last item does not count")
	}
	// What does not travel does not count either.
	other := lines(9)
	other[3].it.Mode |= fs.ModeSetuid
	other[3].it.Value = []byte("x")
	if !bytes.Equal(account(other).totals().Root, account(all).totals().Root) {
		t.Error("something counts that the other side cannot know")
	}
}

// TestLedgerBounds fills a receipt with the worst that there may be: it still
// travels, and it says how much it left out.
func TestLedgerBounds(t *testing.T) {
	for name, key := range map[string]string{
		"short keys": "a", "control characters": strings.Repeat("\x01", backup.MaxKey), "not UTF-8": strings.Repeat("\xff", backup.MaxKey),
		"both": strings.Repeat("\x01", backup.MaxKey-1) + "\xff", "line separators": strings.Repeat("\u2028", backup.MaxKey/3),
		"middling": strings.Repeat("\x01", 40) + "\xff",
	} {
		kinds := make([]backup.Kind, wire.MaxKinds)
		p := receipt.Payload{Session: strings.Repeat("f", 2*wire.SessionSize), Root: strings.Repeat("f", 64)}
		for i := range kinds {
			kinds[i] = backup.Kind(fmt.Sprintf("%0*d", backup.MaxKind, i))
			p.Declined = append(p.Declined, receipt.Declined{Kind: kinds[i], Items: 1 << 62, Bytes: 1 << 62})
		}
		side := receipt.Side{Device: identity.DeviceID(strings.Repeat("1", wire.MaxName)), Name: strings.Repeat("\x01", wire.MaxName), Version: strings.Repeat("\x01", wire.MaxName)}
		p.Sender, p.Receiver = side, side
		l := newLedger(kinds)
		const n = 2400
		for id := uint64(1); id <= n; id++ {
			e := ended{id: id, kind: int(id % wire.MaxKinds), it: backup.Item{Kind: kinds[id%wire.MaxKinds], Key: backup.Key(key)}, out: backup.Failed, reason: 65535}
			if id%2 == 0 {
				e.out, e.reason, e.name = backup.Added, 0, e.it.Key
			}
			l.add(e)
		}
		for i := range l.kinds { // as many digits as there may be
			l.kinds[i] = receipt.Kind{Kind: kinds[i], Items: 1 << 62, Added: 1 << 61, Merged: 1 << 61, Skipped: 1 << 61, Failed: 1 << 61, Bytes: 1 << 63}
		}
		l.fill(&p)
		b, err := p.Encode()
		if err != nil || len(b) > wire.MaxReceipt {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		if _, err := receipt.DecodePayload(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sig := make([]byte, wire.SignatureSize)
		if _, err := wire.Append(nil, &wire.Receipt{Payload: b, Signature: sig}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if f := receipt.Format(b, sig, sig); len(f) > receipt.MaxSize {
			t.Errorf("%s: a file of %d bytes", name, len(f))
		}
		if len(p.NotMoved) > maxNotes || len(p.Renamed) > maxNotes || len(p.NotMoved) == 0 || len(p.Renamed) == 0 ||
			uint64(len(p.NotMoved))+p.NotMovedMore != n/2 || uint64(len(p.Renamed))+p.RenamedMore != n/2 {
			t.Errorf("%s: %d and %d notes, %d and %d more", name, len(p.NotMoved), len(p.Renamed), p.NotMovedMore, p.RenamedMore)
		}
	}
}

// TestFrames: no frame is too long, whatever keys it holds.
func TestFrames(t *testing.T) {
	b := make([]wire.Result, entriesPerFrame)
	for i := range b {
		b[i] = wire.Result{ID: uint64(i + 1), Outcome: 1, Digest: make([]byte, 32), Name: make([]byte, backup.MaxKey)}
	}
	var ids []uint64
	err := frames(b, func(w *wire.Result) int { return len(w.Name) + 64 }, func(b []wire.Result) error {
		for _, r := range b {
			ids = append(ids, r.ID)
		}
		_, err := wire.Append(nil, &wire.Results{Results: b})
		return err
	})
	if err != nil || len(ids) != len(b) || ids[0] != 1 || ids[len(ids)-1] != uint64(len(b)) {
		t.Errorf("%d results, %v", len(ids), err)
	}
}
