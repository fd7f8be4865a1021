package window

import (
	"errors"
	"fmt"
	"strings"
	"testing"

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
		f.items = first(6, true)
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
