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
	"github.com/ferry-move/ferry/ui/window/kit"
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

// saving is the last page of a move, whose receipt is to be saved, and the folder
// that is chosen first.
type saving struct {
	*face
	queued       *queued
	receipt, dir string
}

func newSaving(t *testing.T, receipt string) saving {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	s := landed(flow.OldPhone)
	s.Result.Receipt = receipt
	f := newFace(t, s)
	return saving{f, f.queue(), receipt, dir}
}

// save chooses a folder.
func (x saving) save(choose ...func()) {
	x.t.Helper()
	x.tap("Save receipt")
	x.settle(x.queued)
	for _, c := range choose {
		c()
		x.settle(x.queued)
	}
	x.tap("Save it in this folder")
	x.settle(x.queued)
}

// copied checks what is in a file that is called as the receipt.
func (x saving) copied(dir, want string) {
	x.t.Helper()
	if got, err := os.ReadFile(filepath.Join(dir, filepath.Base(x.receipt))); err != nil || string(got) != want {
		x.t.Errorf("%q, %v", got, err)
	}
}

func (x saving) text(path string) string {
	x.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		x.t.Fatal(err)
	}
	return string(b)
}

func TestSave(t *testing.T) {
	x := newSaving(t, signed(t))
	papers := filepath.Join(x.dir, "Papers")
	if err := os.Mkdir(papers, 0o700); err != nil {
		t.Fatal(err)
	}
	x.save(func() {
		x.reads([]string{"Choose a folder", "The copy names files, and holds nothing that is in them."})
		x.key(fyne.KeyDown, fyne.KeyReturn)
	})
	x.reads([]string{"Everything is on Pixel 9", "A copy is saved", "It is in "})
	x.copied(papers, x.text(x.receipt))
	if had, ok := x.win.Canvas().Focused().(*kit.Button); !ok || had.Text() != "Save receipt" {
		t.Errorf("%v has the focus", x.win.Canvas().Focused())
	}
	x.wanted()
}

// A file is replaced only when that was asked and answered.
func TestSaveReplaces(t *testing.T) {
	x := newSaving(t, signed(t))
	path := filepath.Join(x.dir, filepath.Base(x.receipt))
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	x.save()
	x.reads([]string{"Replace the file?"}, "A copy is saved")
	x.tap("Keep it")
	x.settle(x.queued)
	x.copied(x.dir, "precious")
	x.reads(nil, "Replace the file?", "A copy is saved")
	x.save()
	x.tap("Replace")
	x.settle(x.queued)
	x.copied(x.dir, x.text(x.receipt))
	x.reads([]string{"A copy is saved"})

	silent := func() {
		t.Helper()
		x.settle(x.queued)
		if o := x.win.Canvas().Overlays().Top(); o != nil {
			t.Error("it asks on another page")
		}
	}
	s := x.state
	x.save()
	x.see(flow.Snapshot{Screen: flow.Find, Version: 1}) // the question goes with its page
	silent()
	x.see(s)
	x.tap("Save receipt")
	x.settle(x.queued)
	x.tap("Save it in this folder")
	x.see(flow.Snapshot{Screen: flow.Find, Version: 2}) // and does not come after it
	silent()
}

// A receipt that was changed is not saved; and a page that was left says nothing.
func TestSaveBad(t *testing.T) {
	path := signed(t)
	if err := os.WriteFile(path, []byte("ferry receipt 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := newSaving(t, path)
	x.save()
	x.reads([]string{"This is not a receipt of Ferry's", "Everything is on Pixel 9"}, "A copy is saved")
	if _, err := os.Lstat(filepath.Join(x.dir, filepath.Base(path))); err == nil {
		t.Error("there is a copy")
	}
	x.tap("Save receipt")
	x.settle(x.queued)
	x.tap("Save it in this folder")
	x.see(flow.Snapshot{Screen: flow.Find, Version: 1})
	x.settle(x.queued)
	x.reads([]string{"Choose your new phone"}, "not a receipt")
}
