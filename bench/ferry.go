//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// event is what this program reads of a line of ferry's --json.
type event struct {
	Event     string  `json:"event"`
	Code      string  `json:"code"`
	Stage     string  `json:"stage"`
	Outcome   string  `json:"outcome"`
	Key       string  `json:"key"`
	Reason    string  `json:"reason"`
	Error     string  `json:"error"`
	Complete  bool    `json:"complete"`
	DoneItems uint64  `json:"done_items"`
	SentItems uint64  `json:"sent_items"`
	SentBytes uint64  `json:"sent_bytes"`
	Seconds   float64 `json:"seconds"`
	Kinds     []struct {
		Added  uint64 `json:"added"`
		Merged uint64 `json:"merged"`
	} `json:"kinds"`
}

// changed is how many items a move changed on the new phone.
func (e *event) changed() (n uint64) {
	for _, k := range e.Kinds {
		n += k.Added + k.Merged
	}
	return n
}

// process is a ferry that runs. Whoever starts one calls wait.
type process struct {
	cmd      *exec.Cmd
	began    time.Time
	codes    chan string   // the codes that it shows
	accepted chan struct{} // closed when items begin to move
	ended    chan struct{} // closed when the fields below are set

	took   time.Duration
	done   *event   // the last done event
	pace   pace     // of its items
	failed []string // some items that did not move
	stderr tail
	usage  usage
	err    error
}

// start runs a ferry command on one side, with a home of its own.
func (b *bench) start(ctx context.Context, s side, home string, args ...string) (*process, error) {
	p := &process{codes: make(chan string, 16), accepted: make(chan struct{}), ended: make(chan struct{})}
	if b.lab.link.Loopback {
		args = append(args, "--loopback")
	}
	p.cmd = b.lab.command(ctx, s, b.ferry, append(args, "--json")...)
	p.cmd.Env = append(os.Environ(), "FERRY_HOME="+home)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := forgetPeak(); err != nil {
		return nil, err
	}
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		rerr := p.read(stdout)
		p.err = p.cmd.Wait()
		p.took = time.Since(p.began)
		if p.err == nil {
			p.err = rerr
		}
		p.usage = usageOf(p.cmd.ProcessState)
	}()
	return p, nil
}

// forgetPeak makes this process small, and its peak what it has now: the kernel
// counts a parent's peak as its child's.
func forgetPeak() error {
	debug.FreeOSMemory()
	return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// read takes the events until the process has closed its output.
func (p *process) read(r io.Reader) error {
	in := json.NewDecoder(bufio.NewReader(r))
	accepted := false
	for {
		var ev event
		if err := in.Decode(&ev); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			_, cerr := io.Copy(io.Discard, r) // or it would wait for its reader
			return errors.Join(fmt.Errorf("its JSON: %w", err), cerr)
		}
		switch ev.Event {
		case "code":
			select {
			case p.codes <- ev.Code:
			default:
			}
		case "peer":
			if ev.Stage == "accepted" && !accepted {
				accepted = true
				close(p.accepted)
			}
		case "progress":
			p.pace = append(p.pace, point{ev.Seconds, ev.DoneItems})
		case "item":
			if len(p.failed) < maxDifferences {
				p.failed = append(p.failed, fmt.Sprintf("%s %q %s", ev.Outcome, ev.Key, ev.Reason))
			}
		case "done":
			p.done = &ev
		}
	}
}

// wait waits for the end and says what was wrong with it.
func (p *process) wait() error {
	<-p.ended
	switch {
	case p.err != nil:
		return fmt.Errorf("%w: %s", p.err, &p.stderr)
	case p.done == nil:
		return errors.New("it ended without a done event")
	case !p.done.Complete || len(p.failed) > 0:
		return fmt.Errorf("it was not complete: %s", strings.Join(p.failed, ", "))
	}
	return nil
}

// end ends a process that waits, and forgets how it ended.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
}

