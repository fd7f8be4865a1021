package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// help answers what people ask before they trust a program with their phone.
type help struct{ sheet }

func newHelp(w *Window) screen {
	x := &help{w.sheet()}
	card := func(g kit.Glyph, question string, answers ...string) fyne.CanvasObject {
		parts := []fyne.CanvasObject{kit.Heading(g, question)}
		for _, a := range answers {
			parts = append(parts, kit.Sentence(a))
		}
		return kit.Card(8, parts...)
	}
	x.page.Back(w.words.Say("Back"), w.back)
	x.page.Show(
		kit.Title(w.words.Say("Help")),
		card(kit.Boat, w.words.Say("How does it work?"),
			w.words.Say("1. Open Ferry on both phones, on the same Wi-Fi."),
			w.words.Say("2. On the old phone, choose the new one and type the code that it shows."),
			w.words.Say("3. Choose what to move. At the end, both phones say what arrived.")),
		card(kit.WiFi, w.words.Say("The phones do not find each other?"),
			w.words.Say("Put both on the same Wi-Fi, but not on a guest network, and turn off any VPN. Or make one phone a hotspot and join it with the other."),
			w.words.Say("If it still does not work, choose \"Not listed?\" on the old phone and type the address that the new phone shows.")),
		card(kit.Phone, w.words.Say("Is it private?"),
			w.words.Say("Yes. There is no cloud and no account. Everything goes straight from one phone to the other, encrypted, and only the phone that shows your code can read it.")),
		card(kit.Folder, w.words.Say("Where do things go?"),
			w.words.Say("To their places on the new phone. Nothing there is deleted or overwritten: where there is another file of the same name, both are kept.")),
		card(kit.LostLink, w.words.Say("What if it breaks off?"),
			w.words.Say("What has arrived stays. Move once more, and it goes on from there.")),
		card(kit.Eraser, w.words.Say("When is it safe to erase the old phone?"),
			w.words.Say("When the last page of a move, or its page in the history, says so. Until then, keep the old phone as it is.")),
	)
	return x
}

func (*help) show(flow.Snapshot) {}
