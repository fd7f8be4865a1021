package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
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
	told     int
	waiting  bool // the new phone's side
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
		f.progress.end()
		f.progress = nil
		if c.json {
			c.emit(jsonOf(d))
		}
		f.done(d)
		return
	}
	if c.json {
		c.emit(jsonOf(ev))
	} else {
		f.progress.clear()
		f.tell(ev)
	}
	if a, ok := ev.(session.Accepted); ok {
		f.told = 0
		f.progress = c.startProgress(a.Meter)
	}
}

func (f *face) tell(ev session.Event) {
	c := f.c
	switch ev := ev.(type) {
	case session.Ready:
		c.say("This is %s. On the old phone: ferry send --from DIR", say.Foreign(ev.Name))
		if len(ev.Addrs) > 0 {
			c.say("If it does not find this one: ferry send --from DIR --at %s", ev.Addrs[0])
		}
	case session.Code:
		switch ev.Why {
		case pairing.Expired:
			c.say("The old code has expired.")
		case pairing.UsedUp:
			c.say("That was one wrong code too many; here is a new one.")
		}
		c.print("code: %s", ev.Code.Reveal())
		if isTerminal(c.io.Out) {
			if link, err := ev.Link.Reveal(); err == nil {
				fmt.Fprint(c.io.Out, qrText(link))
			}
			c.say("Waiting for the old phone. Ctrl-C stops.")
		}
	case session.Planned:
		for _, p := range ev.Plans {
			if p.Items > 0 {
				c.say("  %-12s %s", p.Info.Title, planLine(p))
			}
		}
	case session.Found:
		c.say("Found %s.", say.Foreign(ev.Candidate.Name))
	case session.NobodyYet:
		c.say("No new phone is found yet.")
		for _, p := range say.Diagnosis(ev.Diagnosis) {
			c.say("  - %s", p)
		}
	case session.WrongCode:
		if f.waiting {
			c.say("Somebody typed a wrong code.")
		}
	case session.Paired:
		c.say("Paired: both devices proved the code.")
	case session.Accepted:
		c.say("%s", map[bool]string{true: "Receiving.", false: "Accepted. Sending."}[f.waiting])
	case session.Item:
		f.item(ev)
	}
}

func (f *face) item(ev session.Item) {
	f.told++
	switch {
	case f.told > maxTold:
		return
	case f.told == maxTold:
		f.c.say("  … and more; the receipt lists them.")
	case ev.Reason == 0:
		f.c.say("  kept as %s: %s", say.Path(string(ev.Name)), say.Path(string(ev.Key)))
	default:
		f.c.say("  not moved: %s: %s", say.Path(string(ev.Key)), say.Reason(ev.Reason))
	}
}

