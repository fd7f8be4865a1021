package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
)

// maxTold is how many items are told one by one to a person; all of them are
// in the JSON, and up to a limit in the receipt.
const maxTold = 20

// face prints the events of a move.
type face struct {
	c        *command
	infos    map[backup.Kind]backup.Info
	progress *progress
	pauser   *transfer.Pauser // nil = this face cannot pause
	told     int
	waiting  bool // the new phone's side
	doubts   bool // it was said why nobody may come, since somebody did
	last     session.Done
	lost     bool      // the link is lost, and the other device is waited for
	yes      bool      // nobody is asked
	dry      bool      // nothing is moved
	codeEnds time.Time // of the code that was shown last, which tells it from another
	asking   bool      // an offer was shown, and the link has held since

	pausing sync.Mutex
	moving  bool // a move is under way; guarded by pausing
}

func newFace(c *command, p mobile.Device) *face {
	f := &face{c: c, infos: map[backup.Kind]backup.Info{}}
	for _, a := range p.Agents() {
		f.infos[a.Info().Kind] = a.Info()
	}
	return f
}

func (f *face) info(k backup.Kind) backup.Info {
	if i, ok := f.infos[k]; ok {
		return i
	}
	return backup.Info{Kind: k, Title: say.Foreign(string(k)), One: say.Foreign(string(k)) + " item", Many: say.Foreign(string(k)) + " items"}
}

// event takes one event; calls do not overlap.
func (f *face) event(ev session.Event) {
	c := f.c
	if d, ok := ev.(session.Done); ok {
		f.last = d
		f.progress.end()
		f.progress, f.lost, f.asking = nil, false, false
		still := errors.Is(d.Err, session.ErrReplaced) && f.paused()
		if !still {
			f.moves(false)
		}
		c.broken = c.broken && d.Err != nil
		if c.json {
			c.emit(jsonDoneOf(d, c.brokeOff(d.Err)))
		}
		f.done(d)
		if still {
			c.say("It was paused here, and the move that begins in its place is too.")
		}
		return
	}
	if _, ok := ev.(session.Accepted); ok {
		f.moves(true) // before anybody hears of it
	}
	if c.json {
		c.emit(jsonOf(ev, f.waiting))
	} else {
		f.progress.clear()
		f.tell(ev)
	}
	switch ev := ev.(type) {
	case session.Accepted:
		f.told = 0
		c.broken = true
		f.progress = c.startProgress(ev.Meter, f.pauser)
	case session.Verifying:
		f.progress.end()
		f.progress = c.startProgress(ev.Meter, f.pauser)
	}
}

func (f *face) tell(ev session.Event) {
	c := f.c
	switch ev := ev.(type) {
	case session.Ready:
		c.say("This is %s, the new phone. Run on the old one:", quoted(ev.Name))
		c.say("  ferry send --from DIR")
		if len(ev.Addrs) > 0 {
			c.say("If it does not find this one, tell it where it is:")
			c.say("  ferry send --from DIR --at %s", ev.Addrs[0])
		}
	case session.Code:
		f.showCode(ev)
	case session.Planned:
		f.planned(ev.Plans)
	case session.Waiting:
		f.lost, f.doubts = true, false
		c.say("The two devices lost each other. Waiting for %s until %s; then %s.", peer(ev.Peer.Name), ev.Until.Local().Format("15:04"), f.then(ev))
		f.asking = false
		if !f.waiting {
			c.say("Looking for it on every network that this device is on. Ctrl-C stops.")
		}
		if f.paused() {
			c.say("You have paused it here: that stays so until you let it go on.")
		}
	case session.Back:
		f.lost, f.told = false, 0
		switch {
		case ev.Agreed && f.paused():
			c.say("It is back. The move is still paused here.")
		case ev.Agreed:
			c.say("It is back, and the move goes on.")
		default:
			c.say("It is back.")
		}
	case session.Found:
		c.say("Found %s at %s.", quoted(ev.Candidate.Name), ev.Candidate.Addrs[0])
	case session.NobodyYet:
		f.nobody(ev.Diagnosis)
	case session.WrongCode:
		if f.waiting {
			c.say("Somebody typed a wrong code; %s left.", say.Tries(ev.TriesLeft))
		}
	case session.Paired:
		f.doubts = false
		c.say("Paired: both devices proved the code.")
		switch {
		case f.waiting:
		case f.dry:
			c.say("Asking the new phone what would happen.")
		default:
			c.say("Waiting for a yes on the new phone.")
		}
	case session.Offered:
		f.asking = true
		f.offered(ev.Offer)
	case session.Accepted:
		c.say("%s", map[bool]string{true: "Receiving.", false: "Accepted. Sending."}[f.waiting])
	case session.Item:
		f.item(ev)
	case session.Differed:
		f.told++
		if f.told <= maxTold {
			name := ev.Key
			if ev.Name != "" {
				name = ev.Name
			}
			c.say("  not the same on both devices: %s; sent again -> %s", say.Item(f.info(ev.Kind), ev.Key), say.Path(string(name)))
		}
	case session.Notes:
		c.say("%s", say.Notes(ev.State))
	case session.Verifying:
		c.say("Everything has arrived. Reading it again on both devices.")
	case session.WaitingForSpace:
		c.say("%s", say.Space(ev, f.waiting))
	}
}

