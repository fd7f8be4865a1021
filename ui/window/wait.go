package window

import (
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// patienceEnds is after how long without anybody it is said what to check.
const patienceEnds = 10 * time.Second

// wait shows the new phone's code, until the old phone comes.
type wait struct {
	sheet
	since    time.Time // nobody has come since then
	is       waiting   // what is on the page
	ticket   *ticket
	ask, why fyne.Focusable // they open the help: before patience ends, and after
}

// waiting tells one page from the next: while it is the same, the page stays.
type waiting struct {
	code, name, place, addr string
	notice                  flow.NoticeKind
	tries                   int
	err                     error
	lost, late              bool
	diagnosis               *discovery.Diagnosis
}

func newWait(w *Window) screen {
	x := &wait{sheet: w.sheet(), since: w.now()}
	help := func() { w.push(func() screen { return newNobody(w) }) }
	x.ask = kit.Link(kit.Help, w.words.Say("Nobody comes?"), help).(fyne.Focusable)
	x.why = kit.NewButton(w.words.Say("What to check"), kit.Secondary, help)
	x.page.Escape(x.on(w.flow.Leave))
	x.page.Buttons(kit.NewButton(w.words.Say("Stop waiting"), kit.Secondary, x.on(w.flow.Leave)))
	return x
}

// ticking implements [ticking]: the code grows old.
func (x *wait) ticking() bool { return true }

// show implements [screen].
func (x *wait) show(s flow.Snapshot) {
	now := x.now()
	if !alone(s) {
		x.since = now
	}
	is := waiting{
		s.Code.Digits(), s.Name, s.Place, ownAddress(s), s.Notice.Kind, s.Notice.TriesLeft, s.Notice.Err, s.Lost != nil,
		alone(s) && (s.Diagnosis != nil || len(s.Addrs) == 0 || now.Sub(x.since) >= patienceEnds), s.Diagnosis,
	}
	if is != x.is || x.ticket == nil {
		x.is, x.ticket = is, x.newTicket(s)
		x.fill(s)
	}
	if x.ticket.age(s.Expires.Sub(now)) {
		x.page.Root.Refresh() // it may need another line
	}
}

// alone tells that nobody has come so far.
func alone(s flow.Snapshot) bool {
	return s.Lost == nil && (s.Notice.Kind == flow.NoNotice || s.Notice.Kind == flow.CodeExpired)
}

// ownAddress is where this phone is reached; empty = nowhere.
func ownAddress(s flow.Snapshot) string {
	if len(s.Addrs) == 0 {
		return ""
	}
	return s.Addrs[0].String()
}

func (x *wait) fill(s flow.Snapshot) {
	title := x.words.Say("Waiting for your old phone")
	if s.Notice.Kind == flow.CodeRight && s.Lost == nil {
		title = x.words.Say("Your old phone is here")
	}
	body := []fyne.CanvasObject{kit.Title(title)}
	if n := x.notice(s); n != nil {
		body = append(body, n)
	}
	where := kit.Point(kit.Folder, x.words.Say("Where things go"), say.Path(s.Place),
		kit.Sentence(x.words.Say("Nothing there is deleted or overwritten."), kit.Quiet))
	if s.Code.IsZero() {
		x.page.Aside(false)
		x.page.Show(append(body, kit.Ruled(where))...)
		return
	}
	focused := x.win.Canvas().Focused()
	body = append(body, x.ticket.object)
	if x.is.late {
		body = append(body, kit.Notice(kit.Careful, x.words.Say("Nobody has come yet"), x.likely(s), x.why.(fyne.CanvasObject)))
	} else if alone(s) {
		body = append(body, kit.Group(x.ask.(fyne.CanvasObject)))
	}
	x.page.Show(body...)
	x.page.Aside(false, append(x.scan(s), kit.Ruled(append(x.byHand(s), where)...))...)
	if focused == x.ask && x.is.late { // the same help, in another place
		x.win.Canvas().Focus(x.why)
	}
}

// likely says why nobody may have come.
func (x *wait) likely(s flow.Snapshot) string {
	switch {
	case s.Diagnosis != nil:
		return x.words.NobodyComes(*s.Diagnosis)[0].String()
	case len(s.Addrs) == 0:
		return x.words.NobodyComes(discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.NoInterface}}})[0].String()
	}
	return x.words.Say("Most often the two phones are not on the same Wi-Fi.")
}

// scan is the code for a camera.
func (x *wait) scan(s flow.Snapshot) []fyne.CanvasObject {
	text, err := s.Link.Reveal()
	if err != nil {
		return nil
	}
	qr := kit.QR(text)
	if qr == nil {
		return nil
	}
	return []fyne.CanvasObject{kit.Card(12, kit.Point(kit.Phone, x.words.Say("Or scan this"),
		x.words.Say("Scan it with the old phone's camera, copy the text, and paste it there in place of the code.")), qr)}
}

// byHand is the address to type where this phone is not found.
func (x *wait) byHand(s flow.Snapshot) []fyne.CanvasObject {
	a := ownAddress(s)
	if a == "" {
		return nil
	}
	return []fyne.CanvasObject{kit.Point(kit.WiFi, x.words.Say("Not listed there?"),
		x.words.Say("On the old phone, choose \"Not listed?\" and type this address:"), kit.Sentence(a, kit.Bold))}
}

// notice is what happened to the code, or to the last offer; nil = nothing.
func (x *wait) notice(s flow.Snapshot) fyne.CanvasObject {
	t, word, sentence := kit.Careful, "", ""
	switch {
	case s.Lost != nil:
		word, sentence = x.words.Say("The phones lost each other"), x.words.Say("Bring them closer together. When your old phone is back, you are asked again.")
	case s.Notice.Kind == flow.CodeExpired:
		t, word, sentence = kit.Plainly, x.words.Say("A new code"), x.words.Say("The last one has expired.")
	case s.Notice.Kind == flow.CodeUsedUp:
		word, sentence = x.words.Say("A new code"), x.words.Say("Wrong codes were typed too often, so this is a new one. If that was not you, go to a Wi-Fi that you trust.")
	case s.Notice.Kind == flow.CodeWrong:
		word, sentence = x.words.Say("That was a wrong code"),
			x.words.Say("{{.Tries}} left, then a new code is shown here. If it was not you, somebody on this Wi-Fi is guessing.", say.Fields{"Tries": x.words.Tries(s.Notice.TriesLeft)})
	case s.Notice.Kind == flow.CodeRight:
		t, word, sentence = kit.Fine, x.words.Say("The code was right"), x.words.Say("Now choose on your old phone what to move. You are asked here before anything comes.")
	case s.Notice.Kind == flow.Refused:
		t, word, sentence = kit.Plainly, x.words.Say("You refused the move"), x.words.Say("Nothing of it was kept. If that was a mistake, start it again on the old phone.")
	case s.Notice.Kind == flow.Withdrawn:
		p := x.words.Error(s.Notice.Err)
		word, sentence = p.What, p.Next
	default:
		return nil
	}
	return kit.Notice(t, word, sentence)
}
