package window

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// panel is the kind that is open.
func (f *face) panel() *items { return f.base.screen.(*what).open }

// A list of any length holds few of its items, and fetches few.
func TestItemsAreFetchedInPages(t *testing.T) {
	f := newFace(t, choosing())
	const all = 100_000
	fetched, calls := 0, 0
	f.items = func(k backup.Kind, from, n int) flow.Page {
		p := first(all, true)(k, from, n)
		calls, fetched = calls+1, fetched+len(p.Items)
		return p
	}
	openPhotos(f)
	list := f.panel().list
	for i := range 200 {
		list.ScrollToOffset(float32(i) * 20_000)
		if held := len(f.panel().entries.pages); held > keptPages || len(f.panel().entries.used) != held {
			t.Fatalf("%d pages are held", held)
		}
	}
	if calls > 1000 || fetched > calls*perPage {
		t.Errorf("%d entries in %d calls", fetched, calls)
	}
	calls = 0
	f.win.Canvas().Focus(list)
	f.key(fyne.KeyEnd)
	if !strings.Contains(f.text(), fmt.Sprintf("IMG_%06d.jpg", all-1)) {
		t.Error(f.text())
	}
	f.key(fyne.KeyHome, fyne.KeyEnd, fyne.KeyHome, fyne.KeyEnd)
	if calls > 6 {
		t.Errorf("%d calls for two ends", calls)
	}
}

func TestItemsAreChosen(t *testing.T) {
	f := newFace(t, choosing())
	f.items = first(6, true)
	openPhotos(f)
	f.wanted()
	f.win.Canvas().Focus(f.panel().list)
	f.key(fyne.KeySpace, fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn, fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn)
	e := first(6, true)("photos", 0, 6).Items
	f.wanted(fmt.Sprintf("take %v false", e[0]), fmt.Sprintf("take %v true", e[2])) // the fifth cannot move
	f.tap("All of them, 3,410 of 3,412 · 14 GB")
	f.wanted("kind photos true")
	s := choosing()
	s.Kinds[2].Taken, s.Kinds[2].Exceptions = 3412, 0
	f.see(s)
	f.tap("All of them, 3,412 · 14 GB")
	f.wanted("kind photos false")
}

// What a person calls an item stands before its key, and is made harmless.
func TestItemsHaveNames(t *testing.T) {
	f := newFace(t, choosing())
	entry := flow.Entry{Kind: "contacts", Key: "uid:7", Name: "Zoë\u202e", Size: 120, On: true}
	f.items = func(k backup.Kind, from, n int) flow.Page {
		return flow.Page{Listed: 1, Complete: true, Items: []flow.Entry{entry}}
	}
	f.tap("Choose single items: Contacts")
	if text := f.text(); !strings.Contains(text, "Zoë\\u202e\n120 B\n") {
		t.Error(text)
	}
	entry.Name = ""
	f.draw()
	if text := f.text(); !strings.Contains(text, "a contact (uid:7)\n") {
		t.Error(text)
	}
}

func TestItemsSayWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		page flow.Page
		want string
	}{
		{flow.Page{Listed: 12_300}, "Listing… 12,300 so far"},
		{flow.Page{Listed: 1 << 18, More: 5, Complete: true}, "5 more are not listed one by one. They move if the rest does."},
		{flow.Page{Complete: true, Err: errors.New("broken")}, "It failed: broken."},
	} {
		f := newFace(t, choosing())
		f.items = func(backup.Kind, int, int) flow.Page { return c.page }
		openPhotos(f)
		if text := strings.ReplaceAll(f.text(), "\n", " "); !strings.Contains(text, c.want) {
			t.Errorf("%q is not said: %s", c.want, text)
		}
		kittest.Places(t, c.want, f.win.Content(), phone.Width)
		f.items = first(3, true)
		f.draw()
		if f.panel().note.Visible() {
			t.Errorf("%q is still said", f.panel().note.Text)
		}
	}
}

// Items are opened and left by keys alone; Esc leads back one step at a time.
func TestItemsByKeys(t *testing.T) {
	f := newFace(t, choosing())
	f.items = first(6, true)
	row := f.base.screen.(*what).rows["photos"]
	f.win.Canvas().Focus(row)
	f.key(fyne.KeyRight)
	if f.win.Canvas().Focused() != fyne.Focusable(f.panel().all) {
		t.Errorf("the focus is on %T", f.win.Canvas().Focused())
	}
	f.key(fyne.KeySpace)
	f.wanted("kind photos true")
	f.key(fyne.KeyEscape)
	if f.panel() != nil || f.win.Canvas().Focused() != fyne.Focusable(row) {
		t.Errorf("the focus is on %T", f.win.Canvas().Focused())
	}
	f.wanted()
	f.key(fyne.KeyEscape)
	f.wanted("back")
}

