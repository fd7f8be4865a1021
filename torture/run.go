//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// patience ends a run in which nothing happens any more.
	patience = 40 * time.Second
	// waits is how long a program whose peer was killed may look for it before it
	// is ended too.
	waits = 20 * time.Second
	// poll is how often the programs are looked at.
	poll = time.Millisecond
	// allowed is how much may be sent again for each kill, or 1 % of the data,
	// whichever is more.
	allowed = 16 << 20
	// most is how many things that are wrong are told.
	most = 12
)

// struck is a kill that came.
type struck struct {
	Side  string  `json:"side"`
	Phase string  `json:"phase"`
	At    string  `json:"at"`
	Stop  float64 `json:"stopped_seconds,omitempty"`
}

// outcome is how one run ended.
type outcome struct {
	Seed  uint64   `json:"seed"`
	Kills []struck `json:"kills"`
	// Missed are kills that came too late: the move had ended.
	Missed int   `json:"missed"`
	Bytes  int64 `json:"bytes"`
	// Again is how many bytes that had been received were sent again.
	Again int64 `json:"sent_again"`
	// Starts is how often each program was started.
	Senders   int     `json:"senders"`
	Receivers int     `json:"receivers"`
	Seconds   float64 `json:"seconds"`
	// Failure is what was wrong; empty = nothing.
	Failure string `json:"failure,omitempty"`
	Kept    string `json:"kept,omitempty"`
}

// torment is one run under way.
type torment struct {
	ctx   context.Context
	ferry string
	dir   string
	port  int
	out   *outcome

	from, into string
	snd, rcv   *process // nil = none runs

	// carried is what came of senders that did not get to the end: what the
	// receivers had written.
	carried int64
	base    int64     // what the receivers had written when this sender started
	gone    int64     // what receivers wrote that have ended
	began   time.Time // when this sender did
	struck  bool      // a kill came since then
	lonely  time.Time // when this sender's peer was killed; zero = it was not
	used    string    // the code that this sender had
	retries int       // of a code that was no good any more
}

// play runs one move and its kills in dir, which is empty.
func play(ctx context.Context, ferry, dir string, seed uint64) *outcome {
	began := time.Now()
	t := &torment{ctx: ctx, ferry: ferry, dir: dir, out: &outcome{Seed: seed, Kills: []struck{}}, from: filepath.Join(dir, "old"), into: filepath.Join(dir, "new")}
	if err := t.play(rand.New(rand.NewPCG(seed, 0)), seed); err != nil {
		t.out.Failure = err.Error()
	}
	t.out.Seconds = time.Since(began).Seconds()
	return t.out
}

func (t *torment) play(rnd *rand.Rand, seed uint64) (err error) {
	if err := os.Mkdir(t.from, 0o755); err != nil {
		return err
	}
	if t.out.Bytes, err = makePhone(t.from, seed); err != nil {
		return err
	}
	if t.port, err = freePort(); err != nil {
		return err
	}
	defer func() {
		for _, p := range []*process{t.snd, t.rcv} {
			if p != nil {
				p.kill()
			}
		}
	}()
	kills := draw(rnd)
	deadline := time.Now().Add(patience * time.Duration(1+len(kills)))
	for over := false; !over; {
		if err := t.begin(); err != nil {
			return err
		}
		var next *kill
		if len(kills) > 0 {
			next = &kills[0]
		}
		came, ended, err := t.watch(next, deadline)
		if err != nil {
			return err
		}
		if came {
			if err := t.strike(*next); err != nil {
				return err
			}
			kills = kills[1:]
		}
		if ended {
			if over, err = t.senderEnded(); err != nil {
				return err
			}
		}
	}
	t.out.Missed = len(kills)
	return t.check()
}

// freePort finds a UDP port for the receiver, so that it is where it was when
// it is started again.
func freePort() (int, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, err
	}
	return c.LocalAddr().(*net.UDPAddr).Port, c.Close()
}

