package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// home is a device's own folder that a test fills.
type home struct {
	dir  string
	self *identity.Key
	n    int
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := &home{dir: t.TempDir()}
	var err error
	if h.self, err = identity.Load(h.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(h.dir, "receipts"), 0o700); err != nil {
		t.Fatal(err)
	}
	return h
}

func newKey(t testing.TB) *identity.Key {
	t.Helper()
	k, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// file makes a signed receipt.
func file(t testing.TB, p receipt.Payload, old, new *identity.Key) []byte {
	t.Helper()
	p.Sender.Device, p.Receiver.Device = old.ID(), new.ID()
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err1 := receipt.Sign(old, receipt.Sender, b)
	r, err2 := receipt.Sign(new, receipt.Receiver, b)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return receipt.Format(b, s, r)
}

// add keeps a receipt of a move that ended some hours after start.
func (h *home) add(t testing.TB, hours int, p receipt.Payload, old, new *identity.Key) string {
	t.Helper()
	h.n++
	p.Started, p.Finished = start.Add(time.Duration(hours)*time.Hour-time.Minute), start.Add(time.Duration(hours)*time.Hour)
	return h.put(t, fmt.Sprintf("%s-%08x.receipt", p.Finished.Format("20060102-150405"), h.n), file(t, p, old, new))
}

func (h *home) put(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(h.dir, "receipts", name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (h *home) list(t testing.TB) *List {
	t.Helper()
	l, err := Open(t.Context(), h.dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// journal keeps a journal of what came from a device.
func (h *home) journal(t *testing.T, from identity.DeviceID, name string) {
	t.Helper()
	j, err := journal.Open(filepath.Join(h.dir, "journal", string(from), name+".journal"), from)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func named(old, new string) receipt.Payload {
	return receipt.Payload{
		Sender: receipt.Side{Name: old}, Receiver: receipt.Side{Name: new},
		Kinds: []receipt.Kind{{Kind: "photos", Items: 5, Added: 3, Merged: 1, Skipped: 1, Bytes: 900}},
	}
}

func TestOpen(t *testing.T) {
	h := newHome(t)
	a, b, c := newKey(t), newKey(t), newKey(t)
	h.add(t, 1, named("A once", "me"), a, h.self)
	h.add(t, 5, named("me", "B"), h.self, b)
	h.add(t, 3, named("A", "me"), a, h.self)
	h.put(t, ".receipt-1.tmp", []byte("half"))
	h.put(t, "notes.txt", []byte("not one"))
	h.journal(t, a.ID(), "1")
	h.journal(t, a.ID(), "2")
	h.journal(t, c.ID(), "1")
	if err := os.Chtimes(filepath.Join(h.dir, "journal", string(c.ID()), "1.journal"), start, start); err != nil {
		t.Fatal(err)
	}
	l := h.list(t)
	type row struct {
		id       identity.DeviceID
		name     string
		hours    int
		runs     int
		journals int
	}
	var got []row
	for _, d := range l.Devices {
		got = append(got, row{d.ID, d.Name, int(d.Last.Sub(start).Hours()), len(d.Runs), d.Journals})
	}
	if want := []row{{b.ID(), "B", 5, 1, 0}, {a.ID(), "A", 3, 2, 2}, {c.ID(), "", 0, 0, 1}}; !slices.Equal(got, want) {
		t.Fatalf("%+v; want %+v", got, want)
	}
	if l.Runs() != 3 || len(l.Damaged) != 0 || l.More != 0 {
		t.Errorf("%d, %v, %d", l.Runs(), l.Damaged, l.More)
	}
	runs := l.Devices[1].Runs
	if !runs[0].When.After(runs[1].When) || runs[0].Direction != Received || l.Devices[0].Runs[0].Direction != Sent {
		t.Errorf("%+v", runs)
	}
	r := Read(runs[0])
	items, bytes, missing := r.Total()
	if r.State != Signed || r.Err != nil || !r.Complete() || r.Erase() != Yes || items != 5 || bytes != 900 || missing != 0 {
		t.Errorf("%+v", r)
	}
	if k := l.Kept(""); k != (Kept{Devices: 3, Journals: 3, Receipts: 3}) {
		t.Errorf("%+v", k)
	}
	if k := l.Kept(a.ID()); k != (Kept{Devices: 1, Journals: 2, Receipts: 2}) {
		t.Errorf("%+v", k)
	}
}

// Without a key, and of moves of other devices, both are listed; no key is made.
func TestBetween(t *testing.T) {
	h := newHome(t)
	a, b := newKey(t), newKey(t)
	h.add(t, 1, named("A", "B"), a, b)
	check := func() {
		t.Helper()
		l := h.list(t)
		if len(l.Devices) != 2 || l.Runs() != 1 || l.Devices[0].Runs[0].Direction != Between || l.Kept("").Receipts != 1 {
			t.Errorf("%+v", l)
		}
		for _, d := range l.Devices {
			if want := map[identity.DeviceID]string{a.ID(): "A", b.ID(): "B"}[d.ID]; d.Name != want {
				t.Errorf("%s is called %q; want %q", d.ID, d.Name, want)
			}
		}
	}
	check()
	key := filepath.Join(h.dir, "identity.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	check()
	if _, err := os.Stat(key); err == nil {
		t.Error("looking made a key")
	}
}

func TestNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	l, err := Open(t.Context(), dir)
	if err != nil || len(l.Devices) != 0 || l.Kept("") != (Kept{}) {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made a folder")
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); !errors.As(err, new(*session.HomeError)) {
		t.Errorf("a home that is a file: %v", err)
	}
}

func TestEnded(t *testing.T) {
	h := newHome(t)
	h.add(t, 1, named("A", "me"), newKey(t), h.self)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, h.dir); !errors.Is(err, context.Canceled) || errors.As(err, new(*session.HomeError)) {
		t.Error(err)
	}
}

// A receipt that proves nothing is listed as that, and never as a move that was
// complete.
func TestBad(t *testing.T) {
	h := newHome(t)
	a := newKey(t)
	whole := file(t, named("A", "me"), a, h.self)
	changed := bytes.Replace(whole, []byte(`"failed":0`), []byte(`"failed":1`), 1)
	h.put(t, "20260301-000000-0.receipt", changed)
	h.put(t, "20260301-000000-1.receipt", whole[:len(whole)-30])
	h.put(t, "20260301-000000-2.receipt", whole[:40])
	h.put(t, "20260301-000000-3.receipt", nil)
	h.put(t, "20260301-000000-4.receipt", append(bytes.Clone(whole), make([]byte, receipt.MaxSize)...))
	h.put(t, "20260301-000000-5.receipt", []byte(strings.Replace(string(whole), string(a.ID()), "", 1)))
	if err := os.Mkdir(filepath.Join(h.dir, "receipts", "20260301-000000-6.receipt"), 0o700); err != nil {
		t.Fatal(err)
	}
	l := h.list(t)
	if len(l.Devices) != 1 || len(l.Devices[0].Runs) != 3 || len(l.Damaged) != 4 {
		t.Fatalf("%+v", l)
	}
	want := map[byte]State{'0': Changed, '1': Damaged, '4': Damaged, '2': Damaged, '3': Damaged, '5': Changed, '6': Damaged}
	for _, e := range slices.Concat(l.Devices[0].Runs, l.Damaged) {
		name := filepath.Base(e.Path)
		r := Read(e)
		if w := want[name[16]]; r.State != w || r.Err == nil || r.Receipt != nil || r.Complete() || r.Erase() != CannotTell || e.When.IsZero() && name[16] > '1' && name[16] != '4' {
			t.Errorf("%s: %v, %v; want %v", name, r.State, r.Err, w)
		}
	}
	if r := Read(Entry{Path: filepath.Join(h.dir, "gone.receipt")}); r.State != Unreadable {
		t.Errorf("a file that went away: %v", r.State)
	}
	if k := l.Kept(""); k != (Kept{Devices: 1, Receipts: 3, Damaged: 4}) {
		t.Errorf("%+v", k)
	}
}

func TestErase(t *testing.T) {
	h := newHome(t)
	a := newKey(t)
	failed, declined := named("A", "me"), named("A", "me")
	failed.Kinds = []receipt.Kind{{Kind: "photos", Items: 3, Added: 1, Failed: 2, Bytes: 7}}
	declined.Declined = []receipt.Declined{{Kind: "videos", Items: 4, Bytes: 9}}
	h.add(t, 1, failed, a, h.self)
	h.add(t, 2, declined, a, h.self)
	for i, missing := range []uint64{4, 2} {
		r := Read(h.list(t).Devices[0].Runs[i])
		if _, _, n := r.Total(); r.Erase() != No || r.Complete() || n != missing {
			t.Errorf("%v, %d; want %d", r.Erase(), n, missing)
		}
	}
}

func TestForget(t *testing.T) {
	h := newHome(t)
	a, b := newKey(t), newKey(t)
	h.add(t, 1, named("A", "me"), a, h.self)
	h.add(t, 2, named("B", "me"), b, h.self)
	h.put(t, "x.receipt", bytes.Replace(file(t, named("A", "me"), a, h.self), []byte(`"failed":0`), []byte(`"failed":1`), 1))
	h.put(t, "y.receipt", []byte("junk"))
	h.journal(t, a.ID(), "1")
	forget := func(id identity.DeviceID, receipts bool, journals, gone int, left Kept) {
		t.Helper()
		f, err := Forget(t.Context(), h.dir, id, receipts)
		if err != nil || f.Journals != journals || f.Receipts != gone {
			t.Errorf("%+v, %v; want %d, %d", f, err, journals, gone)
		}
		if k := h.list(t).Kept(""); k != left {
			t.Errorf("%+v is left; want %+v", k, left)
		}
	}
	forget(a.ID(), false, 1, 0, Kept{Devices: 2, Receipts: 3, Damaged: 1})
	forget(a.ID(), true, 0, 2, Kept{Devices: 1, Receipts: 1, Damaged: 1})
	if _, err := Forget(t.Context(), h.dir, a.ID(), true); !errors.Is(err, session.ErrUnknownDevice) {
		t.Error(err)
	}
	// A device that only a changed receipt names.
	h.put(t, "x.receipt", bytes.Replace(file(t, named("A", "me"), a, h.self), []byte(`"failed":0`), []byte(`"failed":1`), 1))
	forget(a.ID(), true, 0, 1, Kept{Devices: 1, Receipts: 1, Damaged: 1})
	forget("", false, 0, 0, Kept{Devices: 1, Receipts: 1, Damaged: 1})
	forget("", true, 0, 2, Kept{})
	if _, err := os.Stat(filepath.Join(h.dir, "identity.key")); err != nil {
		t.Errorf("the key is gone: %v", err)
	}
}

func TestExport(t *testing.T) {
	h := newHome(t)
	path := h.add(t, 1, named("A", "me"), newKey(t), h.self)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	into := filepath.Join(dir, filepath.Base(path))
	for _, to := range []string{dir, filepath.Join(dir, "mine.receipt")} {
		got, err := Export(path, to, false)
		if err != nil || to == dir && got != into || to != dir && got != to {
			t.Fatalf("%s: %s, %v", to, got, err)
		}
		if b, err := os.ReadFile(got); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s: %v", got, err)
		}
	}
	if err := os.WriteFile(into, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Export(path, dir, false); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if b, _ := os.ReadFile(into); string(b) != "precious" {
		t.Errorf("it was overwritten: %q", b)
	}
	if _, err := Export(path, dir, true); err != nil {
		t.Error(err)
	}
	if _, err := Export(path, filepath.Join(dir, "no", "folder"), false); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	var b bytes.Buffer
	if err := Copy(&b, path); err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Error(err)
	}
	bad := h.put(t, "bad.receipt", want[:50])
	if err := Copy(io.Discard, bad); !errors.Is(err, receipt.ErrMalformed) {
		t.Error(err)
	}
	if _, err := Export(bad, filepath.Join(dir, "bad"), false); !errors.Is(err, receipt.ErrMalformed) {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("%q", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("%q is left", left)
	}
}

// BenchmarkOpen lists 10,000 receipts of 100 devices, each with 100 notes.
func BenchmarkOpen(b *testing.B) {
	h := newHome(b)
	p := named("Pixel 8", "me")
	for i := range 100 {
		p.NotMoved = append(p.NotMoved, receipt.NoteOf("photos", "DCIM/Camera/a picture with a long name.jpg", "", 1))
		k := newKey(b)
		for j := range 100 {
			h.add(b, 100*i+j, p, k, h.self)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if l := h.list(b); l.Runs() != 10_000 || len(l.Devices) != 100 {
			b.Fatal(l.Runs())
		}
	}
}

func BenchmarkRead(b *testing.B) {
	h := newHome(b)
	h.add(b, 1, named("A", "me"), newKey(b), h.self)
	e := h.list(b).Devices[0].Runs[0]
	for b.Loop() {
		if Read(e).State != Signed {
			b.Fatal()
		}
	}
}
