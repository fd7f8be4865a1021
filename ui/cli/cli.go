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
	"regexp"
	"strings"
	"unicode"

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
	name    string // as it was called
	io      Stdio
	json    bool
	verbose bool
	// interrupted is closed when the person has interrupted.
	interrupted <-chan struct{}
	input       *bufio.Reader // over io.In
	typed       chan typed    // what a read of a line gave
	// reading tells that a read of a line is under way, whose question may
	// have been withdrawn; owned by ask.
	reading bool
	// broken tells that a move began and did not end; owned by face.
	broken bool
}

// typed is a line that a person typed.
type typed struct {
	text string
	err  error
}

// usageError is a mistake in how the command was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// argumentError is an argument that names something that cannot be used.
type argumentError struct {
	name string // as it was called: "--from"
	err  error
}

func (e *argumentError) Error() string { return e.name + ": " + e.err.Error() }
func (e *argumentError) Unwrap() error { return e.err }

// errGaveUp means that a person ended the input instead of answering.
var errGaveUp = errors.New("the question was not answered")

// Main runs the command line and returns its exit code. ctx ends when the
// person interrupts.
func Main(ctx context.Context, args []string, std Stdio) int {
	c := &command{io: std, interrupted: ctx.Done(), input: bufio.NewReader(std.In), typed: make(chan typed, 1)}
	if len(args) == 0 {
		fmt.Fprint(std.Err, usage)
		return exitUsage
	}
	name, args := args[0], args[1:]
	c.name = name
	run, ok := commands[name]
	switch {
	case name == "help" || name == "--help" || name == "-h":
		return c.help(args)
	case name == "--version":
		run, ok = (*command).version, true
	}
	if !ok {
		c.json = asksJSON(args)
		return c.noCommand(name)
	}
	err := run(c, ctx, args)
	if errors.As(err, new(*usageError)) { // it may stand after the mistake
		c.json = c.json || asksJSON(args)
	}
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(std.Out, details[name])
		return exitOK
	}
	return c.exit(ctx, err)
}

func (c *command) help(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(c.io.Out, usage)
		return exitOK
	}
	text, ok := details[args[0]]
	if !ok {
		return c.noCommand(args[0])
	}
	fmt.Fprint(c.io.Out, text)
	return exitOK
}

func (c *command) noCommand(name string) int {
	return c.fail(say.Problem{What: fmt.Sprintf("There is no command %q.", name), Next: "See \"ferry help\"."}, exitUsage)
}

// asksJSON reports whether --json is among arguments that may not be right.
func asksJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--json", "-json", "--json=true", "-json=true":
			return true
		case "--":
			return false
		}
	}
	return false
}

var commands = map[string]func(*command, context.Context, []string) error{
	"receive": (*command).receive, "send": (*command).send, "devices": (*command).devices, "plan": (*command).plan,
	"verify": (*command).verify, "archive": (*command).archive, "history": (*command).history, "forget": (*command).forget, "demo": (*command).demo, "version": (*command).version,
}

// errIncomplete ends a run that finished with items that were not moved. They
// were told one by one.
var errIncomplete = errors.New("some items were not moved")

// exit says what went wrong and picks the exit code.
func (c *command) exit(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	if err == nil || errors.Is(err, errIncomplete) {
		return code
	}
	return c.fail(c.problem(code, err), code)
}

// fail tells a problem that ends the command, and returns its exit code.
func (c *command) fail(p say.Problem, code int) int {
	c.warn(p)
	if c.json {
		c.emit(jsonError{Event: "error", Error: p.What, Next: p.Next, Exit: code})
	}
	return code
}

func (c *command) problem(code int, err error) say.Problem {
	var use *usageError
	var arg *argumentError
	switch {
	case errors.As(err, &use):
		return say.Problem{What: use.text, Next: fmt.Sprintf("See \"ferry help %s\".", c.name)}
	case errors.As(err, new(*session.UnverifiedError)):
		return say.Error(err)
	case code == exitInterrupted && c.broken:
		return say.Interrupted()
	case code == exitInterrupted && c.name == "receive":
		return say.Problem{What: "Stopped waiting for the old phone."}
	case code == exitInterrupted && c.name == "send":
		return say.Problem{What: "Interrupted.", Next: "Nothing was moved."}
	case code == exitInterrupted:
		return say.Problem{What: "Interrupted."}
	case errors.As(err, &arg):
		p := say.Error(arg.err)
		p.What = arg.name + ": " + p.What
		return p
	}
	return say.Error(err)
}

