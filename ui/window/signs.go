package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// maxChecks is how many findings of a diagnosis are shown.
const maxChecks = 4

// sign is something that holds a move up, or is to be known about it.
type sign struct {
	tone  kit.Tone
	word  string
	next  string
	check bool // it is a finding: what to look at while the phones look for each other
}

func (g sign) draw() fyne.CanvasObject {
	if g.check {
		return kit.Card(4, kit.Sentence(g.word, kit.Bold), kit.Sentence(g.next))
	}
	return kit.Notice(g.tone, g.word, g.next)
}

func signOf(t kit.Tone, p say.Problem) sign { return sign{tone: t, word: p.What, next: p.Next} }

// signs are what stands between the ferry and the other shore, the most urgent
// first.
func (x *moving) signs(s flow.Snapshot) (out []sign) {
	w, v := x.words, s.Progress
	paused := v.Paused
	if s.Paused && !paused.ByHand() { // the meter says it soon
		paused = transfer.WaitPause
	}
	space := s.Space
	if space.Missing <= 0 && v.Missing > 0 {
		space = session.WaitingForSpace{Missing: v.Missing, Of: v.Short}
	}
	switch {
	case s.Stopping:
		out = append(out, sign{tone: kit.Plainly, word: w.Say("Stopping"), next: w.Say("What has arrived stays on the new phone.")})
	case s.Lost != nil:
		out = append(out, x.lost(s))
		out = append(out, x.checks(s.Diagnosis)...)
		out = append(out, sign{
			check: true, word: w.Say("Was Ferry closed on the other phone?"),
			next: w.Say("Cancel here, and start again on both phones. What has arrived is not sent twice."),
		})
	default:
		if space.Missing > 0 {
			out = append(out, signOf(kit.Careful, w.Space(space, s.Role == flow.NewPhone)))
		}
		if paused.ByHand() {
			out = append(out, signOf(kit.Plainly, w.Waiting(paused, 0)))
		} else if v.Waiting == transfer.WaitLink || v.Waiting == transfer.WaitPerson {
			out = append(out, signOf(kit.Careful, w.Waiting(v.Waiting, v.Silent)))
		}
	}
	if s.Notes != 0 && !s.Stopping {
		out = append(out, signOf(kit.Plainly, w.Notes(s.Notes)))
	}
	return out
}

// checks are what was found wrong with this phone's network. What a search for a new
// phone would need besides is no matter between two that know each other.
func (x *moving) checks(d *discovery.Diagnosis) (out []sign) {
	if d == nil {
		return nil
	}
	own := discovery.Diagnosis{Interfaces: d.Interfaces}
	for _, f := range d.Findings {
		switch f.Cause {
		case discovery.NoMulticast, discovery.Unlisted, discovery.Crowded, discovery.NoAnswer:
		default:
			own.Findings = append(own.Findings, f)
		}
	}
	all := x.words.Diagnosis(own)
	for _, p := range all[:min(len(own.Findings), len(all)-1, maxChecks)] { // the last one is about a search
		out = append(out, sign{word: p.What, next: p.Next, check: true})
	}
	return out
}

// lost says that the phones lost each other, and what becomes of it.
func (x *moving) lost(s flow.Snapshot) sign {
	w := x.words
	text := w.Say("What has arrived is safe on the new phone.")
	if n := s.Progress.SafeBytes; n > 0 {
		text = w.Say("{{.Size}} are safe on the new phone.", say.Fields{"Size": x.size(n)})
	}
	switch {
	case !s.Lost.Agreed:
		text += " " + w.Say("When they meet again, the new phone asks once more.")
	case s.Paused:
		text += " " + w.Say("You have paused: when they meet again, it goes on as soon as you let it.")
	default:
		text += " " + w.Say("It goes on by itself when they meet again.")
	}
	text += " " + w.Say("Bring them close together, on the same Wi-Fi.")
	if u := s.Lost.Until; !u.IsZero() {
		text += " " + w.Say("Ferry looks for the other phone until {{.Time}}.", say.Fields{"Time": u.In(x.now().Location()).Format("15:04")})
	}
	return sign{tone: kit.Careful, word: w.Say("The phones lost each other"), next: text}
}
