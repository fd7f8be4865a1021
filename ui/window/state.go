package window

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
	"github.com/ferry-move/ferry/ui/say"
)

// Limits to what another device can put on the screen. Whatever is more is
// counted.
const (
	maxKinds  = 12 // rows of an offer or a result
	maxGroups = 8  // reasons
	maxNames  = 3  // names below a reason
)

// Screen is what the window shows:
//
//	Starting ──> Waiting ──> Asking ──> Moving ──> Ended ──> Waiting
//	    │           ^          │ refuse               ^
//	    v           └──────────┤                      │
//	 Stopped                   └── the other gave up ─┘
type Screen uint8

const (
	Starting Screen = iota // getting ready
	Waiting                // the code is shown
	Asking                 // the person is asked about an offer
	Moving                 // items move
	Ended                  // the result is shown until the person has read it
	Stopped                // it cannot wait; Problem says why
)

// State is all that the window shows, at one moment. It is a value: the methods
// return the next one and change nothing. Texts in it are fit to be shown.
type State struct {
	Screen Screen
	Name   string // this device's
	Folder string // where things go
	Addr   string // where this device is reached; empty = on no network
	// Code and Link are the zero value between a code's end and the next one.
	Code    pairing.Code
	Link    pairing.Link
	Expires time.Time
	// Notice is a sentence about what happened to the code or the last offer.
	Notice string

	Offer    *Offer // while Asking; immutable
	Progress pace.View
	Paused   bool    // by the person here
	Result   *Result // while Ended; immutable
	Problem  say.Problem

	infos   map[backup.Kind]backup.Info // immutable
	refused bool                        // by the person; its end is no news
	left    []Group                     // of the move under way
	kept    Group
}

// Row is a line of a list.
type Row struct{ Title, Detail string }

// Offer is what the person is asked about.
type Offer struct {
	From string
	Rows []Row
	Sum  string // bytes in all
}

// Group is the items that share a reason.
type Group struct {
	Reason backup.Reason
	Count  uint64
	Names  []string // the first few
}

// Result is how a move ended.
type Result struct {
	// Complete tells that everything moved and both devices agree; Broken that
	// the move did not come to its end.
	Complete, Broken bool
	Title, Sentence  string
	Rows             []Row
	Left             []Group // what was not moved
	Kept             Group   // what has another name now
	Receipt          string  // a path; empty = none
}

// ready is the state that a run begins with.
func ready(folder string, infos map[backup.Kind]backup.Info) State {
	return State{Folder: say.Path(folder), infos: infos}
}

// event takes in what the engine tells.
func (s State) event(ev session.Event) State {
	switch ev := ev.(type) {
	case session.Ready:
		s.Name, s.Addr = nameOf(ev.Name), ""
		if len(ev.Addrs) > 0 {
			s.Addr = ev.Addrs[0].String()
		}
	case session.Code:
		s.Code, s.Link, s.Expires = ev.Code, ev.Link, ev.Expires
		if s.Screen == Starting {
			s.Screen = Waiting
		}
		switch ev.Why {
		case pairing.Expired:
			s.Notice = "The last code has expired. This is a new one."
		case pairing.UsedUp:
			s.Notice = "Too many wrong codes were typed. This is a new one."
		}
	case session.WrongCode:
		s.Notice = "A wrong code was typed: " + say.Tries(ev.TriesLeft) + " left."
	case session.Paired:
		s.Notice = "The code was right. Your old phone now says what it has."
	case session.Waiting:
		switch {
		case ev.Agreed && s.Paused:
			s.Notice = "The two phones lost each other. You have paused: when the old one is back, it goes on as soon as you let it."
		case ev.Agreed:
			s.Notice = "The two phones lost each other. It goes on by itself when the old one is back."
		case s.Offer != nil:
			s.Notice = "The two phones lost each other. When the old one is back, you are asked again."
		default:
			s.Notice = "The two phones lost each other. When the old one is back, you are asked."
		}
		s.Screen, s.Offer = Waiting, nil
	case session.Back:
		s.Notice, s.left, s.kept = "", nil, Group{} // they are told anew
		if ev.Agreed {
			s.Screen = Moving
		}
	case session.Accepted:
		s.Screen, s.Offer, s.Notice = Moving, nil, ""
	case session.Item:
		return s.item(ev)
	case session.Done:
		return s.done(ev)
	}
	return s
}

