// Package cli is the command line's face: it parses arguments, prints events
// and asks questions. What was asked for goes to standard output, everything
// else to standard error.
//
// Its worst moment is a pipe where a person was expected: then it asks nothing
// and guesses nothing, but says which flag would have answered.
package cli

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/ferry-move/ferry/ui/say"
	"golang.org/x/term"
)

// Exit codes. They are a promise; see the usage.
const (
	exitOK          = 0
	exitBroken      = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitRefused     = 4
	exitNobody      = 5
	exitInterrupted = 130
)

// Stdio is what a command reads and writes.
type Stdio struct {
	In       *os.File
	Out, Err *os.File
}

// command is one run of a command.
type command struct {
	io    Stdio
	json  bool
	input *bufio.Reader // over io.In
}

// usageError is a mistake in how the command was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// Main runs the command line and returns its exit code. ctx ends when the
// person interrupts.
func Main(ctx context.Context, args []string, std Stdio) int {
	c := &command{io: std, input: bufio.NewReader(std.In)}
	if len(args) == 0 {
		fmt.Fprint(std.Err, usage)
		return exitUsage
	}
	name, args := args[0], args[1:]
	run, ok := commands[name]
	switch {
	case name == "help" || name == "--help" || name == "-h":
		if len(args) > 0 {
			if text, ok := details[args[0]]; ok {
				fmt.Fprint(std.Out, text)
				return exitOK
			}
		}
		fmt.Fprint(std.Out, usage)
		return exitOK
	case name == "--version":
		run, ok = (*command).version, true
	}
	if !ok {
		fmt.Fprintf(std.Err, "ferry: there is no command %q. See \"ferry help\".\n", name)
		return exitUsage
	}
	err := run(c, ctx, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(std.Out, details[name])
		return exitOK
	}
	return c.exit(ctx, name, err)
}

var commands = map[string]func(*command, context.Context, []string) error{
	"receive": (*command).receive, "send": (*command).send, "devices": (*command).devices, "plan": (*command).plan,
	"verify": (*command).verify, "demo": (*command).demo, "version": (*command).version,
}

// errIncomplete ends a run that finished with items that were not moved. They
// were told one by one.
var errIncomplete = errors.New("some items were not moved")

// exit says what went wrong and picks the exit code.
func (c *command) exit(ctx context.Context, name string, err error) int {
	code := exitCode(ctx, err)
	if err == nil || errors.Is(err, errIncomplete) {
		return code
	}
	var use *usageError
	p := say.Problem{}
	switch {
	case errors.As(err, &use):
		p = say.Problem{What: use.text, Next: fmt.Sprintf("See \"ferry help %s\".", name)}
	case code == exitInterrupted:
		p = say.Problem{What: "Interrupted.", Next: "What has arrived stays; a next move goes on from there."}
	default:
		p = say.Error(err)
	}
	fmt.Fprintf(c.io.Err, "ferry: %s\n", p)
	if c.json {
		c.emit(jsonError{Event: "error", Error: p.What, Next: p.Next, Exit: code})
	}
	return code
}

func exitCode(ctx context.Context, err error) int {
	var use *usageError
	var several *session.AmbiguousError
	var stop *transfer.StopError
	var pair *pairing.Error
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errIncomplete):
		return exitIncomplete
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &use), errors.As(err, &several):
		return exitUsage
	case errors.As(err, &stop) && (stop.Kind == wire.StopRefused || stop.Kind == wire.StopBusy || stop.Kind == wire.StopNoSpace || stop.Kind == wire.StopFlags):
		return exitRefused
	case errors.As(err, &stop):
		return exitBroken
	case errors.As(err, &pair), errors.Is(err, pairing.ErrTooManyTries), errors.Is(err, pairing.ErrBadCode), errors.Is(err, pairing.ErrBadLink),
		errors.Is(err, p2p.ErrOtherDevice):
		return exitRefused
	case errors.Is(err, session.ErrNobody), errors.Is(err, p2p.ErrUnreachable):
		return exitNobody
	}
	return exitBroken
}

// flags makes a flag set that reports errors as usage errors.
func (c *command) flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.BoolVar(&c.json, "json", false, "")
	return fs
}

// parse parses args and refuses what is left over, beyond n arguments.
func (c *command) parse(fs *flag.FlagSet, args []string, n int) error {
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return usagef("%s.", strings.TrimSuffix(err.Error(), "."))
	case fs.NArg() > n:
		return usagef("Unexpected argument %q.", fs.Arg(n))
	case fs.NArg() < n:
		return usagef("An argument is missing.")
	}
	return nil
}

// say prints a line for a person, to standard error.
func (c *command) say(format string, args ...any) {
	fmt.Fprintf(c.io.Err, format+"\n", args...)
}

// print prints what was asked for, unless JSON was.
func (c *command) print(format string, args ...any) {
	if !c.json {
		fmt.Fprintf(c.io.Out, format+"\n", args...)
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// interactive reports whether a person can be asked.
func (c *command) interactive() bool { return isTerminal(c.io.In) && isTerminal(c.io.Err) }

// ask prints a question and reads a line. It gives up when ctx ends.
func (c *command) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(c.io.Err, question)
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() { // a terminal's read cannot be ended; the process ends it
		s, err := c.input.ReadString('\n')
		got <- answer{s, err}
	}()
	select {
	case a := <-got:
		if a.err != nil && a.text == "" {
			return "", a.err
		}
		return strings.TrimSpace(a.text), nil
	case <-ctx.Done():
		fmt.Fprintln(c.io.Err)
		return "", context.Cause(ctx)
	}
}

func (c *command) version(_ context.Context, args []string) error {
	if err := c.parse(c.flags("version"), args, 0); err != nil {
		return err
	}
	if c.json {
		c.emit(jsonVersion{Event: "version", Version: session.Version, Protocol: wire.Protocol})
	}
	c.print("ferry %s (protocol %d)", session.Version, wire.Protocol)
	return nil
}
