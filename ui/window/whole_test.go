package window

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// shot is how many photos the old phone takes at a time.
const shot = 24

// journey is two phones on a way from one to the other, and who holds them.
type journey struct {
	t          *testing.T
	program    *program
	old, young *actor
	from, into string // the folders that they are
	link       *link  // the only way from one to the other
}

// Two phones from the first screen to the receipts, over a link that is cut on the
// way: by what is written on the screens, and by taps and keys alone.
func TestTheWholeWay(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home) // where a person begins to look for a folder
	j := &journey{t: t, program: newProgram(t), from: filepath.Join(home, "Old phone"), into: filepath.Join(t.TempDir(), "new")}
	j.write("Documents/letter.txt", []byte("Dear all,\n"))
	j.write("Contacts/all.vcf", cards(12))
	j.shoot(0)
	j.old = j.program.enter(Options{Name: "Old", Flow: flow.Options{Watch: nobodyIsFound}})
	j.young = j.program.enter(Options{Name: "New", Into: j.into, Loopback: true})

	j.slow()
	j.begin()
	j.typeCode(true)
	j.choose()
	j.refuse()
	j.typeCode(false)
	j.move(0)
	j.cutOff()
	j.arrive("37 items, 3.1 MB", "24 · 3.1 MB 24 added, 2 folders Files 1 folder")

	j.shoot(shot)
	j.both("Run again")
	j.typeCode(false)
	j.old.reads("To New: 61 items")
	j.move(shot)
	j.cancel()
	there := j.there()
	if there <= shot || there >= 2*shot {
		t.Errorf("%d of %d photos are there after the move was stopped", there, 2*shot)
	}
	j.both("Start again")
	j.typeCode(false)
	j.move(there)
	j.arrive("61 items, 6.3 MB", fmt.Sprintf("48 · 6.3 MB %d added, %d there already, 2 folders Files 1 folder", 2*shot-there, there))
	j.both("Finish")
	j.old.reads("Move to a new phone")
	j.young.reads("Move to a new phone")
	if n := j.link.passed.Load(); n < 2*shot*photoBytes {
		t.Errorf("%d bytes went over the link", n)
	}
}

// nobodyIsFound is a network on which the old phone finds no new one.
func nobodyIsFound(ctx context.Context, _ bool, _ func([]discovery.Candidate), _ func(discovery.Diagnosis)) {
	<-ctx.Done()
}

func (j *journey) write(name string, b []byte) {
	j.t.Helper()
	path := filepath.Join(j.from, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		j.t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		j.t.Fatal(err)
	}
	when := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	if err := os.Chtimes(path, when, when); err != nil {
		j.t.Fatal(err)
	}
}

const photoBytes = 128 << 10

// shoot takes photos with the old phone.
func (j *journey) shoot(first int) {
	j.t.Helper()
	for i := range shot {
		b := make([]byte, photoBytes)
		rand.NewChaCha8([32]byte{byte(first + i)}).Read(b)
		j.write(fmt.Sprintf("DCIM/Camera/IMG_%04d.jpg", first+i), b)
	}
}

// cards are so many contacts.
func cards(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zoë %d\r\nTEL:+49 30 %06d\r\nEND:VCARD\r\n", i, i)
	}
	return b.Bytes()
}

// slow sets a speed limit at the old phone, so that a move takes a few seconds.
func (j *journey) slow() {
	j.t.Helper()
	j.old.reads("My old phone", "Send from here.")
	j.old.taps("Settings", "Speed limit")
	j.old.types("500K")
	j.old.taps("Save")
	j.old.reads("Settings", "500 kB/s")
	j.old.keys(fyne.KeyEscape)
}

// begin makes the one the old phone and the other the new one, and brings the old one
// to the new one over the link.
func (j *journey) begin() {
	j.t.Helper()
	j.old.taps("My old phone", "Look for it")
	j.old.reads("The folder above", "Old phone")
	j.old.keys(fyne.KeyDown, fyne.KeyReturn)
	j.old.reads("DCIM", "Contacts")
	j.old.taps("Choose this folder", "Next")
	j.young.taps("My new phone")
	j.young.reads("Waiting for your old phone")
	j.old.reads("Choose your new phone", "Looking for it…")
	there := netip.MustParseAddrPort(shownAddress.FindString(j.young.text()))
	j.link = newLink(j.t, there)
	j.old.taps("Not listed?")
	j.old.types(j.link.Addr.String())
	j.old.keys(fyne.KeyReturn)
}

// shownAddress is one as a phone shows it.
var shownAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// typeCode types the code that the new phone shows; before that, with a wrong one
// too.
func (j *journey) typeCode(wrong bool) {
	j.t.Helper()
	j.old.reads("Type the code")
	j.program.until("the new phone shows no code", func() bool { return len(j.young.digits()) == kit.CodeLen })
	code := j.young.digits()
	if wrong {
		other := "1"
		if code[0] == '1' {
			other = "2"
		}
		j.old.types(other + code[1:])
		j.old.reads("That is not the code on the new phone.", "2 tries left.")
		j.young.reads("That was a wrong code", "2 tries left")
		j.program.paint(j.t, "wrong code")
	}
	j.old.types(code)
	j.old.reads("What to move", "To New:")
	j.young.reads("Your old phone is here", "The code was right")
}