// begin starts what does not run: the receiver, and then a sender with its code.
func (t *torment) begin() (err error) {
	if t.rcv == nil {
		t.rcv, err = start(t.ctx, t.ferry, filepath.Join(t.dir, "home-new"), "receive", "--into", t.into, "--yes", "--port", fmt.Sprint(t.port))
		if err != nil {
			return err
		}
		t.out.Receivers++
	}
	if t.snd != nil {
		return nil
	}
	err = t.until("a code", func() bool { return t.rcv.goodCode() != "" || t.rcv.hasEnded() })
	if err != nil || t.rcv.hasEnded() {
		return errors.Join(err, t.describe("the receiver shows no code"))
	}
	t.used = t.rcv.goodCode()
	file := filepath.Join(t.dir, "code.txt")
	if err := os.WriteFile(file, []byte(t.used+"\n"), 0o600); err != nil {
		return err
	}
	t.rcv.forget()
	t.base, t.began, t.struck, t.lonely = t.gone+written(t.rcv.cmd.Process.Pid), time.Now(), false, time.Time{}
	t.snd, err = start(t.ctx, t.ferry, filepath.Join(t.dir, "home-old"), "send", "--from", t.from, "--code-file", file, "--at", fmt.Sprintf("127.0.0.1:%d", t.port))
	t.out.Senders++
	return err
}

// until waits for a condition.
func (t *torment) until(what string, cond func() bool) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			return fmt.Errorf("waited in vain for %s", what)
		}
		select {
		case <-t.ctx.Done():
			return context.Cause(t.ctx)
		case <-tick.C:
		}
	}
	return nil
}

// describe makes an error of what both programs said last.
func (t *torment) describe(what string) error {
	for name, p := range map[string]*process{"send": t.snd, "receive": t.rcv} {
		if p != nil && p.words() != "" {
			what += fmt.Sprintf("\n  %s says: %s", name, strings.ReplaceAll(p.words(), "\n", "\n    "))
		}
	}
	return errors.New(what)
}

// content is what the receivers have written since this sender started.
func (t *torment) content() int64 {
	n := t.gone - t.base
	if t.rcv != nil {
		n += written(t.rcv.cmd.Process.Pid)
	}
	return max(0, n)
}

// watch waits until the moment of a kill, or until the sender has ended.
func (t *torment) watch(k *kill, deadline time.Time) (came, ended bool, err error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	left := float64(t.out.Bytes - t.carried)
	for {
		now := time.Now()
		switch {
		case t.rcv.hasEnded():
			return false, false, t.describe(fmt.Sprintf("the receiver ended by itself: %v", t.rcv.err))
		case now.After(deadline):
			return false, false, t.describe("the move does not end")
		case k != nil && t.due(k, left):
			return true, t.snd.hasEnded(), nil
		case t.snd.hasEnded():
			return false, true, nil
		case !t.lonely.IsZero() && now.Sub(t.lonely) > waits:
			t.snd.kill() // it looks for a peer that forgot it
			return false, true, nil
		}
		select {
		case <-t.ctx.Done():
			return false, false, context.Cause(t.ctx)
		case <-tick.C:
		}
	}
}

// due reports whether the moment of a kill is there.
func (t *torment) due(k *kill, left float64) bool {
	switch {
	case k.At.Phase != "":
		p := t.snd
		if k.At.Of == receiver {
			p = t.rcv
		}
		return p.told(k.At.Phase)
	case k.At.Bytes > 0:
		return float64(t.content()) >= k.At.Bytes*left
	}
	return time.Since(t.began) >= k.At.After
}

// strike kills.
func (t *torment) strike(k kill) error {
	if err := t.pause(k.Delay); err != nil {
		return err
	}
	phase := k.At.class()
	t.out.Kills = append(t.out.Kills, struck{Side: k.Side.String(), Phase: phase, At: k.At.String(), Stop: k.Stop.Seconds()})
	if k.Stop > 0 {
		for _, p := range t.hit(k.Side) {
			p.signal(syscall.SIGSTOP)
		}
		if err := t.pause(k.Stop); err != nil {
			return err
		}
	}
	t.struck = true
	hadEnded := t.snd.hasEnded()
	wrote := t.content()
	if k.Side.hits(receiver) {
		t.gone += written(t.rcv.cmd.Process.Pid)
		t.rcv.kill()
		t.rcv, t.lonely = nil, time.Now()
	}
	if k.Side.hits(sender) && !hadEnded {
		t.snd.kill()
		t.carried += wrote
		t.snd = nil
	}
	return nil
}