// nobody says why nobody is found, or comes. A new phone whose network is fine says
// nothing until it has lost somebody: the old phone may not be there yet. Where it has
// said something before, it says only what is so now: its code should stay on the
// screen.
func (f *face) nobody(d discovery.Diagnosis) {
	c := f.c
	if f.waiting && !f.lost && len(d.Findings) == 0 && !f.doubts {
		return
	}
	problems := diagnosis(d, f.waiting)
	if f.waiting && f.doubts {
		for _, p := range problems[:len(problems)-1] { // the last is how it works all the same
			c.say("Nobody yet: %s", p)
		}
		return
	}
	f.doubts = true
	still := "Still looking. Ctrl-C stops."
	switch {
	case f.lost && f.waiting:
		c.say("It is not back yet. Why that may be, and what helps:")
		still = "Still waiting. Ctrl-C stops."
	case f.lost:
		c.say("It is not found yet. Why that may be, and what helps:")
	case f.waiting:
		c.say("Nobody has come yet. Why that may be, and what helps:")
		still = "Still waiting. Ctrl-C stops."
	default:
		c.say("No new phone is found yet. Why that may be, and what helps:")
	}
	for _, p := range problems {
		c.say("  - %s", p)
	}
	c.say("%s", still)
}

// diagnosis says why nobody is found by the old phone, or comes to the new one.
func diagnosis(d discovery.Diagnosis, waiting bool) []say.Problem {
	if waiting {
		return say.NobodyComes(d)
	}
	return say.Diagnosis(d)
}

// showCode shows a code. After a move that went well it is short: the result should
// stay on the screen. One that holds is shown again after a move.
func (f *face) showCode(ev session.Code) {
	c := f.c
	same := ev.Expires.Equal(f.codeEnds)
	f.codeEnds = ev.Expires
	again := ev.Why == pairing.Paired && !c.broken && !f.lost
	switch {
	case f.lost && ev.Why == pairing.Paired:
		c.say("If the old phone has to be started again, it needs this code. Ctrl-C stops.")
	case same && again:
		c.say("Ready for another move, with the code that was shown. Ctrl-C stops.")
	case same:
	case ev.Why == pairing.Expired:
		c.say("The old code has expired; here is a new one.")
	case ev.Why == pairing.UsedUp:
		c.say("That was one wrong code too many; here is a new one.")
	case again:
		c.say("Ready for another move, with a new code. Ctrl-C stops.")
	}
	c.print("code: %s", ev.Code.Reveal())
	if again || f.lost || !isTerminal(c.io.Out) {
		return
	}
	if link, err := ev.Link.Reveal(); err == nil {
		fmt.Fprint(c.io.Out, qrText(link))
	}
	c.say("Waiting for the old phone. Ctrl-C stops.")
}

func (f *face) planned(plans []transfer.KindPlan) {
	var items uint64
	for _, p := range plans {
		items += p.Items
		if p.Items > 0 {
			f.c.say("  %-12s %s", p.Info.Title, planLine(p))
		}
		if p.Err != nil {
			f.c.say("  %-12s cannot be read: %s", p.Info.Title, say.Error(p.Err))
		}
	}
	if items == 0 {
		f.c.say("There is nothing in that folder that could move.")
	}
}

func (f *face) offered(o transfer.Offer) {
	c := f.c
	c.say("%s (%s) wants to send:", quoted(o.Peer.Name), o.Peer.Device.Short())
	for _, k := range o.Kinds {
		if k.Items == 0 && k.Folders == 0 {
			continue
		}
		line := say.Content(f.info(k.Kind), k.Items, k.Folders) + ", " + say.Bytes(int64(k.Bytes))
		if k.Cannot > 0 {
			line += "; " + say.Count(k.Cannot) + " cannot move"
		}
		if !k.Supported {
			line += " (this device does not know that kind: left out)"
		}
		c.say("  %-12s %s", f.info(k.Kind).Title, line)
	}
	if o.Free >= 0 {
		c.say("%s in all, %s free here.", say.Bytes(o.Bytes()), say.Bytes(o.Free))
	}
}

// paused reports whether the person here has paused.
func (f *face) paused() bool { return f.pauser != nil && f.pauser.Paused() }