// Beside each other, another kind takes the place of the one that is open.
func TestItemsBesideKinds(t *testing.T) {
	f := newFace(t, choosing())
	f.win.Resize(fyne.NewSize(1000, 700))
	asked := map[backup.Kind]bool{}
	f.items = func(k backup.Kind, from, n int) flow.Page {
		asked[k] = true
		return flow.Page{Kind: k, Complete: true}
	}
	openPhotos(f)
	f.tap("Choose single items: Contacts")
	if !asked["photos"] || !asked["contacts"] || f.panel().info.Kind != "contacts" {
		t.Errorf("%v", asked)
	}
	f.tap("Documents, 200 · 320 MB")
	f.wanted("kind documents false")
	gone := choosing()
	gone.Screen = flow.AskedThere
	f.see(gone)
}

// file is a picture's content.
type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

// Photos have small pictures, which come when they are ready. Leaving ends what
// reads them.
func TestItemsHavePictures(t *testing.T) {
	f := newFace(t, choosing())
	drawn := make(chan func(), 8)
	f.do = func(g func()) { drawn <- g }
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 100))); err != nil {
		t.Fatal(err)
	}
	mod := time.Date(2024, 3, 12, 9, 0, 0, 123, time.UTC)
	f.items = func(k backup.Kind, from, n int) flow.Page {
		return flow.Page{Kind: k, Listed: 1, Complete: true, Items: []flow.Entry{{Kind: k, Key: "DCIM/a b.png", Size: 77, ModTime: mod, On: true}}}
	}
	opened := make(chan flow.Entry, 8)
	f.open = func(e flow.Entry) (io.ReadSeekCloser, int64, error) {
		opened <- e
		return file{bytes.NewReader(b.Bytes())}, int64(b.Len()), nil
	}
	openPhotos(f)
	if e := <-opened; e.Kind != "photos" || e.Key != "DCIM/a b.png" || e.Size != 77 || !e.ModTime.Equal(mod) {
		t.Errorf("%+v", e)
	}
	(<-drawn)()
	shown := 0
	for _, pic := range kittest.Find[*canvas.Image](f.win.Content()) {
		if pic.Image != nil && pic.Resource == nil { // not an icon
			shown++
		}
	}
	if shown != 1 {
		t.Errorf("%d pictures are shown", shown)
	}
	stuck := make(chan struct{})
	begun := make(chan struct{})
	f.open = func(flow.Entry) (io.ReadSeekCloser, int64, error) {
		close(begun)
		<-stuck
		return file{bytes.NewReader(b.Bytes())}, int64(b.Len()), nil
	}
	f.key(fyne.KeyEscape)
	openPhotos(f)
	<-begun
	p := f.panel()
	p.stop()
	close(stuck)
	f.key(fyne.KeyEscape)
	if pic := p.thumbs.Get(p.item(0).Thumb); pic != nil || len(drawn) > 0 {
		t.Error("it was read to its end when nobody wanted it any more")
	}
}

// However many pictures come before the list is drawn, it is drawn once.
func TestPicturesAreDrawnTogether(t *testing.T) {
	f := newFace(t, choosing())
	drawn := make(chan func(), 8)
	f.do = func(g func()) { drawn <- g }
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 20, 10))); err != nil {
		t.Fatal(err)
	}
	f.items = first(3, true)
	opened := make(chan bool, 8)
	f.open = func(flow.Entry) (io.ReadSeekCloser, int64, error) {
		opened <- true
		return file{bytes.NewReader(b.Bytes())}, int64(b.Len()), nil
	}
	openPhotos(f)
	p := f.panel()
	for range 3 {
		<-opened
	}
	p.thumbs.Close()
	if n := len(drawn); n != 1 {
		t.Fatalf("%d draws wait", n)
	}
	(<-drawn)()
	for i := range 3 {
		if p.thumbs.Get(p.item(i).Thumb) == nil {
			t.Errorf("picture %d did not come", i)
		}
	}
}
