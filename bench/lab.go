//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// side is one of the two devices.
type side int

const (
	oldPhone side = iota
	newPhone
)

// lab is two devices on one network: namespaces with no way out.
type lab struct {
	link  Link
	ns    [2]string // the same twice on loopback
	addrs [2]string
	wire  *wire // nil on loopback
}

var labs atomic.Int32

// newLab makes the namespaces and the link between them. Close removes them.
func newLab(ctx context.Context, link Link, seed uint64) (_ *lab, err error) {
	if err := link.check(); err != nil {
		return nil, err
	}
	base := fmt.Sprintf("ferry-bench-%d-%d", os.Getpid(), labs.Add(1))
	l := &lab{link: link, ns: [2]string{base + "-old", base + "-new"}, addrs: [2]string{"10.78.0.1", "10.78.0.2"}}
	if link.Loopback {
		l.ns, l.addrs = [2]string{base, base}, [2]string{"127.0.0.1", "127.0.0.1"}
	}
	defer func() {
		if err != nil {
			_, cerr := l.Close()
			err = errors.Join(err, cerr)
		}
	}()
	for _, ns := range l.names() {
		if err := ip(ctx, "netns", "add", ns); err != nil {
			return nil, err
		}
		if err := ip(ctx, "-n", ns, "link", "set", "lo", "up"); err != nil {
			return nil, err
		}
	}
	if link.Loopback {
		return l, nil
	}
	if l.wire, err = newWire(link, seed, l.ns); err != nil {
		return nil, err
	}
	for i, ns := range l.ns {
		if err := ip(ctx, "-n", ns, "addr", "add", l.addrs[i]+"/24", "brd", "+", "dev", device); err != nil {
			return nil, err
		}
		// The only queue is to be the link's own.
		if err := ip(ctx, "-n", ns, "link", "set", device, "txqueuelen", "10000", "up"); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *lab) names() []string {
	if l.ns[0] == l.ns[1] {
		return l.ns[:1]
	}
	return l.ns[:]
}

// Close removes everything and returns what went over the link, there and
// back. What still runs in the namespaces is ended.
func (l *lab) Close() (c [2]counts, err error) {
	err = l.sweep()
	if l.wire != nil {
		var werr error
		c, werr = l.wire.Close()
		err = errors.Join(err, werr)
	}
	for _, ns := range l.names() {
		if _, serr := os.Stat("/run/netns/" + ns); serr == nil {
			err = errors.Join(err, ip(context.Background(), "netns", "del", ns))
		}
	}
	return c, err
}

func ip(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// command makes a command that runs on one side, in a process group of its own.
// The end of ctx kills the group; an interrupt from the terminal does not reach
// it.
func (l *lab) command(ctx context.Context, s side, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.ns[s], name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// killGroup kills a process group that a command of ours leads.
func killGroup(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	} else if err != nil {
		return fmt.Errorf("kill group %d: %w", pid, err)
	}
	return nil
}
