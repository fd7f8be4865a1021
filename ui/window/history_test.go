package window

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// kept is a device's own folder with receipts in it.
type kept struct {
	t    testing.TB
	home string
	self *identity.Key
	n    int
}

func keep(t testing.TB, home string) *kept {
	t.Helper()
	self, err := identity.Load(home)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, "receipts"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &kept{t: t, home: home, self: self}
}

func (k *kept) key() *identity.Key {
	k.t.Helper()
	key, err := identity.New()
	if err != nil {
		k.t.Fatal(err)
	}
	return key
}

// put keeps a file as a receipt.
func (k *kept) put(b []byte) string {
	k.t.Helper()
	k.n++
	path := filepath.Join(k.home, "receipts", fmt.Sprintf("20261101-120000-%08x.receipt", k.n))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Chtimes(path, today, today); err != nil {
		k.t.Fatal(err)
	}
	return path
}

// move keeps the receipt of a move that ended some days before today.
func (k *kept) move(old, new *identity.Key, days int, p receipt.Payload) string {
	k.t.Helper()
	p.Finished = today.AddDate(0, 0, -days)
	p.Started = p.Finished.Add(-time.Minute)
	p.Sender.Device, p.Receiver.Device = old.ID(), new.ID()
	b, err := p.Encode()
	s, err1 := receipt.Sign(old, receipt.Sender, b)
	r, err2 := receipt.Sign(new, receipt.Receiver, b)
	if err := errors.Join(err, err1, err2); err != nil {
		k.t.Fatal(err)
	}
	return k.put(receipt.Format(b, s, r))
}

func between(old, new string) receipt.Payload {
	return receipt.Payload{
		Sender: receipt.Side{Name: old}, Receiver: receipt.Side{Name: new},
		Kinds: []receipt.Kind{
			{Kind: "contacts", Items: 412, Added: 400, Merged: 12, Bytes: 1_200_000},
			{Kind: "photos", Items: 3412, Added: 3412, Bytes: 14_100_000_000, Folders: 12},
		},
	}
}

// lacking is a move of which not everything arrived.
func lacking() receipt.Payload {
	p := between("Galaxy A55", "Pixel 9")
	p.Kinds[1].Added -= 3
	p.Kinds[1].Failed = 3
	p.Kinds[1].Skipped = 0
	p.NotMoved = []receipt.Note{
		receipt.NoteOf("photos", "DCIM/1.jpg", "", backup.Unreadable), receipt.NoteOf("photos", "DCIM/2.jpg", "", backup.Unreadable),
		receipt.NoteOf("photos", "DCIM/3.jpg", "", backup.BadName),
	}
	p.Declined = []receipt.Declined{{Kind: "music", Items: 90, Bytes: 1e9}}
	return p
}

// some fills a home: a device twice, another one with a receipt that lacks
// something, and a damaged receipt.
func (k *kept) some() {
	galaxy, desk := k.key(), k.key()
	k.move(k.self, galaxy, 0, between("Pixel 9", "Galaxy A55"))
	k.move(galaxy, k.self, 30, lacking())
	k.move(desk, k.self, 1, between("", "Pixel 9"))
	k.put([]byte("not one"))
}

// inHistory opens the history of a home that fill has filled.
func inHistory(fill func(*kept), then ...func(*face)) func(*face) {
	return func(f *face) {
		q := f.queue()
		fill(keep(f.t, f.opt.Home))
		f.push(func() screen { return newHistory(f.Window) })
		f.settle(q)
		for _, do := range then {
			do(f)
			f.settle(q)
		}
	}
}

// row opens a row of the list that has the focus.
func row(i int) func(*face) {
	return func(f *face) {
		for range i {
			f.key(fyne.KeyDown)
		}
		f.key(fyne.KeyReturn)
	}
}

func TestHistory(t *testing.T) {
	for name, open := range map[string]func(*face){
		"history":       inHistory((*kept).some),
		"history-empty": inHistory(func(*kept) {}),
		"moves":         inHistory((*kept).some, row(0)),
		"run":           inHistory((*kept).some, row(0), row(0)),
		"run-lacking":   inHistory((*kept).some, row(0), row(1)),
		"run-damaged":   inHistory((*kept).some, row(2), row(0)),
	} {
		golden(t, name, atStart, open)
	}
}

func TestHistorySaysWhatItIs(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	k := keep(t, f.opt.Home)
	k.some()
	f.tap("History")
	f.tells("Reading…")
	f.settle(q)
	f.tells("Galaxy A55 2 moves, today")
	f.tells("Without a name 1 move, yesterday")
	f.tells("Damaged 1 receipt")
	f.key(fyne.KeyReturn)
	f.tells("Today 14:20, sent from here")
	f.tells("23 October 2026 14:20, received here")
	f.key(fyne.KeyReturn)
	f.settle(q)
	f.tells("Everything arrived")
	f.tells("Sent from here to Galaxy A55: 3,824 items, 14 GB.")
	f.tells("Yes, if nothing was left out on the old phone")
	f.key(fyne.KeyEscape)
	row(1)(f)
	f.settle(q)
	f.tells("93 items did not arrive")
	f.tells("No: what did not arrive is only there.")
	f.tells("90 items, left out on the new phone")
	f.tells("2 items The old phone does not let it be read. Check its permissions there and run the move again. DCIM/1.jpg DCIM/2.jpg")
	f.key(fyne.KeyEscape, fyne.KeyEscape)
	row(2)(f)
	row(0)(f)
	f.settle(q)
	f.tells("This receipt proves nothing")
	f.silent("Save receipt")
}

