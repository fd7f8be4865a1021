package window

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/say"
)

// info describes a kind as its agent does.
func info(kind backup.Kind, title, one, many string) backup.Info {
	return backup.Info{Kind: kind, Title: title, One: one, Many: many, Entities: kind == "contacts"}
}

// choosing is a snapshot at What: a whole phone, and room for it.
func choosing() flow.Snapshot {
	k := func(i backup.Info, n, bytes uint64) flow.KindChoice {
		return flow.KindChoice{Info: i, Items: n, Bytes: bytes, Taken: n, TakenBytes: bytes, On: true}
	}
	photos := k(info("photos", "Photos", "photo", "photos"), 3412, 14_100_000_000)
	photos.Taken, photos.TakenBytes, photos.Exceptions, photos.Folders = 3410, 14_092_000_000, 2, 61
	apps := k(info("apps", "Apps", "app item", "app items"), 33, 2_200_000_000)
	apps.Taken = 31
	apps.Cannot = []flow.Group{{Reason: backup.NotAllowed, Count: 2, Names: []flow.Named{{Kind: "apps", Key: "com.example.bank"}, {Kind: "apps", Key: "org.example.keys"}}}}
	documents := k(info("documents", "Documents", "document", "documents"), 209, 320_000_000)
	documents.Taken, documents.Cannot = 200, []flow.Group{
		{Reason: backup.Unreadable, Count: 8, Names: []flow.Named{{Kind: "documents", Key: "Documents/Tax/2024.pdf"}, {Kind: "documents", Key: "Documents/وثيقة.pdf"}}},
		{Reason: backup.NotAllowed, Count: 1},
	}
	return flow.Snapshot{
		Screen: flow.What, Role: flow.OldPhone, Name: "Galaxy A55", Peer: flow.Peer{Name: "Pixel 9"}, Free: 41_000_000_000,
		Kinds: []flow.KindChoice{
			k(info("contacts", "Contacts", "contact", "contacts"), 412, 1_200_000), documents, photos,
			k(info("music", "Music", "song", "songs"), 0, 0), apps,
		},
	}
}

// first lists n photos.
func first(n int, complete bool) func(backup.Kind, int, int) flow.Page {
	return func(k backup.Kind, from, count int) flow.Page {
		p := flow.Page{Kind: k, From: from, Listed: n, Complete: complete}
		for i := from; i < min(n, from+count); i++ {
			e := flow.Entry{Kind: k, Key: backup.Key(fmt.Sprintf("DCIM/Camera/IMG_%06d.jpg", i)), Parts: 1, Size: 4_200_000 + int64(i), On: i != 2}
			if i == 4 {
				e.Reason, e.On = backup.Unreadable, false
			}
			p.Items = append(p.Items, e)
		}
		return p
	}
}

func foreseen() *session.Preview {
	return &session.Preview{Free: 41_000_000_000, Kinds: []session.PreviewKind{
		{Kind: "contacts", Add: 380, Merge: 31, Skip: 1, Bytes: 1_100_000},
		{Kind: "photos", Add: 214, Rename: 3, Skip: 3194, Cannot: 2, Bytes: 890_000_000, Why: map[backup.Reason]uint64{backup.TooLarge: 2}},
		{Kind: "apps"},
	}}
}

func TestWhatLooks(t *testing.T) {
	s := choosing()
	golden(t, "what", s, nil)
	s.Screen = flow.Previewing
	s.Peer.Name, s.Free = "", -1
	s.Kinds = s.Kinds[:2]
	golden(t, "what-asking", s, nil)
	s = choosing()
	s.Free, s.PreviewErr = 9_000_000_000, session.ErrNoPreview
	s.Peer.Name = strings.Repeat("Pixel\u202e ", 2000)
	s.Kinds = s.Kinds[2:]
	s.Kinds[2].Err = errors.New("broken")
	golden(t, "what-room", s, nil)
}

// openPhotos opens the photos.
func openPhotos(f *face) {
	f.tap(f.words.Say("Choose single items: {{.Kind}}", say.Fields{"Kind": f.words.Title(choosing().Kinds[2].Info)}))
}

func TestItemsLook(t *testing.T) {
	golden(t, "items", choosing(), func(f *face) {
		f.items = first(5, true)
		openPhotos(f)
	})
}

func TestCannotLooks(t *testing.T) {
	s := choosing()
	s.Kinds[3].Err = errors.New("broken")
	golden(t, "cannot", s, func(f *face) { f.push(func() screen { return newCannot(f.Window) }) })
}

func TestPreviewLooks(t *testing.T) {
	s := choosing()
	s.Preview = foreseen()
	golden(t, "preview", s, func(f *face) { f.push(func() screen { return newPreview(f.Window) }) })
}

func TestChooseKinds(t *testing.T) {
	f := newFace(t, choosing())
	f.tap("Contacts, 412 · 1.2 MB")
	f.tap("Photos, 3,410 of 3,412 · 14 GB")
	f.wanted("kind contacts false", "kind photos true")
	f.tap("Contacts, 412 · 1.2 MB") // it was not taken, and is on as before
	f.wanted("kind contacts false")
	f.tap("Move")
	f.tap("Choose another phone")
	f.wanted("move", "back")
	s := choosing()
	s.Kinds[0].On, s.Kinds[0].Taken, s.Kinds[0].TakenBytes = false, 0, 0
	f.see(s)
	f.tap("Contacts, 412 · 1.2 MB")
	f.wanted("kind contacts true")
	if !strings.Contains(f.text(), "3,641 items") {
		t.Error(f.text())
	}
}

