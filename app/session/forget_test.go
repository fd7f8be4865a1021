package session

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/journal"
)

// What is kept about a device goes, and does not come back; receipts go only
// when that is asked for, and nothing of another device goes.
func TestForget(t *testing.T) {
	n := startNewPhone(t, nil)
	opt := n.oldPhone(t, hear(t, n.codes).Code)
	if _, err := Send(t.Context(), opt); err != nil {
		t.Fatal(err)
	}
	event[Done](t, n)
	hear(t, n.codes) // the move has ended
	home := n.opt.Home
	old, err := identity.Load(opt.Home)
	if err != nil {
		t.Fatal(err)
	}
	other, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	kept := journalPath(home, "somewhere", other.ID())
	j, err := journal.Open(kept, other.ID())
	if err != nil {
		t.Fatal(err)
	}
	part := journal.Kept{Fingerprint: journal.Fingerprint{1}, Kind: "photos", Left: backup.Leftover{Name: "DCIM/.ferry-0000000000000001.part", Length: 9, Held: 9}, Tree: []byte{1}}
	if err := errors.Join(j.Temporary(backup.Key(part.Left.Name)), j.Keep([]journal.Kept{part})); err != nil {
		t.Fatal(err)
	}
	mine := journalPath(home, n.opt.Place, old.ID())
	if _, err := os.Stat(mine); err != nil {
		t.Fatalf("there is no journal to begin with: %v", err)
	}
	receipts := func() int {
		list, _ := filepath.Glob(filepath.Join(home, "receipts", "*.receipt"))
		return len(list)
	}

	if _, err := Forget(home, "not an ID", true); !errors.Is(err, ErrUnknownDevice) || receipts() != 1 {
		t.Errorf("an unknown device: %v", err)
	}
	var several *AmbiguousIDError
	if _, err := Forget(home, "12D3Koo", true); !errors.As(err, &several) || len(several.Devices) != 2 {
		t.Errorf("an ID that fits two: %v", err)
	}
	f, err := Forget(home, string(old.ID())[:20], false)
	if err != nil || f.Journals != 1 || f.Receipts != 0 || f.Parts != 0 || receipts() != 1 {
		t.Errorf("%+v, %v, %d receipts are left", f, err, receipts())
	}
	if _, err := os.Stat(filepath.Dir(mine)); !os.IsNotExist(err) {
		t.Errorf("the journal is still there: %v", err)
	}
	if f, err = Forget(home, string(old.ID()), true); err != nil || f.Receipts != 1 || receipts() != 0 {
		t.Errorf("%+v, %v, %d receipts are left", f, err, receipts())
	}
	if _, err := Forget(home, string(other.ID()), true); !errors.Is(err, journal.ErrBusy) {
		t.Errorf("a device whose journal is in use: %v", err)
	}
	j.Close()
	if f, err = Forget(home, "", false); err != nil || len(f.Devices) != 1 || f.Journals != 1 || f.Parts != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = Forget(home, "", true); err != nil || len(f.Devices) != 0 {
		t.Errorf("nothing is left: %+v, %v", f, err)
	}
}