// offered asks the person.
func (s State) offered(o transfer.Offer) State {
	s.Screen, s.Notice, s.Code, s.Link = Asking, "", pairing.Code{}, pairing.Link{}
	s.Result, s.Progress, s.left, s.kept, s.refused = nil, pace.View{}, nil, Group{}, false
	s.Offer = &Offer{From: nameOf(o.Peer.Name), Sum: say.Bytes(o.Bytes())}
	if o.Free >= 0 {
		s.Offer.Sum += " (" + say.Bytes(o.Free) + " are free here)"
	}
	for _, k := range o.Kinds {
		if k.Items == 0 && k.Folders == 0 {
			continue
		}
		d := say.Content(s.info(k.Kind), k.Items, k.Folders) + ", " + say.Bytes(int64(k.Bytes))
		if !k.Supported {
			d += ": stays on the old phone, this device does not know that kind"
		} else if k.Cannot > 0 {
			d += fmt.Sprintf("; %s cannot move", say.Count(k.Cannot))
		}
		s.Offer.Rows = append(s.Offer.Rows, Row{s.info(k.Kind).Title, d})
	}
	s.Offer.Rows = atMost(s.Offer.Rows)
	return s
}

// answered takes in what the person said about the offer.
func (s State) answered(yes bool) State {
	if s.Screen != Asking {
		return s
	}
	s.Offer = nil
	if yes {
		s.Screen = Moving
		return s
	}
	s.Screen, s.refused = Waiting, true
	return s
}

// moved takes in how far a move is.
func (s State) moved(v pace.View) State {
	if s.Screen == Moving {
		s.Progress = v
	}
	return s
}

// paused takes in that the person pauses, or goes on.
func (s State) paused(yes bool) State {
	s.Paused = yes && s.Screen == Moving
	return s
}

func (s State) item(it session.Item) State {
	if it.Reason == 0 {
		s.kept = s.kept.with(s.name(it) + " is now " + say.Path(string(it.Name)))
		return s
	}
	reason := it.Reason
	at := slices.IndexFunc(s.left, func(g Group) bool { return g.Reason == reason })
	if at < 0 && len(s.left) >= maxGroups-1 { // the last place is for all others
		reason = backup.Unknown
		at = slices.IndexFunc(s.left, func(g Group) bool { return g.Reason == reason })
	}
	s.left = slices.Clone(s.left)
	if at < 0 {
		at = len(s.left)
		s.left = append(s.left, Group{Reason: reason})
	}
	s.left[at] = s.left[at].with(s.name(it))
	return s
}

func (g Group) with(name string) Group {
	g.Count++
	if len(g.Names) < maxNames {
		g.Names = append(slices.Clone(g.Names), name)
	}
	return g
}