// done sums a move up.
func (f *face) done(d session.Done) {
	c, r := f.c, d.Report
	if c.json || d.Err != nil && r.Receipt == nil {
		return // exit says what went wrong
	}
	for _, k := range r.Kinds {
		if k.Items == 0 {
			continue
		}
		var parts []string
		for _, p := range []struct {
			n    uint64
			word string
		}{{k.Added, "added"}, {k.Merged, "merged"}, {k.Skipped, "already there"}, {k.Failed, "NOT MOVED"}} {
			if p.n > 0 {
				parts = append(parts, say.Count(p.n)+" "+p.word)
			}
		}
		c.print("  %-12s %s: %s", f.info(k.Kind).Title, say.Items(f.info(k.Kind), k.Items), strings.Join(parts, ", "))
	}
	for _, k := range r.Declined {
		c.print("  %-12s %s: left out on the new phone", f.info(k.Kind).Title, say.Items(f.info(k.Kind), k.Items))
	}
	c.print("%s, %s sent in %s. Both devices agree and signed.", totalLine(r), say.Bytes(int64(r.SentBytes)), say.Took(r.Elapsed))
	if !r.Complete() {
		c.print("Not everything was moved: see above before you erase the old phone.")
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

func planLine(p transfer.KindPlan) string {
	s := fmt.Sprintf("%s, %s", say.Items(p.Info, p.Items), say.Bytes(int64(p.Bytes)))
	if n := p.CannotTotal(); n > 0 {
		s += fmt.Sprintf("; %s cannot move", say.Count(n))
	}
	return s
}

func (c *command) receive(ctx context.Context, args []string) error {
	fs := c.flags("receive")
	into := fs.String("into", "", "")
	name := fs.String("name", "", "")
	yes := fs.Bool("yes", false, "")
	once := fs.Bool("once", false, "")
	port := fs.Int("port", 0, "")
	loopback := fs.Bool("loopback", false, "")
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	switch {
	case *into == "":
		return usagef("--into says which folder is the new phone.")
	case *port < 0 || *port > 65535:
		return usagef("--port is a number from 1 to 65535.")
	case !*yes && !c.interactive():
		return usagef("There is no terminal to ask at. With --yes, whoever knows the code is accepted.")
	}
	home, err := session.Home()
	if err != nil {
		return err
	}
	p, err := session.OpenFolder(*into, true)
	if err != nil {
		return err
	}
	defer p.Close()
	f := newFace(c, p)
	f.waiting = true
	var last session.Done
	err = session.Receive(ctx, session.ReceiveOptions{
		Home: home, Phone: p, Place: session.PlaceOf(*into), Name: *name, Port: *port, Loopback: *loopback, Once: *once,
		Accept: func(ctx context.Context, o transfer.Offer) (transfer.Decision, error) { return f.accept(ctx, o, *yes) },
		Events: func(ev session.Event) {
			if d, ok := ev.(session.Done); ok {
				last = d
				if d.Err != nil && !*once { // it goes on waiting
					c.say("ferry: %s", say.Error(d.Err))
				}
			}
			f.event(ev)
		},
	})
	if err == nil && last.Report != nil && !last.Report.Complete() {
		return errIncomplete
	}
	return err
}

// accept shows an offer and asks about it.
func (f *face) accept(ctx context.Context, o transfer.Offer, yes bool) (transfer.Decision, error) {
	c := f.c
	if c.json {
		c.emit(jsonOfferOf(o))
	} else {
		c.say("%s (%s) wants to send:", say.Foreign(o.Peer.Name), o.Peer.Device.Short())
		for _, k := range o.Kinds {
			if k.Items == 0 {
				continue
			}
			line := say.Items(f.info(k.Kind), k.Items) + ", " + say.Bytes(int64(k.Bytes))
			if !k.Supported {
				line += " (this device does not know that kind: left out)"
			}
			c.say("  %-12s %s", f.info(k.Kind).Title, line)
		}
		if o.Free >= 0 {
			c.say("%s in all, %s free here.", say.Bytes(o.Bytes()), say.Bytes(o.Free))
		}
	}
	if yes {
		return transfer.Decision{Accept: true}, nil
	}
	answer, err := c.ask(ctx, "Accept? [y/N] ")
	if err != nil {
		return transfer.Decision{}, err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return transfer.Decision{Accept: true}, nil
	}
	return transfer.Decision{}, nil
}

func (c *command) send(ctx context.Context, args []string) error {
	fs := c.flags("send")
	from := fs.String("from", "", "")
	to := fs.String("to", "", "")
	at := fs.String("at", "", "")
	codeFile := fs.String("code-file", "", "")
	kinds := fs.String("kinds", "", "")
	name := fs.String("name", "", "")
	wait := fs.Duration("wait", 30*time.Second, "")
	loopback := fs.Bool("loopback", false, "")
	lanes := fs.Int("lanes", 0, "")
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	switch {
	case *lanes < 0 || *lanes > transfer.MaxLanes:
		return usagef("--lanes is a number from 1 to %d.", transfer.MaxLanes)
	case *from == "":
		return usagef("--from says which folder is the old phone.")
	case *to != "" && *at != "":
		return usagef("--to and --at do not go together.")
	case *codeFile == "" && !c.interactive():
		return usagef("There is no terminal to type the code at. --code-file names a file with it, - is standard input.")
	}
	var addrs []netip.AddrPort
	if *at != "" {
		a, err := p2p.ParseAddr(*at)
		if err != nil {
			return usagef("--at %q is %s.", *at, err)
		}
		addrs = append(addrs, a)
	}
	home, err := session.Home()
	if err != nil {
		return err
	}
	p, err := session.OpenFolder(*from, false)
	if err != nil {
		return err
	}
	defer p.Close()
	wanted, err := kindsOf(p, *kinds)
	if err != nil {
		return err
	}
	f := newFace(c, p)
	opt := session.SendOptions{
		Home: home, Phone: p, Kinds: wanted, Name: *name, At: addrs, To: *to, Wait: *wait, Loopback: *loopback, Lanes: *lanes,
		Password: c.password(*codeFile), Events: f.event,
	}
	if c.interactive() {
		opt.Choose = c.choose
	}
	rep, err := session.Send(ctx, opt)
	if err == nil && !rep.Complete() {
		return errIncomplete
	}
	return err
}

// kindsOf reads a list of kinds.
func kindsOf(p mobile.Device, list string) ([]backup.Kind, error) {
	if list == "" {
		return nil, nil
	}
	var known []string
	for _, a := range p.Agents() {
		known = append(known, string(a.Info().Kind))
	}
	var out []backup.Kind
	for _, k := range strings.Split(list, ",") {
		ok := false
		for _, n := range known {
			ok = ok || n == strings.TrimSpace(k)
		}
		if !ok {
			return nil, usagef("There is no kind %q. There are: %s.", strings.TrimSpace(k), strings.Join(known, ", "))
		}
		out = append(out, backup.Kind(strings.TrimSpace(k)))
	}
	return out, nil
}

// maxCodeFile is how much of a code file is read, in bytes.
const maxCodeFile = 4096

// password reads the code from a file, or at the prompt as often as it takes.
func (c *command) password(file string) func(context.Context, *pairing.WrongCodeError) (pairing.Password, error) {
	return func(ctx context.Context, wrong *pairing.WrongCodeError) (pairing.Password, error) {
		if file != "" {
			if wrong != nil { // a file does not get better by reading it again
				return nil, &pairing.Error{Op: "initiate", Remote: true, Err: wrong}
			}
			text, err := c.readCode(file)
			if err != nil {
				return nil, err
			}
			return parsePassword(text)
		}
		if wrong != nil {
			if wrong.TriesLeft == 0 {
				c.say("That is not the code, and the new phone shows a new one now.")
			} else {
				c.say("%s", say.Error(wrong))
			}
		}
		for {
			text, err := c.ask(ctx, "Code on the new phone: ")
			if err != nil {
				return nil, err
			}
			pw, err := parsePassword(text)
			if err == nil {
				return pw, nil
			}
			c.say("%s", say.Error(err))
		}
	}
}

func (c *command) readCode(file string) (string, error) {
	if file == "-" {
		b, err := c.input.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return b, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCodeFile))
	return string(b), err
}

func parsePassword(text string) (pairing.Password, error) {
	if strings.Contains(text, ":") {
		return pairing.ParseLink(strings.TrimSpace(text))
	}
	return pairing.ParseCode(text)
}

// choose asks which of several new phones.
func (c *command) choose(ctx context.Context, cs []discovery.Candidate) (discovery.Candidate, error) {
	c.say("Several new phones wait:")
	for i, d := range cs {
		c.say("  %d  %s (%s)", i+1, say.Foreign(d.Name), d.Addrs[0])
	}
	for {
		text, err := c.ask(ctx, "Which one? ")
		if err != nil {
			return discovery.Candidate{}, err
		}
		var n int
		if _, err := fmt.Sscan(text, &n); err == nil && n >= 1 && n <= len(cs) {
			return cs[n-1], nil
		}
		c.say("Type a number from 1 to %d.", len(cs))
	}
}