func (t *torment) hit(s side) (out []*process) {
	if s.hits(sender) {
		out = append(out, t.snd)
	}
	if s.hits(receiver) {
		out = append(out, t.rcv)
	}
	return out
}

func (t *torment) pause(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	after := time.NewTimer(d)
	defer after.Stop()
	select {
	case <-t.ctx.Done():
		return context.Cause(t.ctx)
	case <-after.C:
		return nil
	}
}

// senderEnded judges a sender that ended. over says that the move has ended
// well on both sides.
func (t *torment) senderEnded() (over bool, err error) {
	p := t.snd
	if p == nil {
		return false, nil // it was killed and is accounted for
	}
	done, items := p.result()
	if p.exit() == 0 && done != nil && done.Complete {
		if t.rcv != nil && t.lonely.IsZero() {
			err := t.until("the receiver's end", func() bool { d, _ := t.rcv.result(); return d != nil || t.rcv.hasEnded() })
			if err != nil {
				return false, errors.Join(err, t.describe("the sender has ended well"))
			}
			if d, _ := t.rcv.result(); d != nil && d.Complete {
				return true, nil
			}
		}
		if !t.struck {
			return false, t.describe("the sender calls the move complete, and the receiver does not")
		}
	}
	t.snd = nil
	t.carried += t.content()
	switch code := p.exit(); {
	case t.struck || p.killed:
		return false, nil
	case code == 4 && t.retries < 5: // the code was used up by a sender that was killed
		t.retries++
		used := t.used
		return false, t.until("a new code", func() bool { return t.rcv.hasEnded() || t.rcv.goodCode() != used && t.rcv.goodCode() != "" })
	default:
		t.snd = p
		return false, t.describe(fmt.Sprintf("nobody was killed, and the sender ended with %v; %s", p.err, strings.Join(items, ", ")))
	}
}

// check looks at what the move came to.
func (t *torment) check() error {
	sent, items := t.snd.result()
	took, _ := t.rcv.result()
	var wrong []string
	tell := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(items) > 0 {
		tell("items did not move as they are: %s", strings.Join(items, ", "))
	}
	if !slices.Equal(sent.Kinds, took.Kinds) {
		tell("the totals differ: %+v and %+v", sent.Kinds, took.Kinds)
	}
	a, err := os.ReadFile(sent.Receipt)
	b, err2 := os.ReadFile(took.Receipt)
	if err != nil || err2 != nil || !bytes.Equal(a, b) {
		tell("the receipts differ: %v, %v", err, err2)
	}
	for _, file := range []string{sent.Receipt, took.Receipt} {
		if out, err := exec.CommandContext(t.ctx, t.ferry, "verify", file).CombinedOutput(); err != nil {
			tell("ferry verify: %v: %s", err, out)
		}
	}
	t.out.Again = max(0, t.carried+int64(sent.SentBytes)-t.out.Bytes)
	if limit := max(allowed, t.out.Bytes/100) * int64(len(t.out.Kills)); t.out.Again > limit {
		tell("%d bytes were sent again, more than %d", t.out.Again, limit)
	}
	t.rcv.signal(syscall.SIGINT)
	select {
	case <-t.rcv.ended:
	case <-time.After(patience):
		tell("the receiver does not end")
	}
	diffs, err := differences(t.from, t.into)
	if err != nil {
		return err
	}
	wrong = append(wrong, diffs...)
	if n := len(wrong); n > most {
		wrong = append(wrong[:most], fmt.Sprintf("and %d more", n-most))
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n  "))
	}
	return nil
}