// brokeOff says why a move broke off with err, as exit says it if the command ends
// with that too.
func (c *command) brokeOff(err error) say.Problem {
	code := exitBroken
	select {
	case <-c.interrupted:
		code = exitInterrupted
	default:
	}
	if err == nil {
		return say.Problem{}
	}
	return c.problem(code, err)
}

// warn tells a problem to a person, in the manner of the command line.
func (c *command) warn(p say.Problem) {
	text := p.String()
	if r := []rune(text); len(r) > 1 && !unicode.IsUpper(r[1]) { // not an acronym
		text = string(unicode.ToLower(r[0])) + string(r[1:])
	}
	fmt.Fprintf(c.io.Err, "ferry: %s\n", text)
}

func exitCode(ctx context.Context, err error) int {
	var use *usageError
	var arg *argumentError
	var several *session.AmbiguousError
	var stop *transfer.StopError
	var pair *pairing.Error
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errIncomplete):
		return exitIncomplete
	case ctx.Err() != nil, errors.Is(err, errGaveUp):
		return exitInterrupted
	case errors.As(err, &use), errors.As(err, &arg), errors.As(err, &several), errors.Is(err, session.ErrUnknownDevice), errors.As(err, new(*session.AmbiguousIDError)):
		return exitUsage
	case errors.As(err, &stop) && (stop.Kind == wire.StopRefused || stop.Kind == wire.StopBusy || stop.Kind == wire.StopNoSpace || stop.Kind == wire.StopFlags):
		return exitRefused
	case errors.As(err, &stop):
		return exitBroken
	case say.Taken(err):
		return exitRefused
	case errors.As(err, &pair), errors.Is(err, pairing.ErrTooManyTries), errors.Is(err, pairing.ErrBadCode), errors.Is(err, pairing.ErrBadLink),
		errors.Is(err, p2p.ErrOtherDevice), say.WrongPassword(err):
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

// parse parses args and refuses any number of arguments but n, which it returns.
// Flags may stand after arguments too.
func (c *command) parse(fs *flag.FlagSet, args []string, n int) (rest []string, err error) {
	rest, err = c.parseUpTo(fs, args, n)
	if err == nil && len(rest) < n {
		return nil, usagef("An argument is missing.")
	}
	return rest, err
}

// parseUpTo is parse with at most n arguments.
func (c *command) parseUpTo(fs *flag.FlagSet, args []string, n int) (rest []string, err error) {
	for {
		err := fs.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			return nil, err
		case err != nil:
			return nil, usagef("%s", flagText(err))
		}
		if fs.NArg() == 0 {
			break
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
	if len(rest) > n {
		return nil, usagef("Unexpected argument %q.", rest[n])
	}
	return rest, nil
}

// flagText says in our words what the flag package found wrong.
func flagText(err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return fmt.Sprintf("There is no flag --%s.", name)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return fmt.Sprintf("--%s needs a value after it.", name)
	}
	if m := badValue.FindStringSubmatch(text); m != nil {
		if why := m[3]; strings.HasSuffix(why, ".") { // ours
			return fmt.Sprintf("--%s cannot be %s: %s", m[2], m[1], why)
		}
		return fmt.Sprintf("--%s cannot be %s.", m[2], m[1])
	}
	return fmt.Sprintf("%q is not a flag.", text)
}

var badValue = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-([^:]+): (.*)`)

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

// ask prints a question and reads a line. It gives up when ctx ends, and then
// the read stays for the next question: a terminal's read cannot be ended. What
// is typed in between answers nothing.
func (c *command) ask(ctx context.Context, question string) (string, error) {
	select {
	case <-c.typed:
		c.reading = false
	default:
	}
	fmt.Fprint(c.io.Err, question)
	if !c.reading {
		c.reading = true
		go func() {
			text, err := c.input.ReadString('\n')
			c.typed <- typed{text, err}
		}()
	}
	select {
	case t := <-c.typed:
		c.reading = false
		if t.err != nil && t.text == "" {
			fmt.Fprintln(c.io.Err)
			if errors.Is(t.err, io.EOF) {
				t.err = errGaveUp
			}
			return "", t.err
		}
		return strings.TrimSpace(t.text), nil
	case <-ctx.Done():
		fmt.Fprintln(c.io.Err)
		return "", context.Cause(ctx)
	}
}

func (c *command) version(_ context.Context, args []string) error {
	if _, err := c.parse(c.flags("version"), args, 0); err != nil {
		return err
	}
	if c.json {
		c.emit(jsonVersion{Event: "version", Version: session.Version, Protocol: wire.Protocol})
	}
	c.print("ferry %s (protocol %d)", session.Version, wire.Protocol)
	return nil
}
