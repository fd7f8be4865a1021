package window

import (
	"maps"
	"slices"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// preview says what would happen if what is chosen was moved now.
type preview struct {
	sheet
	of   *session.Preview // what is shown
	move *kit.Button
}

func newPreview(w *Window) screen {
	x := &preview{sheet: w.sheet()}
	x.page.Back(w.words.Say("What to move"), func() { w.guard(w.back) })
	x.move = kit.NewButton(w.words.Say("Move"), kit.Primary, w.on(w.flow.Move))
	x.page.Buttons(x.move)
	return x
}

func (x *preview) focus() fyne.Focusable {
	if x.move.Disabled() {
		return nil
	}
	return x.move
}

func (x *preview) show(s flow.Snapshot) {
	if s.Preview == nil {
		return
	}
	c := chosenOf(s)
	able(x.move, c.any && c.fits(s))
	if x.of == s.Preview {
		return
	}
	x.of = s.Preview
	body := []fyne.CanvasObject{
		kit.Title(x.words.Say("What would happen")),
		kit.Sentence(x.words.Say("Nothing has moved yet. The new phone compared this with what it has."), kit.Quiet),
	}
	var rows []fyne.CanvasObject
	for _, p := range s.Preview.Kinds {
		if k, ok := kindOf(s, p.Kind); ok {
			if parts := x.kind(p); len(parts) > 0 {
				rows = append(rows, kit.Entry(iconOf(p.Kind), append([]fyne.CanvasObject{x.head(k, p)}, parts...)...))
			}
		}
	}
	room := x.roomThere(s, c)
	if room.Words = x.words.Bytes(c.needs); s.Free >= 0 {
		room.Words = x.words.Say("{{.Size}}, with {{.Free}} free there", say.Fields{"Size": room.Words, "Free": x.words.Bytes(s.Free)})
	}
	if len(rows) == 0 {
		rows = append(rows, kit.Sentence(x.words.Say("There is nothing to move in what you chose.")))
	}
	x.page.Show(append(body, kit.NewCapacity(x.words.Say("To be sent"), room), kit.Ruled(rows...))...)
}

// head says which kind it is, and how much of it is to be sent.
func (x *preview) head(k flow.KindChoice, p session.PreviewKind) fyne.CanvasObject {
	size := ""
	if p.Bytes > 0 {
		size = x.words.Bytes(p.Bytes)
	}
	return kit.Pair(kit.Sentence(x.words.Title(k.Info), kit.Bold), kit.Sentence(size, kit.Quiet))
}

// kind says what becomes of a kind's items.
func (x *preview) kind(p session.PreviewKind) (out []fyne.CanvasObject) {
	line := func(n uint64, label string, style ...kit.Style) {
		if n > 0 {
			out = append(out, kit.Pair(kit.Sentence(label, style...), kit.Sentence(x.words.Count(n), style...)))
		}
	}
	line(p.Add-min(p.Add, p.Rename), x.words.Say("New there"))
	line(p.Rename, x.words.Say("New there, renamed"))
	line(p.Merge, x.words.Say("Joined with what is there"))
	line(p.Skip, x.words.Say("There already"), kit.Quiet)
	line(p.Cannot, x.words.Say("Cannot move"), kit.Heed)
	reasons := slices.Sorted(maps.Keys(p.Why))
	for _, r := range reasons[:min(len(reasons), maxExamples)] {
		out = append(out, kit.Caption(x.words.Reason(r).String()))
	}
	return out
}
