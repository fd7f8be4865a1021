package window

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// done says how the move ended, as both phones signed it.
type done struct {
	sheet
	drawn *flow.Result      // nil = nothing is
	news  fyne.CanvasObject // what became of a copy of the receipt; nil = none was saved
	save  *kit.Button       // nil = there is no receipt
	asked bool              // for a copy
	to    copies
	ctx   context.Context // ends when the screen does
	end   context.CancelFunc
}

func newDone(w *Window) screen {
	x := &done{sheet: w.sheet()}
	x.ctx, x.end = context.WithCancel(w.ctx)
	return x
}

func (x *done) leave() {
	x.to.leave()
	x.end()
}

// focus implements focuser: it is where the person was before a folder was chosen.
func (x *done) focus() fyne.Focusable {
	if !x.asked {
		return nil
	}
	return x.save
}

// show implements screen. A result does not change.
func (x *done) show(s flow.Snapshot) {
	r := s.Result
	if x.drawn != nil && (r == nil || r == x.drawn) {
		return
	}
	if r == nil { // nothing was agreed on
		r = &flow.Result{EraseWhy: flow.NotSigned}
	}
	x.drawn = r
	x.fill(s)
	x.buttons(r)
}

// fill says it.
func (x *done) fill(s flow.Snapshot) {
	w, r := x.words, x.drawn
	var body []fyne.CanvasObject
	if x.news != nil {
		body = append(body, x.news)
	}
	if r.Complete {
		body = append(body, kit.NewCrossing(1, kit.Landed))
	}
	tone, title := x.verdict(s, r)
	body = append(body, kit.Column(8, append([]fyne.CanvasObject{kit.Verdict(tone, title)}, x.sum(r)...)...))
	answer, sentence := x.erase(s, r)
	body = append(body, kit.Notice(answer, w.Say("Is it safe to erase the old phone?"), sentence))
	if r.Err != nil {
		p := w.Error(r.Err)
		body = append(body, kit.Notice(kit.Careful, p.What, p.Next))
	}
	if links := x.links(s, r); len(links) > 0 {
		body = append(body, kit.Group(links...))
	}
	if rows := x.kinds(r); len(rows) > 0 {
		body = append(body, kit.Ruled(rows...))
	}
	if line := x.way(r); line != "" {
		body = append(body, kit.Caption(line))
	}
	body = append(body, newPapers(x.sheet).parts(s, r)...)
	x.page.Show(body...)
}

func (x *done) buttons(r *flow.Result) {
	finish := kit.NewButton(x.words.Say("Finish"), kit.Primary, x.on(func() { x.flow.Finish() }))
	if r.Receipt == "" {
		x.page.Buttons(finish)
		return
	}
	x.to = copies{Window: x.Window, receipt: r.Receipt, ctx: x.ctx, tell: x.tell}
	x.save = kit.NewButton(x.words.Say("Save receipt"), kit.Secondary, x.on(func() {
		x.asked = true
		x.to.choose()
	}))
	x.page.Buttons(x.save, finish)
}

// tell says what became of a copy, where it is seen.
func (x *done) tell(news fyne.CanvasObject) {
	x.news = news
	x.fill(x.state)
	x.page.Top()
}

// verdict is what the person reads first.
func (x *done) verdict(s flow.Snapshot, r *flow.Result) (kit.Tone, string) {
	w, there := x.words, say.Fields{"Name": nameOf(s.Peer)}
	old := s.Role == flow.OldPhone
	if there["Name"] == "" {
		there["Name"] = w.Say("the new phone")
	}
	switch {
	case !r.Signed:
		return kit.Careful, w.Say("The move has ended")
	case !r.Complete && r.EraseWhy == flow.NotSame:
		return kit.Careful, w.Say("Not everything could be checked")
	case !r.Complete:
		return kit.Careful, w.Say("Not everything was moved")
	case !old:
		return kit.Fine, w.Say("All that was sent is here")
	case r.Erase == flow.EraseYes:
		return kit.Fine, w.Say("Everything is on {{.Name}}", there)
	}
	return kit.Fine, w.Say("All that you chose is on {{.Name}}", there)
}

