package window

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// photos is how many photos each of the two moves of TestTheWholeWay has to send.
const photos = 24

// journey is two phones on a way from one to the other, and who holds them.
type journey struct {
	t          *testing.T
	stage      *stage
	old, young *actor
	from, into string // the folders that they are
	link       *link
}

// Two people's phones from the first screen to the receipts, over a link that is cut
// on the way: by what is written on the screens, and by taps and keys alone.
func TestTheWholeWay(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home) // where a person looks for folders first
	j := &journey{t: t, stage: newStage(t), from: filepath.Join(home, "Old phone"), into: filepath.Join(t.TempDir(), "new")}
	j.shoot(0)
	j.write("Documents/letter.txt", []byte("Dear all,\n"))
	j.write("Contacts/all.vcf", []byte(cards(12)))
	j.old = j.stage.enter(Options{Name: "Old", Flow: flow.Options{Watch: nobodyIsFound}})
	j.young = j.stage.enter(Options{Name: "New", Into: j.into, Loopback: true})

	j.slow("1M")
	j.begin()
	j.typeCode(true)
	j.choose()
	j.refuse()
	j.move()
	j.cutOff()
	j.arrive()
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

// shoot takes photos with the old phone.
func (j *journey) shoot(first int) {
	j.t.Helper()
	for i := range photos {
		b := make([]byte, 128<<10)
		rand.NewChaCha8([32]byte{byte(first + i)}).Read(b)
		j.write(fmt.Sprintf("DCIM/Camera/IMG_%04d.jpg", first+i), b)
	}
}

// cards are so many contacts.
func cards(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zoë %d\r\nTEL:+49 30 %06d\r\nEND:VCARD\r\n", i, i)
	}
	return b.String()
}

// slow sets a speed limit at the old phone.
func (j *journey) slow(limit string) {
	j.t.Helper()
	j.old.reads("My old phone", "Send from here.")
	j.old.taps("Settings", "Speed limit")
	j.old.types(limit)
	j.old.taps("Save")
	j.old.reads("Settings", "1.0 MB/s")
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
	j.old.reads("Type the code")
}

// shownAddress is one as a phone shows it.
var shownAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// typeCode types the code that the new phone shows; before that, with a wrong one
// too.
func (j *journey) typeCode(wrong bool) {
	j.t.Helper()
	j.stage.until("the new phone shows no code", func() bool { return len(j.young.digits()) == kit.CodeLen })
	code := j.young.digits()
	if wrong {
		other := "1"
		if code[0] == '1' {
			other = "2"
		}
		j.old.types(other + code[1:])
		j.old.reads("That is not the code on the new phone.", "2 tries left.")
		j.young.reads("That was a wrong code", "2 tries left")
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
	j.old.keys(fyne.KeyEscape)
	j.old.reads("What to move", "What would happen")
}

// refuse refuses the first offer, and begins once more.
func (j *journey) refuse() {
	j.t.Helper()
	j.old.taps("Move")
	j.old.reads("On New, tap Accept")
	j.young.reads("Old wants to move here", "37 items", "Nothing here is deleted or overwritten.")
	j.young.taps("Refuse")
	j.young.reads("You refused the move", "Nothing of it was kept.")
	j.old.reads("That did not work", "The move was refused on the new phone.")
	if got := tree(j.t, j.into); len(got) != 1 {
		j.t.Errorf("%d things came of what was refused", len(got)-1)
	}
	j.old.taps("Try again")
	j.old.reads("Type the code")
	j.typeCode(false)
}

// move begins to move everything, until some of it has arrived.
func (j *journey) move() {
	j.t.Helper()
	j.old.taps("Move")
	j.young.reads("Old wants to move here")
	j.young.taps("Accept")
	j.old.reads("Moving to New", "Now: Photos")
	j.young.reads("Moving from Old", "Now: Photos")
	j.stage.until("no photo arrives", func() bool {
		return some.MatchString(unwrapped(j.old.text())) && some.MatchString(unwrapped(j.young.text()))
	})
}

// some is how a part of the photos is counted.
var some = regexp.MustCompile(`Photos \d+ of \d+`)

// cutOff cuts the link while items move, and mends it when both have noticed.
func (j *journey) cutOff() {
	j.t.Helper()
	j.link.cut.Store(true)
	lost := []string{"The phones lost each other", "on the new phone.", "It goes on by itself when they meet again."}
	j.old.reads(lost...)
	j.young.reads(lost...)
	j.link.cut.Store(false)
	for _, a := range j.stage.acts {
		j.stage.until(a.name+" does not go on", func() bool { return !a.says(lost[0]) })
	}
}

// arrive waits for the end, and compares what the two phones say of it and have.
func (j *journey) arrive() {
	j.t.Helper()
	j.old.reads("Is it safe to erase the old phone?")
	j.young.reads("Is it safe to erase the old phone?")
	fmt.Println(j.stage)
}

func (j *journey) oncemore() {}
func (j *journey) cancel()   {}
