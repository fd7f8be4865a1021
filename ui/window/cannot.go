package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// maxExamples is how many items of a reason are named.
const maxExamples = 5

// cannot says what is known not to move, why, and what to do by hand.
type cannot struct {
	sheet
	shown bool // it does not change while it is seen
}

func newCannot(w *Window) screen {
	x := &cannot{sheet: w.sheet()}
	x.page.Back(w.words.Say("What to move"), func() { w.guard(w.back) })
	return x
}

func (x *cannot) show(s flow.Snapshot) {
	if x.shown {
		return
	}
	x.shown = true
	body := []fyne.CanvasObject{
		kit.Title(x.words.Say("What cannot move")),
		kit.Sentence(x.words.Say("This stays on your old phone. All else moves."), kit.Quiet),
	}
	for _, k := range s.Kinds {
		if k.Err != nil {
			body = append(body, kit.Notice(kit.Wrong, x.words.Say("{{.Kind}} could not be read", say.Fields{"Kind": x.words.Title(k.Info)}), x.words.Error(k.Err).String()))
		}
	}
	for _, b := range behind(s.Kinds) {
		body = append(body, x.card(b))
	}
	x.page.Show(body...)
}

// stays is what stays for one reason.
type stays struct {
	reason backup.Reason
	kinds  []flow.KindChoice // whose Items are those that stay
	names  []flow.Named
	count  uint64
}

// behind sorts what cannot move by its reason, in the order of the kinds.
func behind(kinds []flow.KindChoice) (out []*stays) {
	at := map[backup.Reason]*stays{}
	for _, k := range kinds {
		for _, g := range k.Cannot {
			b := at[g.Reason]
			if b == nil {
				b = &stays{reason: g.Reason}
				at[g.Reason] = b
				out = append(out, b)
			}
			b.kinds = append(b.kinds, flow.KindChoice{Info: k.Info, Items: g.Count})
			b.names = append(b.names, g.Names[:min(len(g.Names), maxExamples-len(b.names))]...)
			b.count += g.Count
		}
	}
	return out
}

// card says how many stay for a reason, why, what to do, and which.
func (x *cannot) card(b *stays) fyne.CanvasObject {
	var counts []string
	info := map[backup.Kind]backup.Info{}
	for _, k := range b.kinds {
		counts = append(counts, x.words.Content(k.Info, k.Items, 0))
		info[k.Info.Kind] = k.Info
	}
	p := x.words.Reason(b.reason)
	parts := []fyne.CanvasObject{kit.Sentence(x.words.List(counts), kit.Bold), kit.Sentence(p.What), kit.Sentence(p.Next)}
	for _, n := range b.names {
		parts = append(parts, kit.Caption(x.words.Item(info[n.Kind], n.Key)))
	}
	if more := b.count - min(b.count, uint64(len(b.names))); more > 0 && len(b.names) > 0 {
		parts = append(parts, kit.Caption(x.words.Number("and {{.Count}} more", "and {{.Count}} more", more)))
	}
	icon := kit.Documents
	if len(b.kinds) == 1 {
		icon = iconOf(b.kinds[0].Info.Kind)
	}
	return kit.Card(0, kit.Entry(icon, parts...))
}