// choose looks at what there is to move, with a kind left out and without, and at
// what would become of it.
func (j *journey) choose() {
	j.t.Helper()
	j.old.reads("To New: 37 items")
	j.old.taps("Photos")
	j.old.reads("To New: 13 items")
	j.old.taps("Photos")
	j.old.reads("To New: 37 items")
	j.old.taps("Preview")
	j.old.reads("What would happen", "Nothing has moved yet.", "New there 24", "New there 12")
	j.program.paint(j.t, "preview")
	j.old.keys(fyne.KeyEscape)
	j.old.reads("What to move", "What would happen")
}

// refuse refuses the first offer, and begins once more.
func (j *journey) refuse() {
	j.t.Helper()
	j.old.taps("Move")
	j.old.reads("On New, tap Accept")
	j.young.reads("Old wants to move here", "Files 1 folder 37 items", "Nothing here is deleted or overwritten.")
	j.program.paint(j.t, "asking")
	j.young.taps("Refuse")
	j.young.reads("You refused the move", "Nothing of it was kept.")
	j.old.reads("New said no", "Nothing was moved, and both phones are as they were.")
	j.program.paint(j.t, "refused")
	if got := tree(j.t, j.into); len(got) != 1 {
		j.t.Errorf("%d things came of what was refused", len(got)-1)
	}
	j.old.taps("Ask again")
}

// move begins to move everything, until more than so many photos are on the new phone.
func (j *journey) move(photos int) {
	j.t.Helper()
	j.old.taps("Move")
	j.young.reads("Old wants to move here")
	j.young.taps("Accept")
	j.old.reads("Moving to New", "Now: Photos")
	j.young.reads("Moving from Old", "Now: Photos")
	j.program.until("no photo arrives", func() bool { return j.old.photos() > photos+1 && j.young.photos() > photos+1 })
}

// movedPhotos is how many photos have moved so far, as it is written.
var movedPhotos = regexp.MustCompile(`Photos (\d+) of \d+`)

func (a *actor) photos() int {
	n := 0
	if m := movedPhotos.FindStringSubmatch(unwrapped(a.text())); m != nil {
		n, _ = strconv.Atoi(m[1])
	}
	return n
}

// there is how many photos are in the new phone's folder.
func (j *journey) there() (n int) {
	for path := range tree(j.t, j.into) {
		if filepath.Ext(path) == ".jpg" {
			n++
		}
	}
	return n
}

// cutOff cuts the link while items move, and mends it when both have noticed.
func (j *journey) cutOff() {
	j.t.Helper()
	j.link.cut.Store(true)
	lost := []string{"The phones lost each other", "on the new phone.", "It goes on by itself when they meet again."}
	j.old.reads(lost...)
	j.young.reads(lost...)
	j.program.paint(j.t, "lost")
	if j.link.cut.Store(false); j.link.lost.Load() == 0 {
		j.t.Error("nothing was lost on the link")
	}
	for _, a := range j.program.acts {
		j.program.until(a.name+" does not go on", func() bool { return a.says("Moving", "Now: Photos") && !a.says(lost[0]) })
	}
}

// arrive waits for the end of a move of so many items, and compares what the two
// phones say of it, what they signed, and what they have.
func (j *journey) arrive(items, photos string) {
	j.t.Helper()
	agreed := "Both phones agree: " + items + ", all checked."
	j.old.reads("Everything is on New", agreed, "Photos "+photos, "Is it safe to erase the old phone? Yes: everything that Ferry found on this phone is on New.")
	j.young.reads("All that was sent is here", agreed, "Photos "+photos, "Is it safe to erase the old phone? Look at the old phone first")
	j.program.paint(j.t, "done")
	if a, b := tree(j.t, j.from), tree(j.t, j.into); !maps.Equal(a, b) {
		j.t.Errorf("the old phone has %q, the new one %q", slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
	}
	sent, received := j.receipt(j.old), j.receipt(j.young)
	if !reflect.DeepEqual(sent, received) || len(sent.NotMoved) != 0 || len(sent.Kinds) < 3 {
		j.t.Errorf("the old phone signed %+v, the new one %+v", sent, received)
	}
}

// receipt is what a phone signed, from where its screen says that it is.
func (j *journey) receipt(a *actor) *receipt.Payload {
	j.t.Helper()
	a.taps("Copy the path of the receipt")
	a.reads("The path is copied.")
	b, err := os.ReadFile(a.app.Clipboard().Content())
	if err != nil {
		j.t.Fatal(err)
	}
	p, err := receipt.Verify(b)
	if err != nil {
		j.t.Fatal(err)
	}
	return p
}

// both taps the same at both phones.
func (j *journey) both(label string) {
	j.t.Helper()
	j.old.taps(label)
	j.young.taps(label)
}

// cancel ends the move at the old phone, which asks whether that is meant.
func (j *journey) cancel() {
	j.t.Helper()
	j.old.taps("Cancel")
	j.old.reads("Stop the move?", "What has arrived stays on the new phone, and a next move goes on from there.")
	j.program.paint(j.t, "cancel")
	j.old.keys(fyne.KeyEscape)
	j.old.reads("Moving to New")
	if j.old.says("Stop the move?") {
		j.t.Error("the question stays")
	}
	j.old.taps("Cancel", "Stop the move")
	stays := "What has arrived stays. Start the move again, and it goes on from there."
	j.old.reads("The move was stopped", stays, "No: the phones have not agreed on what arrived.")
	j.young.reads("The move was stopped on the other phone", stays, "No: the phones have not agreed on what arrived.")
	j.program.paint(j.t, "stopped")
}