// peer is the device of a session under way, whose name may not be known yet.
func peer(name string) string {
	if name == "" {
		return "the other one"
	}
	return quoted(name)
}

// quoted is another device's name.
func quoted(name string) string {
	if name == "" {
		return "A device without a name"
	}
	return `"` + say.Foreign(name) + `"`
}

func (f *face) item(ev session.Item) {
	f.told++
	switch {
	case f.told > maxTold+1:
	case f.told == maxTold+1:
		f.c.say("  … and more; the receipt lists them.")
	case ev.Reason == 0:
		f.c.say("  renamed: %s -> %s", say.Item(f.info(ev.Kind), ev.Key), say.Path(string(ev.Name)))
	default:
		f.c.say("  not moved: %s: %s", say.Item(f.info(ev.Kind), ev.Key), say.Reason(ev.Reason))
	}
}

// done sums a move up.
func (f *face) done(d session.Done) {
	c, r := f.c, d.Report
	if c.json || d.Err != nil && r.Receipt == nil {
		return // exit says what went wrong
	}
	left := uint64(0)
	for _, k := range r.Kinds {
		if k.Items == 0 && k.Folders == 0 {
			continue
		}
		var parts []string
		failed, healed, unsure := d.Of(k)
		left += failed
		for _, p := range []struct {
			n    uint64
			word string
		}{
			{k.Added, "added"}, {k.Merged, "merged"}, {k.Skipped, "already there"}, {healed, "moved by the verification"}, {failed, "NOT MOVED"},
			{unsure, "COULD NOT BE VERIFIED"},
		} {
			if p.n > 0 {
				parts = append(parts, say.Count(p.n)+" "+p.word)
			}
		}
		if len(parts) == 0 {
			parts = []string{"there"} // folders only
		}
		c.print("  %-12s %s: %s", f.info(k.Kind).Title, say.Content(f.info(k.Kind), k.Items, k.Folders), strings.Join(parts, ", "))
	}
	for _, k := range r.Declined {
		c.print("  %-12s %s: left out on the new phone", f.info(k.Kind).Title, say.Content(f.info(k.Kind), k.Items, 0))
	}
	c.print("%s, %s sent in %s. Both devices agree and signed.", totalLine(r), say.Bytes(int64(r.SentBytes)), say.Took(r.Elapsed))
	if v := d.Verified; v != nil && d.Err == nil {
		c.print("Verified in %s: everything was read again on both devices; %s.", say.Took(v.Elapsed), differed(v))
	}
	switch {
	case d.Complete():
	case d.Verified != nil && d.Verified.Receipt != nil && left == 0 && len(r.Declined) == 0:
		c.print("Not everything could be verified. Do not erase the old phone before you have moved it once more.")
	default:
		c.print("Not everything was moved. Do not erase the old phone before you have moved the rest.")
	}
	if d.ReceiptPath != "" {
		c.print("receipt: %s", d.ReceiptPath)
	}
}

func totalLine(r *transfer.Report) string {
	var added, changed uint64
	for _, k := range r.Kinds {
		added += k.Added
		changed += k.Merged
	}
	return fmt.Sprintf("%s added, %s changed", say.Count(added), say.Count(changed))
}

// differed says what a verification found and did.
func differed(v *transfer.Report) string {
	switch v.SentItems {
	case 0:
		return "nothing differed"
	case 1:
		return "1 item differed or was missing and was sent again (" + totalLine(v) + ", " + say.Bytes(int64(v.SentBytes)) + ")"
	}
	return say.Items(v.SentItems) + " differed or were missing and were sent again (" + totalLine(v) + ", " + say.Bytes(int64(v.SentBytes)) + ")"
}

func planLine(p transfer.KindPlan) string {
	s := fmt.Sprintf("%s, %s", say.Content(p.Info, p.Items, p.Folders), say.Bytes(int64(p.Bytes)))
	if n := p.CannotTotal(); n > 0 {
		s += fmt.Sprintf("; %s cannot move", say.Count(n))
	}
	return s
}

// then says what comes after the wait.
func (f *face) then(ev session.Waiting) string {
	switch {
	case ev.Agreed, f.yes:
		return "the move goes on by itself"
	case !f.waiting:
		return "it needs a yes on the new phone"
	case f.asking:
		return "you are asked again. What is typed until then answers nothing"
	}
	return "you are asked whether to accept"
}

// accept asks about the offer that was shown last.
func (f *face) accept(ctx context.Context) (transfer.Decision, error) {
	if f.yes {
		return transfer.Decision{Accept: true}, nil
	}
	answer, err := f.c.ask(ctx, "Accept? [y/N] ")
	if errors.Is(err, errGaveUp) {
		return transfer.Decision{}, nil
	}
	if err != nil {
		return transfer.Decision{}, err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return transfer.Decision{Accept: true}, nil
	}
	return transfer.Decision{}, nil
}
