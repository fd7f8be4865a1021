//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// usage is what a process took, with all that it started and waited for.
type usage struct {
	CPU float64 `json:"cpu_seconds"`
	// RSS is of the largest process.
	RSS int64 `json:"peak_rss_bytes"`
}

// usageOf is what wait4 said of a process.
func usageOf(state *os.ProcessState) usage {
	if state == nil {
		return usage{}
	}
	ru, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage{}
	}
	return usage{CPU: time.Duration(ru.Utime.Nano() + ru.Stime.Nano()).Seconds(), RSS: ru.Maxrss << 10}
}

// child is a program of a peer that runs. Whoever starts one waits for it.
type child struct {
	name  string
	cmd   *exec.Cmd
	said  tail          // its standard output and error
	ended chan struct{} // closed when err is set
	err   error
}

// job says what to run.
type job struct {
	side  side
	dir   string // where it runs
	env   []string
	stdin io.Reader
	name  string
	args  []string
}

// launch starts a program on one side. The end of ctx kills it.
func (l *lab) launch(ctx context.Context, j job) (*child, error) {
	c := &child{name: j.name, cmd: l.command(ctx, j.side, j.name, j.args...), ended: make(chan struct{})}
	c.cmd.Dir, c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = j.dir, j.stdin, &c.said, &c.said
	c.cmd.Env = append(os.Environ(), j.env...)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.ended)
		c.err = c.cmd.Wait()
	}()
	return c, nil
}

// wait waits for the end and says what was wrong with it.
func (c *child) wait() error {
	<-c.ended
	if c.err != nil {
		return fmt.Errorf("%s: %w: %s", c.name, c.err, &c.said)
	}
	return nil
}

// usage is for after the end.
func (c *child) usage() usage { return usageOf(c.cmd.ProcessState) }

// stop ends a program, and what it is made of, that would not end by itself, and
// forgets how it ended.
func (c *child) stop() usage {
	select {
	case <-c.ended: // its number may be another's
	default:
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGTERM)
	}
	<-c.ended
	return c.usage()
}

// childless waits until a program has waited for all that it started, so that
// what they took is counted.
func (c *child) childless(ctx context.Context) error {
	path := fmt.Sprintf("/proc/%d/task/%[1]d/children", c.cmd.Process.Pid)
	return await(ctx, c.name+" has processes left", func() (bool, error) {
		b, err := os.ReadFile(path)
		return len(strings.TrimSpace(string(b))) == 0, err
	})
}

// ready waits until a program listens on a port.
func (l *lab) ready(ctx context.Context, c *child, s side, port int) error {
	return await(ctx, c.name+" does not listen", func() (bool, error) {
		select {
		case <-c.ended:
			return false, fmt.Errorf("%s ended: %w: %s", c.name, c.err, &c.said)
		default:
			return l.listening(s, port)
		}
	})
}

// tail keeps the end of what is written to it. It belongs to one process.
type tail struct{ buf []byte }

var _ io.Writer = (*tail)(nil)

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const keep = 2000
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*keep {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-keep:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.buf)) }