// sum says what both phones agree on.
func (x *done) sum(r *flow.Result) []fyne.CanvasObject {
	if !r.Signed {
		return nil
	}
	w := x.words
	f := say.Fields{"Items": w.Items(r.Items), "Here": w.Count(r.Here), "Size": x.size(r.Bytes)}
	text := w.Say("Both phones agree: {{.Items}}, {{.Size}}, all checked.", f)
	if r.Here < r.Items {
		text = w.Say("Both phones agree: {{.Here}} of {{.Items}} are on the new phone, {{.Size}}.", f)
	}
	if r.Verified {
		text += " " + w.Say("Everything there was read again.")
	}
	return []fyne.CanvasObject{kit.Sentence(text)}
}

// links lead to what is to be looked at.
func (x *done) links(s flow.Snapshot, r *flow.Result) (out []fyne.CanvasObject) {
	w := x.words
	if n := count(r.NotMoved...); n > 0 {
		out = append(out, x.notMoved(s, n))
	}
	if n := r.Renamed.Count; n > 0 {
		words := w.Number("{{.Count}} item has another name there", "{{.Count}} items have other names there", n)
		out = append(out, kit.Link(kit.Info, words, x.opens(func(w *Window) screen { return newRenamed(w, r.Renamed) })))
	}
	if n := r.Differed.Count; n > 0 {
		words := w.Number("{{.Count}} item differed and was sent again", "{{.Count}} items differed and were sent again", n)
		out = append(out, kit.Link(kit.Info, words, x.opens(func(w *Window) screen { return newDiffered(w, r.Differed) })))
	}
	return out
}

// notMoved leads to the items that were not moved.
func (w *Window) notMoved(s flow.Snapshot, n uint64) fyne.CanvasObject {
	words := w.words.Number("{{.Count}} item was not moved: why, and what to do", "{{.Count}} items were not moved: why, and what to do", n)
	return kit.Link(kit.Warning, words, w.opens(func(w *Window) screen { return newNotMoved(w, s) }))
}

// opens makes what opens a screen over this one.
func (w *Window) opens(make func(*Window) screen) func() {
	return w.on(func() { w.push(func() screen { return make(w) }) })
}

func count(groups ...flow.Group) (n uint64) {
	for _, g := range groups {
		n += g.Count
	}
	return n
}

// kinds are what became of each kind, in the words of both phones.
func (x *done) kinds(r *flow.Result) (out []fyne.CanvasObject) {
	w := x.words
	for _, k := range r.Kinds {
		var parts []string
		for _, p := range []struct {
			n    uint64
			said string
		}{
			{k.Added, w.Say("{{.Number}} added", number(w, k.Added))},
			{k.Merged, w.Say("{{.Number}} merged", number(w, k.Merged))},
			{k.Skipped, w.Say("{{.Number}} there already", number(w, k.Skipped))},
			{k.Healed, w.Say("{{.Number}} moved by the check", number(w, k.Healed))},
			{k.Failed, w.Say("{{.Number}} not moved", number(w, k.Failed))},
			{k.Unsure, w.Say("{{.Number}} could not be checked", number(w, k.Unsure))},
		} {
			if p.n > 0 {
				parts = append(parts, p.said)
			}
		}
		value := w.Count(k.Items)
		switch {
		case k.Items == 0:
			value = w.Folders(k.Folders)
		case k.Folders > 0:
			parts = append(parts, w.Folders(k.Folders))
		}
		if k.Bytes > 0 {
			value += " · " + x.size(k.Bytes)
		}
		out = append(out, kit.Fact(iconOf(k.Kind), w.Title(say.InfoOf(k.Kind)), value, w.List(parts)))
	}
	for _, d := range r.Declined {
		if d.Items > 0 {
			out = append(out, kit.Fact(iconOf(d.Kind), w.Title(say.InfoOf(d.Kind)), w.Count(d.Items), w.Say("left out on the new phone")))
		}
	}
	return out
}

// number is a field of a message in which no word depends on it.
func number(w say.Words, n uint64) say.Fields { return say.Fields{"Number": w.Count(n)} }

// way says how much went over the link, and how fast.
func (w *Window) way(r *flow.Result) string {
	if r.SentBytes == 0 || r.Elapsed <= 0 {
		return ""
	}
	return w.words.Say("{{.Size}} went over in {{.Time}}: {{.Speed}}.", say.Fields{
		"Size": w.size(r.SentBytes), "Time": w.words.Took(r.Elapsed), "Speed": w.words.Speed(int64(r.SentBytes), r.Elapsed),
	})
}
