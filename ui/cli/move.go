package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/ferry-move/ferry/ui/say"
)

func (c *command) receive(ctx context.Context, args []string) error {
	fs := c.flags("receive")
	into := fs.String("into", "", "")
	name := fs.String("name", "", "")
	yes := fs.Bool("yes", false, "")
	once := fs.Bool("once", false, "")
	port := fs.Int("port", 0, "")
	loopback := fs.Bool("loopback", false, "")
	fs.BoolVar(&c.verbose, "verbose", false, "")
	limit := limitFlag(fs)
	if _, err := c.parse(fs, args, 0); err != nil {
		return err
	}
	switch {
	case *into == "":
		return usagef("--into says which folder is the new phone.")
	case *port < 0 || *port > 65535:
		return usagef("--port is a number from 1 to 65535.")
	case !validName(*name):
		return usagef("--name is at most %d characters of text.", discovery.MaxName)
	case !*yes && !c.interactive():
		return usagef("There is no terminal to ask at. With --yes, whoever knows the code is accepted.")
	}
	home, err := session.Home()
	if err != nil {
		return err
	}
	p, err := session.OpenFolder(*into, true)
	if err != nil {
		return &argumentError{"--into", err}
	}
	defer p.Close()
	f := newFace(c, p)
	f.waiting, f.yes = true, *yes
	defer f.watchPause()()
	var last session.Done
	err = session.Receive(ctx, session.ReceiveOptions{
		Home: home, Phone: p, Place: session.PlaceOf(*into), Name: *name, Port: *port, Loopback: *loopback, Once: *once, Limit: limit.get(), Pauser: f.pauser,
		Accept: func(ctx context.Context, _ transfer.Offer) (transfer.Decision, error) { return f.accept(ctx) },
		Events: func(ev session.Event) {
			if d, ok := ev.(session.Done); ok {
				last = d
				f.event(ev)
				if d.Err != nil && (!*once || errors.Is(d.Err, session.ErrReplaced)) && ctx.Err() == nil { // it goes on waiting
					c.warn(say.Error(d.Err))
				}
				return
			}
			f.event(ev)
		},
	})
	if err == nil && last.Report != nil && !last.Complete() {
		return errIncomplete
	}
	return err
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
	fs.BoolVar(&c.verbose, "verbose", false, "")
	verify := fs.Bool("verify", false, "")
	dryRun := fs.Bool("dry-run", false, "")
	limit := limitFlag(fs)
	quota := fs.String("app-quota", "", "")
	file := fs.String("password-file", "", "")
	if _, err := c.parse(fs, args, 0); err != nil {
		return err
	}
	switch {
	case *lanes < 0 || *lanes > transfer.MaxLanes:
		return usagef("--lanes is a number from 1 to %d.", transfer.MaxLanes)
	case *from == "":
		return usagef("--from says which folder is the old phone.")
	case *dryRun && *verify:
		return usagef("--dry-run and --verify do not go together.")
	case *to != "" && *at != "":
		return usagef("--to and --at do not go together.")
	case *wait < 0:
		return usagef("--wait is how long to search, such as 30s or 2m.")
	case !validName(*name):
		return usagef("--name is at most %d characters of text.", discovery.MaxName)
	case *codeFile == "-" && *file == "-":
		return usagef("Only one of --code-file and --password-file can be standard input.")
	case *codeFile == "" && !c.interactive():
		return usagef("There is no terminal to type the code at. --code-file names a file with it, - is standard input.")
	}
	var addrs []netip.AddrPort
	if *at != "" {
		var err error
		if addrs, err = resolve(ctx, *at); err != nil {
			return err
		}
	}
	home, err := session.Home()
	if err != nil {
		return err
	}
	p, err := c.openSource(ctx, *from, *quota, *file)
	if err != nil {
		return err
	}
	defer p.Close()
	wanted, err := kindsOf(p, *kinds)
	if err != nil {
		return err
	}
	f := newFace(c, p)
	defer f.watchPause()()
	opt := session.SendOptions{
		Home: home, Phone: p, Kinds: wanted, Name: *name, At: addrs, To: *to, Wait: *wait, Loopback: *loopback, Lanes: *lanes, Limit: limit.get(), Pauser: f.pauser, Verify: *verify,
		Password: c.password(*codeFile), Events: f.event,
	}
	if c.interactive() {
		opt.Choose = c.choose
	}
	if f.dry = *dryRun; f.dry {
		opt.Select = f.look
	}
	_, err = session.Send(ctx, opt)
	if errors.Is(err, errLooked) {
		return nil
	}
	if err == nil && !f.last.Complete() {
		return errIncomplete
	}
	return err
}

// validName reports whether a name can be shown at the other device. Empty is
// this model's.
func validName(name string) bool {
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= discovery.MaxName &&
		len(name) <= wire.MaxName && !strings.ContainsFunc(name, unicode.IsControl)
}

// resolve reads an address. Only a host's name makes it ask the network.
func resolve(ctx context.Context, at string) ([]netip.AddrPort, error) {
	if a, err := p2p.ParseAddr(at); err == nil {
		return []netip.AddrPort{a}, nil
	}
	host, service, err := net.SplitHostPort(at)
	port, perr := strconv.ParseUint(service, 10, 16)
	if err != nil || perr != nil || host == "" || port == 0 || strings.Contains(host, "/") {
		return nil, usagef("--at %q is not an address. Write it as the new phone shows it, HOST:PORT, or as a multiaddr.", at)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, usagef("--at: no device is called %q.", host)
	}
	var out []netip.AddrPort
	for _, ip := range ips[:min(len(ips), discovery.MaxAddrs)] {
		out = append(out, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return out, nil
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
				c.say("That is not the code either, and the new phone shows a new one now.")
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
		return "", &argumentError{"--code-file", err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCodeFile))
	if err != nil {
		return "", &argumentError{"--code-file", err}
	}
	return string(b), nil
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
		c.say("  %d  %s at %s", i+1, quoted(d.Name), d.Addrs[0])
	}
	for {
		text, err := c.ask(ctx, "Which one? ")
		if err != nil {
			return discovery.Candidate{}, err
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(cs) {
			return cs[n-1], nil
		}
		c.say("Type a number from 1 to %d.", len(cs))
	}
}