// Nothing and too much cannot be moved, and the screen says why.
func TestMoveIsPossible(t *testing.T) {
	nothing := choosing()
	for i := range nothing.Kinds {
		nothing.Kinds[i].On, nothing.Kinds[i].Taken, nothing.Kinds[i].TakenBytes, nothing.Kinds[i].Exceptions = false, 0, 0, 0
	}
	folders := nothing
	folders.Kinds = append([]flow.KindChoice{{Info: info("videos", "Videos", "video", "videos"), Folders: 3, On: true}}, nothing.Kinds[1:]...)
	unknown, little, least := choosing(), choosing(), choosing()
	unknown.Free, little.Free, least.Free = -1, 16_000_000_000, 100_000_000
	small, untold, large := little, little, least
	small.Preview, large.Preview = foreseen(), foreseen()
	untold.PreviewErr = session.ErrNoPreview
	all := choosing()
	all.Free = 16_613_200_000
	hostile := choosing()
	hostile.Preview = &session.Preview{Free: -1, Kinds: []session.PreviewKind{{Kind: "photos", Bytes: 1 << 62}, {Kind: "apps", Bytes: 1 << 62}, {Kind: "music", Bytes: 1 << 62}}}
	for name, c := range map[string]struct {
		s             flow.Snapshot
		move, preview bool
		say           string
	}{
		"all":                        {choosing(), true, true, "17 GB of 41 GB"},
		"just fits":                  {all, true, true, "17 GB of 17 GB"},
		"nothing":                    {nothing, false, false, "Nothing is chosen."},
		"folders":                    {folders, true, true, "3 folders"},
		"room not known":             {unknown, true, true, "not known"},
		"too little":                 {little, false, true, "look at the preview"},
		"enough for what is new":     {small, true, true, "891 MB of 16 GB"},
		"too little for what is new": {large, false, true, "The new phone lacks 791 MB."},
		"nobody can tell":            {untold, true, true, "There is no preview"},
		"more than there is":         {hostile, false, true, "The new phone lacks"},
	} {
		f := newFace(t, c.s)
		if move, preview := !f.button("Move").Disabled(), !f.button("Preview").Disabled(); move != c.move || preview != c.preview {
			t.Errorf("%s: Move %v, Preview %v", name, move, preview)
		}
		if text := strings.ReplaceAll(f.text(), "\n", " "); !strings.Contains(text, c.say) {
			t.Errorf("%s: %q is not said: %s", name, c.say, text)
		}
	}
}

// A preview is shown when it comes, unless the person looks at something else.
func TestPreviewComes(t *testing.T) {
	f := newFace(t, choosing())
	asking, told := choosing(), choosing()
	asking.Screen, told.Preview = flow.Previewing, foreseen()
	ask := func() {
		f.player.Snapshot = asking // from then on
		f.tap("Preview")
		f.wanted("preview")
	}
	ask()
	if b := f.button("Move"); !b.Disabled() {
		t.Error("it can be moved while the preview is asked for")
	}
	f.tap("Stop asking")
	f.wanted("back")
	f.see(choosing())
	f.see(told)
	if strings.Contains(f.text(), "There already") {
		t.Error("nobody asked, and it is shown")
	}
	f.see(choosing())
	ask()
	f.see(told)
	if text := f.text(); !strings.Contains(text, "There already") || strings.Contains(text, "Apps") {
		t.Errorf("%s", text)
	}
	f.key(fyne.KeyReturn)
	f.wanted("move")
	f.key(fyne.KeyEscape)
	f.see(told)
	if strings.Contains(f.text(), "There already") {
		t.Error("it opens itself again")
	}
	f.tap("What would happen")
	if !strings.Contains(f.text(), "There already") {
		t.Error("it cannot be seen again")
	}
	f.key(fyne.KeyEscape)
	f.see(choosing())
	ask()
	f.tap("11 items cannot move: why, and what to do")
	f.see(told)
	f.tap("What to move")
	if strings.Contains(f.text(), "There already") {
		t.Error("the person looked at something else meanwhile")
	}
	f.see(choosing())
	ask()
	openPhotos(f)
	f.see(told)
	if strings.Contains(f.text(), "There already") {
		t.Error("the person looks at the photos meanwhile")
	}
	f.key(fyne.KeyEscape)
	failed := choosing()
	failed.PreviewErr = session.ErrNoPreview
	f.see(failed)
	ask()
	f.see(failed)
	if !strings.Contains(f.text(), "There is no preview") {
		t.Error(f.text())
	}
}

func TestPreviewOfNothing(t *testing.T) {
	s := choosing()
	s.Preview = &session.Preview{Free: -1, Kinds: []session.PreviewKind{{Kind: "photos"}, {Kind: "unheard", Add: 5}}}
	f := newFace(t, s)
	f.tap("What would happen")
	if text := strings.ReplaceAll(f.text(), "\n", " "); !strings.Contains(text, "There is nothing to move") {
		t.Error(text)
	}
}

// The same reason is said once, with few examples.
func TestCannotBounds(t *testing.T) {
	var kinds []flow.KindChoice
	for i := range 8 {
		k := flow.KindChoice{Info: info(backup.Kind(fmt.Sprint("k", i)), "Kind", "thing", "things"), Items: 100}
		g := flow.Group{Reason: backup.Vanished, Count: 50}
		for n := range 5 {
			g.Names = append(g.Names, flow.Named{Kind: k.Info.Kind, Key: backup.Key(fmt.Sprint("a/", n))})
		}
		k.Cannot = []flow.Group{g, {Reason: backup.TooDeep, Count: 1}}
		kinds = append(kinds, k)
	}
	got := behind(kinds)
	if len(got) != 2 || got[0].count != 400 || len(got[0].names) != maxExamples || len(got[0].kinds) != 8 || got[1].count != 8 {
		t.Errorf("%+v", got)
	}
}