// patience is how long anything that is not a move may take.
const patience = 40 * time.Second

// code waits for the next code that the process shows.
func (p *process) code(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case c := <-p.codes:
		return c, nil
	case <-p.ended:
		return "", fmt.Errorf("the new phone ended: %w: %s", p.err, &p.stderr)
	case <-ctx.Done():
		return "", fmt.Errorf("the new phone shows no code: %w", ctx.Err())
	}
}

// receive starts the new phone.
func (b *bench) receive(ctx context.Context, homes, into string, flags ...string) (*process, error) {
	return b.start(ctx, newPhone, filepath.Join(homes, "new"), append([]string{"receive", "--into", into, "--yes"}, flags...)...)
}

// send starts the old phone with a code that a person would have typed.
func (b *bench) send(ctx context.Context, homes, from, code string) (*process, error) {
	file := filepath.Join(homes, "code.txt")
	if err := os.WriteFile(file, []byte(code+"\n"), 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, oldPhone, filepath.Join(homes, "old"), "send", "--from", from, "--code-file", file)
}

// move runs one move from start to end, both programs anew; homes is where they
// keep what is their own.
func (b *bench) move(ctx context.Context, homes, from, into string) (send, receive *process, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	to, err := b.receive(ctx, homes, into, "--once")
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		cancel() // kills it if it still runs
		<-to.ended
	}()
	code, err := to.code(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := b.send(ctx, homes, from, code)
	if err != nil {
		return nil, nil, err
	}
	if err := p.wait(); err != nil {
		return nil, nil, fmt.Errorf("ferry send: %w", err)
	}
	if err := to.wait(); err != nil {
		return nil, nil, fmt.Errorf("ferry receive: %w", err)
	}
	return p, to, nil
}

// cutMove kills the sender when half of the bytes have arrived, and sends again
// to the same waiting new phone. cut is false if the sender was done earlier.
func (b *bench) cutMove(ctx context.Context, homes, from, into string, bytes int64) (again *process, cut bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	receive, err := b.receive(ctx, homes, into)
	if err != nil {
		return nil, false, err
	}
	defer receive.end()
	code, err := receive.code(ctx)
	if err != nil {
		return nil, false, err
	}
	first, err := b.send(ctx, homes, from, code)
	if err != nil {
		return nil, false, err
	}
	killed := first.killAfter(receive.cmd.Process.Pid, bytes/2)
	<-first.ended
	if err := errors.Join(ctx.Err(), killed); err != nil {
		return nil, false, err
	}
	var exit *exec.ExitError
	cut = errors.As(first.err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	if !cut && first.wait() != nil {
		return nil, false, fmt.Errorf("ferry send, before it was killed: %w", first.wait())
	}
	if code, err = receive.code(ctx); err != nil {
		return nil, cut, err
	}
	if again, err = b.send(ctx, homes, from, code); err != nil {
		return nil, cut, err
	}
	if err := again.wait(); err != nil {
		return nil, cut, fmt.Errorf("ferry send, once more: %w", err)
	}
	return again, cut, nil
}

// killAfter kills the process once items move and n bytes more have arrived at
// the process peer, or returns when it has ended.
func (p *process) killAfter(peer int, n int64) error {
	select {
	case <-p.accepted:
	case <-p.ended:
		return nil
	}
	before, err := arrived(peer)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for err == nil {
		select {
		case <-p.ended:
			return nil
		case <-tick.C:
		}
		var now int64
		if now, err = arrived(peer); err == nil && now-before >= n {
			break
		}
	}
	return errors.Join(err, p.cmd.Process.Kill())
}

// arrived is how many bytes the interfaces of a process have received.
func arrived(pid int) (sum int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		_, counts, ok := strings.Cut(line, ":")
		if f := strings.Fields(counts); ok && len(f) > 0 {
			n, err := strconv.ParseInt(f[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("/proc/PID/net/dev: %w", err)
			}
			sum += n
		}
	}
	return sum, nil
}
