package window

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// signed writes a receipt that both phones signed.
func signed(t *testing.T) string {
	t.Helper()
	old, err1 := identity.New()
	new, err2 := identity.New()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	b, err := (&receipt.Payload{
		Sender: receipt.Side{Device: old.ID()}, Receiver: receipt.Side{Device: new.ID()}, Started: today, Finished: today.Add(time.Minute),
	}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err1 := receipt.Sign(old, receipt.Sender, b)
	r, err2 := receipt.Sign(new, receipt.Receiver, b)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	path := filepath.Join(t.TempDir(), "20261122-141800-0badcafe.receipt")
	if err := os.WriteFile(path, receipt.Format(b, s, r), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// saving is the page that asks where to save a receipt. What its work has to say
// comes by next.
type saving struct {
	*face
	*save
	next func()
	said chan func()
}

func newSaving(t *testing.T, receipt string) saving {
	t.Helper()
	s := landed(flow.OldPhone)
	s.Result.Receipt = receipt
	f := newFace(t, s)
	said := make(chan func(), 8)
	f.do = func(f func()) { said <- f }
	f.tap("Save receipt")
	x := f.top().(*save)
	t.Cleanup(func() { x.jobs.Wait() })
	return saving{f, x, func() {
		t.Helper()
		if !x.busy {
			t.Fatalf("nothing is saved:\n%s", f.text())
		}
		(<-said)()
	}, said}
}

func TestSave(t *testing.T) {
	x := newSaving(t, signed(t))
	if !filepath.IsAbs(x.field.Text()) || x.win.Canvas().Focused() != x.field.Input() {
		t.Errorf("it begins with %q", x.field.Text())
	}
	for text, want := range map[string]string{"": "Type the folder to save it in.", "a/b": "Type the whole path"} {
		x.field.SetText(text)
		x.tap("Save")
		x.reads([]string{want})
	}
	dir := t.TempDir()
	x.field.SetText(filepath.Join(dir, "no", "folder"))
	x.tap("Save")
	x.next()
	x.reads([]string{"There is nothing of that name."})
	x.field.SetText(dir)
	x.key(fyne.KeyReturn) // in the field
	x.next()
	x.reads([]string{"A copy is saved", "0badcafe.receipt"})
	want, _ := os.ReadFile(x.receipt)
	if got, err := os.ReadFile(filepath.Join(dir, filepath.Base(x.receipt))); err != nil || string(got) != string(want) {
		t.Errorf("%q, %v", got, err)
	}
	x.key(fyne.KeyReturn) // Back has the focus
	x.reads([]string{"Everything is on Pixel 9"})
	x.wanted()
}

// A file is replaced only when that was asked and answered.
func TestSaveReplaces(t *testing.T) {
	x := newSaving(t, signed(t))
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	is := func(want bool) {
		t.Helper()
		if b, err := os.ReadFile(path); err != nil || (string(b) == "precious") != want {
			t.Errorf("it holds %q, %v", b, err)
		}
	}
	x.field.SetText(path)
	x.tap("Save")
	x.next()
	x.reads([]string{"Replace the file?"})
	x.tap("Keep it")
	is(true)
	x.tap("Save")
	x.next()
	x.tap("Replace")
	x.next()
	is(false)
	x.reads([]string{"A copy is saved"})
}

// A receipt that was changed is not saved; and a page that is left is not written on.
func TestSaveBad(t *testing.T) {
	path := signed(t)
	if err := os.WriteFile(path, []byte("ferry receipt 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := newSaving(t, path)
	to := filepath.Join(t.TempDir(), "copy")
	x.field.SetText(to)
	x.tap("Save")
	x.next()
	x.reads([]string{"This is not a receipt of ferry's"})
	if _, err := os.Lstat(to); err == nil {
		t.Error("there is a copy")
	}
	x.tap("Save")
	x.field.Done("") // Enter: one at a time
	x.tap("Back")    // waits for it
	if len(x.said) != 1 {
		t.Errorf("it was written %d times", len(x.said))
	}
	x.next()
	x.reads([]string{"Everything is on Pixel 9"}, "not a receipt")
	if !x.busy {
		t.Error("a page that was left is written on")
	}
}
