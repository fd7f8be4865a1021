//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// inside runs f on a thread that is in a namespace. Sockets that f makes stay
// there.
func inside(ns string, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		done <- func() error {
			h, err := os.Open("/run/netns/" + ns)
			if err != nil {
				return err
			}
			defer h.Close()
			if err := unix.Setns(int(h.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter %s: %w", ns, err)
			}
			return f()
		}()
	}()
	return <-done
}

// look is how often what has no event of its own is looked at.
const look = 10 * time.Millisecond

// await looks until ok says yes or fails, or ctx ends, at most patience.
func await(ctx context.Context, what string, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if yes, err := ok(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// listening reports whether a TCP port is open for connections on a side.
func (l *lab) listening(s side, port int) (yes bool, err error) {
	err = inside(l.ns[s], func() error {
		b, err := os.ReadFile("/proc/thread-self/net/tcp")
		yes = hasListener(string(b), netip.MustParseAddr(l.addrs[s]), port)
		return err
	})
	return yes, err
}

// hasListener looks for a listener in the kernel's table of TCP sockets: number,
// local address and port, remote ones, state (0A listens), all hexadecimal, the
// address in the machine's byte order.
func hasListener(table string, addr netip.Addr, port int) bool {
	a := addr.As4()
	at := func(x uint32) string { return fmt.Sprintf("%08X:%04X", x, port) }
	mine, any := at(binary.NativeEndian.Uint32(a[:])), at(0)
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 3 && (f[1] == mine || f[1] == any) && f[3] == "0A" {
			return true
		}
	}
	return false
}

// processes are those in the lab's namespaces, which nobody but this program
// starts any in.
func (l *lab) processes() (pids []int, err error) {
	ours := map[[2]uint64]bool{}
	for _, ns := range l.names() {
		var st unix.Stat_t
		if err := unix.Stat("/run/netns/"+ns, &st); errors.Is(err, fs.ErrNotExist) {
			continue // it was never made
		} else if err != nil {
			return nil, err
		}
		ours[[2]uint64{st.Dev, st.Ino}] = true
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	for _, dir := range all {
		var st unix.Stat_t
		pid, err := strconv.Atoi(filepath.Base(dir))
		// One that just ended has no namespace any more. The thread group's
		// leader counts: this program has threads inside now and then.
		if err == nil && pid != os.Getpid() && unix.Stat(dir+"/ns/net", &st) == nil && ours[[2]uint64{st.Dev, st.Ino}] {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// sweep ends what a contender left behind, each by its number.
func (l *lab) sweep() error {
	return await(context.Background(), "end what still runs", func() (bool, error) {
		pids, err := l.processes()
		for _, pid := range pids {
			if kerr := syscall.Kill(pid, syscall.SIGKILL); kerr != nil && !errors.Is(kerr, syscall.ESRCH) {
				err = errors.Join(err, fmt.Errorf("end process %d: %w", pid, kerr))
			}
		}
		return len(pids) == 0, err
	})
}
