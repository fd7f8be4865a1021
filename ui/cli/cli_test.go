package cli

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/ferry-move/ferry/ui/say"
)

func TestExitCodes(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	remote := func(k wire.StopKind) error { return &transfer.StopError{Kind: k, Remote: true} }
	tests := []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{nil, nil, 0},
		{ended, nil, 0},
		{nil, errIncomplete, 3},
		{ended, errIncomplete, 3},
		{ended, errors.New("whatever"), 130},
		{nil, errGaveUp, 130},
		{nil, usagef("x"), 2},
		{nil, &argumentError{"--from", fs.ErrNotExist}, 2},
		{nil, &session.AmbiguousError{}, 2},
		{nil, remote(wire.StopRefused), 4},
		{nil, remote(wire.StopBusy), 4},
		{nil, remote(wire.StopNoSpace), 4},
		{nil, &transfer.StopError{Kind: wire.StopRefused}, 4},
		{nil, remote(wire.StopCancelled), 1},
		{nil, remote(wire.StopDisagree), 1},
		{nil, &pairing.Error{Op: "initiate", Err: &pairing.WrongCodeError{TriesLeft: 1}}, 4},
		{nil, pairing.ErrBadCode, 4},
		{nil, pairing.ErrBadLink, 4},
		{nil, pairing.ErrTooManyTries, 4},
		{nil, p2p.ErrOtherDevice, 4},
		{nil, fmt.Errorf("%w: %w", p2p.ErrUnreachable, errors.Join(errors.New("timeout"), p2p.ErrOtherDevice)), 4},
		{nil, session.ErrNobody, 5},
		{nil, &session.NoMatchError{}, 5},
		{nil, p2p.ErrUnreachable, 5},
		{nil, transfer.ErrLinkLost, 1},
		{nil, session.ErrGone, 1},
		{nil, errors.New("whatever"), 1},
	}
	for _, tt := range tests {
		ctx := tt.ctx
		if ctx == nil {
			ctx = t.Context()
		}
		if got := exitCode(ctx, tt.err); got != tt.want {
			t.Errorf("%v: %d; want %d", tt.err, got, tt.want)
		}
	}
}

func TestFlagText(t *testing.T) {
	tests := []struct{ args, want string }{
		{"--nope", "There is no flag --nope."},
		{"-nope=3", "There is no flag --nope."},
		{"--text", "--text needs a value after it."},
		{"--wait soon", `--wait cannot be "soon".`},
		{"--wait=", `--wait cannot be "".`},
		{"--n x:y", `--n cannot be "x:y".`},
		{"--on=maybe", `--on cannot be "maybe".`},
		{"--=x", `"bad flag syntax: --=x" is not a flag.`},
	}
	for _, tt := range tests {
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		fs.String("text", "", "")
		fs.Duration("wait", 0, "")
		fs.Int("n", 0, "")
		fs.Bool("on", false, "")
		_, err := new(command).parse(fs, strings.Fields(tt.args), 0)
		var use *usageError
		if !errors.As(err, &use) || use.text != tt.want {
			t.Errorf("%s: %v; want %s", tt.args, err, tt.want)
		}
	}
}

func TestParseTakesFlagsAnywhere(t *testing.T) {
	for _, args := range []string{"a b --json", "--json a b", "a --json b", "--json -- a b"} {
		c := new(command)
		rest, err := c.parse(c.flags("x"), strings.Fields(args), 2)
		if err != nil || !c.json || strings.Join(rest, " ") != "a b" {
			t.Errorf("%s: %q, %v, %v", args, rest, c.json, err)
		}
	}
}

// console is a command whose input the test types and whose standard error it
// reads.
type console struct {
	*command
	keys *os.File
	text *os.File
}

func newConsole(t *testing.T) *console {
	t.Helper()
	in, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	c := &console{&command{io: Stdio{In: in, Out: text, Err: text}, input: bufio.NewReader(in), typed: make(chan typed, 1)}, keys, text}
	t.Cleanup(func() {
		keys.Close()
		if c.reading {
			<-c.typed
		}
		in.Close()
		text.Close()
	})
	return c
}

func (c *console) shown(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(c.text.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAsk(t *testing.T) {
	c := newConsole(t)
	io.WriteString(c.keys, "  yes \r\nlast")
	if got, err := c.ask(t.Context(), "One? "); got != "yes" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	c.keys.Close()
	if got, err := c.ask(t.Context(), "Two? "); got != "last" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.ask(t.Context(), "Three? "); !errors.Is(err, errGaveUp) {
		t.Errorf("the end of the input: %v", err)
	}
	if got, want := c.shown(t), "One? Two? Three? \n"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

// What is typed at a question that was withdrawn does not answer the next.
func TestAskAfterWithdrawnQuestion(t *testing.T) {
	c := newConsole(t)
	gone, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the other device went away")
	cancel(why)
	if _, err := c.ask(gone, "Accept? "); !errors.Is(err, why) {
		t.Fatal(err)
	}
	io.WriteString(c.keys, "y\n")
	c.typed <- <-c.typed // the late answer is in
	answer := make(chan string)
	go func() {
		text, _ := c.ask(t.Context(), "Accept the other one? ")
		answer <- text
	}()
	io.WriteString(c.keys, "n\n")
	if got := <-answer; got != "n" {
		t.Errorf("it took %q", got)
	}
}

// A question that was withdrawn leaves its read to the next one.
func TestAskKeepsItsRead(t *testing.T) {
	c := newConsole(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if _, err := c.ask(gone, "Accept? "); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	answer := make(chan string)
	go func() {
		text, _ := c.ask(t.Context(), "Accept? ")
		answer <- text
	}()
	for strings.Count(c.shown(t), "Accept? ") < 4 { // what comes before the question answers nothing
		runtime.Gosched()
	}
	io.WriteString(c.keys, "whole\n")
	if got := <-answer; got != "whole" {
		t.Errorf("it took %q", got)
	}
}

func TestWarn(t *testing.T) {
	c := newConsole(t)
	c.warn(say.Problem{What: "The move was refused.", Next: "Ask why."})
	c.warn(say.Problem{What: "--from: It is gone."})
	c.warn(say.Problem{What: "UDP is kept out."})
	want := "ferry: the move was refused. Ask why.\nferry: --from: It is gone.\nferry: UDP is kept out.\n"
	if got := c.shown(t); got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "Pixel 9": true, "普通话": true, strings.Repeat("n", discovery.MaxName): true,
		strings.Repeat("n", discovery.MaxName+1): false, "a\x1b[2J": false, "a\nb": false, "\xff": false,
	} {
		if got := validName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestResolve(t *testing.T) {
	for at, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", "[::1]:80": "[::1]:80", "/ip4/192.0.2.1/udp/42/quic-v1": "192.0.2.1:42", "/ip6/2001:db8::1/udp/42/quic-v1": "[2001:db8::1]:42",
		"192.0.2.1": "", "192.0.2.1:0": "", "192.0.2.1:99999": "", ":80": "", "": "", "/ip4/192.0.2.1": "", "http://192.0.2.1:80": "", "host": "",
	} {
		got, err := resolve(t.Context(), at)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q: %v", at, got)
		case want != "" && (err != nil || len(got) != 1 || got[0].String() != want):
			t.Errorf("%q: %v, %v; want %s", at, got, err, want)
		}
	}
}