// done ends a move.
func (s State) done(d session.Done) State {
	s.Offer, s.Paused = nil, s.Paused && errors.Is(d.Err, session.ErrReplaced)
	if s.refused {
		s.refused, s.Notice = false, say.Error(d.Err).String()
		return s
	}
	r := &Result{Left: s.left, Kept: s.kept, Receipt: say.Path(d.ReceiptPath)}
	var items, here, bytes uint64
	for _, k := range d.Report.Kinds {
		failed, healed, unsure := d.Of(k)
		items, here, bytes = items+k.Items, here+k.Items-failed, bytes+k.Bytes
		if k.Items == 0 {
			continue
		}
		var parts []string
		for _, p := range []struct {
			n    uint64
			word string
		}{{k.Added, "added"}, {k.Merged, "merged"}, {k.Skipped, "already here"}, {healed, "moved by the verification"}, {failed, "not moved"}, {unsure, "could not be verified"}} {
			if p.n > 0 {
				parts = append(parts, say.Count(p.n)+" "+p.word)
			}
		}
		r.Rows = append(r.Rows, Row{s.info(k.Kind).Title, strings.Join(parts, ", ")})
	}
	for _, k := range d.Report.Declined {
		items += k.Items
		r.Rows = append(r.Rows, Row{s.info(k.Kind).Title, say.Content(s.info(k.Kind), k.Items, 0) + " left on the old phone"})
	}
	r.Rows = atMost(r.Rows)
	switch {
	case d.Err != nil:
		r.Broken, r.Title, r.Sentence = true, "The move has stopped", say.Error(d.Err).String()
	case d.Complete():
		r.Left = nil // a verification may have brought what failed before
		r.Complete, r.Title = true, "Everything is here"
		r.Sentence = fmt.Sprintf("Both phones agree: %s items, %s, all checked.", say.Count(items), say.Bytes(int64(bytes)))
	default:
		r.Title = "Not everything was moved"
		r.Sentence = fmt.Sprintf("Both phones agree: %s of %s items are here, %s. Keep the old phone until you have moved the rest.",
			say.Count(here), say.Count(items), say.Bytes(int64(bytes)))
	}
	s.Screen, s.Result, s.left, s.kept, s.Notice = Ended, r, nil, Group{}, ""
	return s
}

// dismissed goes on after a result.
func (s State) dismissed() State {
	if s.Screen == Ended {
		s.Screen, s.Result = Waiting, nil
	}
	return s
}

// stopped says why nobody can be waited for.
func (s State) stopped(err error) State {
	if err == nil {
		err = errors.New("the wait ended by itself")
	}
	s.Screen, s.Offer, s.Code, s.Link, s.Problem = Stopped, nil, pairing.Code{}, pairing.Link{}, say.Error(err)
	return s
}

// nameOf is a device's name on the screen.
func nameOf(name string) string {
	if n := strings.TrimSpace(say.Foreign(strings.TrimSpace(name))); n != "" {
		return n
	}
	return "A device without a name"
}

func (s State) info(k backup.Kind) backup.Info {
	if i, ok := s.infos[k]; ok {
		return i
	}
	n := say.Foreign(string(k))
	return backup.Info{Kind: k, Title: n, One: "item", Many: "items"}
}

func (s State) name(it session.Item) string { return say.Item(s.info(it.Kind), it.Key) }

// infosOf lists what is known of each kind.
func infosOf(agents []backup.Agent) map[backup.Kind]backup.Info {
	out := map[backup.Kind]backup.Info{}
	for _, a := range agents {
		out[a.Info().Kind] = a.Info()
	}
	return out
}

// atMost cuts rows and says how many it cut.
func atMost(rows []Row) []Row {
	if len(rows) <= maxKinds {
		return rows
	}
	more := len(rows) - maxKinds + 1
	return append(rows[:maxKinds-1:maxKinds-1], Row{fmt.Sprintf("and %d more kinds", more), ""})
}

// progressLine says how far a move is.
func progressLine(v pace.View) string {
	if v.Phase < transfer.PhaseMove {
		return "Getting ready …"
	}
	s := fmt.Sprintf("%s of %s items, %s of %s", say.Count(v.DoneItems), say.Count(v.Items), say.Bytes(int64(v.DoneBytes)), say.Bytes(int64(v.Bytes)))
	if v.Paused != transfer.WaitNothing && v.Waiting != v.Paused {
		s += ". " + strings.TrimSuffix(say.Waiting(v.Paused, 0).What, ".")
	}
	switch wait := say.Waiting(v.Waiting, v.Silent); {
	case wait.What != "":
		s += ". " + wait.String()
	case v.Phase >= transfer.PhaseFinish && !v.Phase.Moving():
		s += ": making the last ones safe"
	case v.Left.Known():
		s += ": " + say.LeftBetween(v.Left.Low, v.Left.High) + " left"
	}
	return s
}
