package window

import (
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// moving shows how the move goes, and how it is verified after it.
type moving struct {
	sheet
	title, about  *widget.Label
	crossing      *kit.Crossing
	check         *kit.Meter // how far a verification is: the ferry has landed by then
	percent, left *widget.Label
	amount, speed *widget.Label
	under, advice *widget.Label
	card          fyne.CanvasObject
	rows          map[backup.Kind]*kit.KindProgress

	pause, goOn, cancel *kit.Button
	retract             func() // takes the question away; nil = none was asked

	shown layout
	drawn bool
}

// layout is which parts the page has: while it is the same, they stay.
type layout struct {
	signs     []sign
	kinds     []backup.Kind
	verifying bool
	buttons   buttons
}

// buttons are what can be done.
type buttons uint8

const (
	canPause buttons = iota
	canGoOn
	canNothing // it is stopping
)

func newMoving(w *Window) screen {
	x := &moving{
		sheet: w.sheet(), title: kit.Title(""), about: kit.Sentence(""), crossing: kit.NewCrossing(0, kit.Underway), check: kit.NewMeter(8),
		percent: kit.Big(""), left: kit.Sentence(""), amount: kit.Sentence(""), speed: kit.Sentence(""), under: kit.Sentence("", kit.Quiet),
		advice: kit.Caption(""), rows: map[backup.Kind]*kit.KindProgress{},
	}
	x.card = kit.Card(12, x.crossing, x.check, kit.Column(6, kit.Pair(x.percent, x.left), kit.Pair(x.amount, x.speed), x.under))
	x.pause = kit.NewButton(w.words.Say("Pause"), kit.Secondary, w.on(func() { w.flow.Pause() }))
	x.goOn = kit.NewButton(w.words.Say("Go on"), kit.Primary, w.on(func() { w.flow.Resume() }))
	x.cancel = kit.NewButton(w.words.Say("Cancel"), kit.Secondary, func() { w.guard(x.ask) })
	return x
}

// leave implements screen.
func (x *moving) leave() { x.unask() }

// show implements screen.
func (x *moving) show(s flow.Snapshot) {
	l := layout{signs: x.signs(s), verifying: s.Screen == flow.Verifying}
	switch {
	case s.Stopping:
		l.buttons = canNothing
	case s.Paused:
		l.buttons = canGoOn
	}
	for _, k := range s.Progress.Kinds {
		if k.Items > 0 {
			l.kinds = append(l.kinds, k.Kind)
		}
	}
	changed := x.write(s)
	for _, k := range s.Progress.Kinds {
		if k.Items > 0 {
			x.row(k, k.Kind == underWay(s.Progress.Kinds))
		}
	}
	old := x.shown
	if x.shown = l; !x.drawn || l.buttons != old.buttons {
		x.bar(l.buttons)
	}
	if l.verifying != old.verifying || l.buttons == canNothing {
		x.unask() // it was about something else
	}
	if !x.drawn || !slices.Equal(l.signs, old.signs) || !slices.Equal(l.kinds, old.kinds) || l.verifying != old.verifying {
		x.fill(l)
	} else if changed {
		x.page.Root.Refresh()
	}
	x.drawn = true
}

// fill gives the page its parts.
func (x *moving) fill(l layout) {
	x.about.Hidden, x.check.Hidden = !l.verifying, !l.verifying
	body := []fyne.CanvasObject{kit.Column(8, x.title, x.about), x.card}
	for _, g := range l.signs {
		body = append(body, g.draw())
	}
	var rows []fyne.CanvasObject
	for _, k := range l.kinds {
		rows = append(rows, x.rows[k])
	}
	if len(rows) > 0 {
		body = append(body, kit.Card(16, rows...))
	}
	x.page.Show(append(body, x.advice)...)
}

// bar sets the buttons; the focus stays where it was.
func (x *moving) bar(can buttons) {
	c := x.win.Canvas()
	had := c.Focused()
	switch can {
	case canNothing:
		x.page.Buttons()
		c.Unfocus() // a key would find them still
	case canGoOn:
		x.page.Buttons(x.cancel, x.goOn)
		if had == fyne.Focusable(x.pause) {
			c.Focus(x.goOn)
		}
	default:
		x.page.Buttons(x.cancel, x.pause)
		if had == fyne.Focusable(x.goOn) {
			c.Focus(x.pause)
		}
	}
}

// write says how far it is, and reports whether that reads otherwise than before.
func (x *moving) write(s flow.Snapshot) bool {
	w, v := x.words, s.Progress
	verifying, free := s.Screen == flow.Verifying, flows(s)
	how := kit.Underway
	switch {
	case verifying:
		how = kit.Landed
	case s.Lost != nil:
		how = kit.Adrift
	case !free && !s.Stopping:
		how = kit.Resting
	}
	part := float32(v.Part)
	x.check.Set(part)
	x.crossing.Set(part, how)
	left, speed := "", ""
	if free && v.Left.Known() {
		left = w.Say("{{.Time}} left", say.Fields{"Time": w.LeftBetween(v.Left.Low, v.Left.High)})
	}
	if free && v.Phase.Moving() && v.Speed >= 1 {
		speed = w.Speed(int64(v.Speed), time.Second)
	}
	amount := ""
	switch {
	case v.Bytes > 0:
		amount = w.Say("{{.Done}} of {{.All}}", say.Fields{"Done": x.size(v.DoneBytes), "All": x.size(v.Bytes)})
	case v.Items > 0:
		amount = w.Say("{{.Done}} of {{.All}}", say.Fields{"Done": w.Count(v.DoneItems), "All": w.Items(v.Items)})
	}
	percent := w.Say("{{.Percent}} %", say.Fields{"Percent": fmt.Sprint(int(100 * v.Part))}) // 100 is for the end alone
	doing := x.doing(s)
	changed := x.under.Hidden != (doing == "")
	x.under.Hidden = doing == ""
	for _, t := range []struct {
		label *widget.Label
		text  string
	}{
		{x.title, x.heading(s)},
		{x.about, w.Say("What moved is on the new phone, and both phones signed for it. Now both read it again, to be sure.")},
		{x.percent, percent}, {x.left, left}, {x.amount, amount}, {x.speed, speed}, {x.under, doing},
		{x.advice, w.Say("Keep both phones near each other, and Ferry open on both. You need not watch: what has arrived is safe, whatever happens.")},
	} {
		if t.label.Text != t.text {
			t.label.SetText(t.text)
			changed = true
		}
	}
	return changed
}

// flows reports whether nothing holds the move up.
func flows(s flow.Snapshot) bool {
	v := s.Progress
	return s.Lost == nil && !s.Stopping && !s.Paused && !v.Paused.ByHand() && s.Space.Missing <= 0 && v.Missing <= 0
}

// heading is what the page is about.
func (x *moving) heading(s flow.Snapshot) string {
	name := say.Fields{"Name": nameOf(s.Peer)}
	switch old := s.Role == flow.OldPhone; {
	case s.Screen == flow.Verifying:
		return x.words.Say("Checking everything once more")
	case old && name["Name"] == "":
		return x.words.Say("Moving to the new phone")
	case old:
		return x.words.Say("Moving to {{.Name}}", name)
	case name["Name"] == "":
		return x.words.Say("Moving from the old phone")
	}
	return x.words.Say("Moving from {{.Name}}", name)
}

// doing is what is being done now. What somebody has to do about is a sign.
func (x *moving) doing(s flow.Snapshot) string {
	w, v := x.words, s.Progress
	switch wait := w.Waiting(v.Waiting, 0).What; {
	case !flows(s):
		return ""
	case v.Waiting == transfer.WaitDisk, v.Waiting == transfer.WaitDiskThere, v.Waiting == transfer.WaitLimit:
		return wait
	case v.Phase < transfer.PhaseMove:
		return w.Say("Getting ready.")
	case v.Phase == transfer.PhaseFinish, v.Phase == transfer.PhaseDone:
		return w.Say("Making the last items safe.")
	}
	k := underWay(v.Kinds)
	if k == "" {
		return ""
	}
	return w.Say("Now: {{.Kind}}", say.Fields{"Kind": w.Title(say.InfoOf(k))})
}

// underWay is the kind whose items come now, empty if none do.
func underWay(kinds []transfer.KindProgress) (now backup.Kind) {
	for _, k := range kinds {
		switch {
		case k.DoneItems >= k.Items:
		case k.DoneItems > 0 || k.DoneBytes > 0:
			return k.Kind
		case now == "":
			now = k.Kind
		}
	}
	return now
}

// row says how far a kind is.
func (x *moving) row(k transfer.KindProgress, now bool) {
	r := x.rows[k.Kind]
	if r == nil {
		r = kit.NewKindProgress(iconOf(k.Kind), x.words.Title(say.InfoOf(k.Kind)))
		x.rows[k.Kind] = r
	}
	w, all := x.words, k.DoneItems >= k.Items
	part := float32(k.DoneItems) / float32(k.Items)
	if k.Bytes > 0 && !all {
		part = float32(float64(k.DoneBytes) / float64(k.Bytes))
	}
	count := w.Say("waiting")
	switch {
	case all:
		count = w.Count(k.Items)
	case now || k.DoneItems > 0:
		count = w.Say("{{.Done}} of {{.All}}", say.Fields{"Done": w.Count(k.DoneItems), "All": w.Count(k.Items)})
	}
	if k.Failed > 0 {
		count = w.Say("{{.Done}} of {{.All}} · {{.Failed}} not moved", say.Fields{
			"Done": w.Count(k.DoneItems - min(k.DoneItems, k.Failed)), "All": w.Count(k.Items), "Failed": w.Count(k.Failed),
		})
	}
	r.Set(part, count, all && k.Failed == 0)
}

// ask asks once whether to end it.
func (x *moving) ask() {
	x.unask()
	w := x.words
	q := kit.Question{
		Title:    w.Say("Stop the move?"),
		Sentence: w.Say("What has arrived stays on the new phone, and a next move goes on from there."),
		Yes:      w.Say("Stop the move"), No: w.Say("Keep moving"),
	}
	if x.shown.verifying {
		q.Title, q.Yes, q.No = w.Say("Stop checking?"), w.Say("Stop checking"), w.Say("Keep checking")
		q.Sentence = w.Say("What moved stays on the new phone, and the receipt of it holds. It is only not read again.")
	}
	q.Answer = func(yes bool) {
		if yes {
			x.on(func() { x.flow.Cancel() })()
		}
	}
	x.retract = kit.Ask(x.win.Canvas(), q)
}

func (x *moving) unask() {
	if x.retract != nil {
		x.retract()
		x.retract = nil
	}
}
