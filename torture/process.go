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
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// total is what one kind came to.
type total struct {
	Kind                                                 string
	Sent, Added, Merged, Skipped, Failed, Bytes, Folders uint64
}

// event is what is read of a line of ferry's --json.
type event struct {
	Event     string
	Code      string
	Stage     string
	Phase     string
	Outcome   string
	Key       string
	Reason    string
	Error     string
	Complete  bool
	Kinds     []total
	SentBytes uint64 `json:"sent_bytes"`
	Receipt   string
}

// name is what a moment calls an event.
func (e *event) name() string {
	switch e.Event {
	case "peer":
		return e.Stage
	case "progress":
		return e.Phase
	}
	return e.Event
}

// process is a ferry that runs. Whoever starts one waits for ended.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{} // closed when err is set
	err    error
	killed bool // by us; owned by the run

	mu    sync.Mutex
	heard map[string]bool // names of events; guarded by mu
	code  string          // the one that is good, or empty; guarded by mu
	done  *event          // the last; guarded by mu
	items []string        // what failed or has another name; guarded by mu
	said  []byte          // standard error; guarded by mu
}

// start starts ferry with a home of its own. The end of ctx kills it.
func start(ctx context.Context, ferry, home string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, ferry, append(args, "--loopback", "--json")...), ended: make(chan struct{}), heard: map[string]bool{}}
	p.cmd.Env = append(os.Environ(), "FERRY_HOME="+home)
	p.cmd.Stderr = (*stderr)(p)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		rerr := p.read(out)
		p.err = errors.Join(p.cmd.Wait(), rerr)
	}()
	return p, nil
}

// read takes the events until the process has closed its output. What a kill
// cut off at the end is dropped.
func (p *process) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		var ev event
		if err == nil {
			err = json.Unmarshal(line, &ev)
		}
		if err != nil {
			_, cerr := io.Copy(io.Discard, r) // or it would wait for its reader
			return errors.Join(fmt.Errorf("its JSON: %w", err), cerr)
		}
		p.take(&ev)
	}
}

func (p *process) take(ev *event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[ev.name()] = true
	switch ev.Event {
	case "code":
		p.code = ev.Code
	case "peer":
		if ev.Stage == "paired" {
			p.code = ""
		}
	case "item":
		p.items = append(p.items, fmt.Sprintf("%s %q %s", ev.Outcome, ev.Key, ev.Reason))
	case "offer":
		p.done = nil // that was of the move in whose place this one is
	case "done":
		p.done = ev
	}
}

// forget makes a receiver's state that of a session that is to come.
func (p *process) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard, p.done, p.items = map[string]bool{}, nil, nil
}

func (p *process) told(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard[name]
}

func (p *process) goodCode() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code
}

func (p *process) result() (*event, []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done, p.items
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// exit is the exit code, for after the end; -1 is by a signal.
func (p *process) exit() int { return p.cmd.ProcessState.ExitCode() }

// kill ends the process at once and waits for it.
func (p *process) kill() {
	p.killed = true
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// signal does nothing to a process that has ended.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// words is the end of what it said on standard error.
func (p *process) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.TrimSpace(string(p.said[max(0, len(p.said)-1000):]))
}

// stderr keeps what a process says, up to a limit.
type stderr process

// Write implements io.Writer.
func (s *stderr) Write(b []byte) (int, error) {
	const most = 64 << 10
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said = append(s.said, b...); len(s.said) > most {
		s.said = append(s.said[:0], s.said[len(s.said)-most/2:]...)
	}
	return len(b), nil
}

// written is how many bytes a process has written to files; 0 when it is gone.
func written(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return n
		}
	}
	return 0
}