// A receipt that was changed after it was signed is no proof.
func TestChangedReceipt(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	k := keep(t, f.opt.Home)
	path := k.move(k.self, k.key(), 0, between("Pixel 9", "Galaxy A55"))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), `"items":412,"added":400`, `"items":413,"added":401`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.tap("History")
	f.settle(q)
	row(0)(f)
	row(0)(f)
	f.settle(q)
	f.tells("This receipt was changed after it was signed. Do not rely on it.")
	f.silent("Everything arrived")
	f.silent("Copy receipt")
}

// Two devices of the same name can be told apart.
func TestSameName(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	k := keep(t, f.opt.Home)
	a, b := k.key(), k.key()
	k.move(k.self, a, 1, between("Pixel 9", "Galaxy"))
	k.move(k.self, b, 2, between("Pixel 9", "Galaxy"))
	f.tap("History")
	f.settle(q)
	for _, key := range []*identity.Key{a, b} {
		id := string(key.ID())
		f.tells("Galaxy (" + id[len(id)-6:] + ")")
	}
}

func TestSaveReceipt(t *testing.T) {
	f := newFace(t, atStart)
	k := keep(t, f.opt.Home)
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	q := f.queue()
	from := k.move(k.self, k.key(), 0, between("Pixel 9", "Galaxy A55"))
	f.tap("History")
	f.settle(q)
	row(0)(f)
	row(0)(f)
	f.settle(q)
	save := func() {
		f.tap("Save receipt")
		f.settle(q)
		f.tap("Save it in this folder")
		f.settle(q)
	}
	save()
	f.tells("A copy is saved It is in")
	got, err := os.ReadFile(filepath.Join(dir, filepath.Base(from)))
	want, _ := os.ReadFile(from)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v, %q", err, got)
	}
	save() // over itself
	f.tells("There is a file of that name already.")
	f.tap("Keep it")
	f.tap("Copy receipt")
	f.settle(q)
	if f.app.Clipboard().Content() != string(want) {
		t.Error("the receipt cannot be pasted")
	}
	f.tells("The receipt can be pasted")
}

func TestForgetDevice(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	k := keep(t, f.opt.Home)
	k.some()
	f.tap("History")
	f.settle(q)
	row(0)(f)
	f.tap("Forget this device")
	f.tells("Forget this device?")
	f.tells("2 receipts of moves with Galaxy A55 go, and what this device noted of them.")
	f.key(fyne.KeyEscape)
	f.settle(q)
	if got := k.receipts(); got != 4 {
		t.Fatalf("%d receipts are left", got)
	}
	f.tap("Forget this device")
	f.tap("Forget")
	f.settle(q)
	if got := k.receipts(); got != 2 {
		t.Errorf("%d receipts are left", got)
	}
	if _, ok := f.top().(*past); !ok {
		t.Errorf("%T", f.top())
	}
	f.silent("Galaxy A55")
	f.tap("Delete everything kept")
	f.tells("2 receipts go, and what this device noted of earlier moves.")
	f.tap("Delete")
	f.settle(q)
	if got := k.receipts(); got != 0 {
		t.Errorf("%d receipts are left", got)
	}
	f.tells("There is nothing yet.")
	f.silent("Delete everything kept")
}

func (k *kept) receipts() int {
	k.t.Helper()
	l, err := history.Open(k.t.Context(), k.home)
	if err != nil {
		k.t.Fatal(err)
	}
	return l.Kept("").Receipts + l.Kept("").Damaged
}

// The question goes when the flow goes on, and what was read late is nobody's.
func TestHistoryIsLeft(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	k := keep(t, f.opt.Home)
	k.some()
	f.tap("History")
	f.settle(q)
	f.tap("Delete everything kept")
	f.see(flow.Snapshot{Screen: flow.Wait, Version: 9})
	if n := len(f.win.Canvas().Overlays().List()); n != 0 {
		t.Errorf("%d questions are left", n)
	}
	f.see(atStart)
	f.tap("History")
	f.key(fyne.KeyEscape) // before it was read
	f.settle(q)
	f.silent("Galaxy A55")
	if got := k.receipts(); got != 4 {
		t.Errorf("%d receipts are left", got)
	}
}

func TestHistoryUnreadable(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	if err := os.WriteFile(filepath.Join(f.opt.Home, "receipts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.tap("History")
	f.settle(q)
	f.tells("Ferry cannot keep its own files in")
	if x := f.top().(*past); !errors.As(x.err, new(*session.HomeError)) {
		t.Errorf("%v", x.err)
	}
}

// Ten thousand moves make objects for those rows alone that are seen.
func TestManyMoves(t *testing.T) {
	f := newFace(t, atStart)
	entries := make([]history.Entry, 10_000)
	for i := range entries {
		entries[i] = history.Entry{Path: fmt.Sprint(i), When: today.Add(-time.Duration(i) * time.Hour), Direction: history.Sent}
	}
	asked := 0
	f.queue()
	f.opt.Report = func(stack []byte) (string, error) { t.Errorf("%s", stack); return "", nil }
	f.push(func() screen {
		x := newMoves(newHistory(f.Window).(*past), nil, "all", entries).(*moves)
		one := x.rows.UpdateItem
		x.rows.UpdateItem = func(i int, o fyne.CanvasObject) { asked++; one(i, o) }
		return x
	})
	f.key(fyne.KeyEnd)
	f.tells("sent from here")
	if asked == 0 || asked > 200 {
		t.Errorf("%d rows were made", asked)
	}
}

func TestHelp(t *testing.T) {
	golden(t, "help", atStart, func(f *face) { f.push(func() screen { return newHelp(f.Window) }) })
}
