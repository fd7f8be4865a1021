//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	// device is the interface's name in both namespaces.
	device = "wlan0"
	// batch is how many frames are read before some are written.
	batch = 256
)

// grain is how long a link sleeps while frames are under way. A frame comes
// that much late at most, a twentieth of the delay; waking for each frame would
// take more of the machine from what is measured than it makes the link better.
func grain(l Link) time.Duration {
	return min(max(l.Delay/20, 50*time.Microsecond), 500*time.Microsecond)
}

// wire joins a TAP device in one namespace to one in another. Its goroutine
// ends with Close.
type wire struct {
	taps  [2]int
	wake  int // an eventfd; readable = stop
	lines [2]line
	group errgroup.Group
}

// newWire makes the devices and begins to carry frames.
func newWire(link Link, seed uint64, ns [2]string) (_ *wire, err error) {
	w := &wire{taps: [2]int{-1, -1}, wake: -1}
	defer func() {
		if err != nil {
			w.closeFiles()
		}
	}()
	if w.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	for i := range ns {
		if w.taps[i], err = openTap(ns[i]); err != nil {
			return nil, fmt.Errorf("TAP device: %w", err)
		}
	}
	for i := range w.lines {
		w.lines[i] = line{link: link, rng: rand.New(rand.NewPCG(seed, uint64(i)))}
	}
	w.group.Go(func() error { return w.pump(time.Now(), grain(link)) })
	return w, nil
}

// Close stops the wire and returns what went over it, there and back.
func (w *wire) Close() ([2]counts, error) {
	var one [8]byte
	one[0] = 1
	_, err := unix.Write(w.wake, one[:])
	err = errors.Join(err, w.group.Wait())
	w.closeFiles()
	return [2]counts{w.lines[0].counts, w.lines[1].counts}, err
}

func (w *wire) closeFiles() {
	for _, fd := range append(w.taps[:], w.wake) {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// openTap makes a TAP device in a namespace.
func openTap(ns string) (fd int, err error) {
	err = inside(ns, func() error {
		fd, err = tapHere()
		return err
	})
	return fd, err
}

// tapHere makes the device in the thread's namespace.
func tapHere() (int, error) {
	// Nobody else is here: no waiting for duplicate addresses.
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		return -1, err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	req, err := unix.NewIfreq(device)
	if err == nil {
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// pump carries frames both ways until the wire is closed. While frames are
// under way it looks every grain; those that came meanwhile are taken as spread
// over that time, so that a late wake-up does not leave the link idle.
func (w *wire) pump(start time.Time, grain time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0); err != nil { // ns
		return fmt.Errorf("timer slack: %w", err)
	}
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // the default again
	nap := unix.NsecToTimespec(int64(grain))
	polls := []unix.PollFd{
		{Fd: int32(w.wake), Events: unix.POLLIN},
		{Fd: int32(w.taps[0]), Events: unix.POLLIN}, {Fd: int32(w.taps[1]), Events: unix.POLLIN},
	}
	last := time.Since(start)
	for {
		now, more, idle := time.Since(start), false, true
		for i := range w.lines {
			full, err := w.carry(i, last, now)
			if err != nil {
				return err
			}
			more = more || full
			idle = idle && w.lines[i].empty()
		}
		last = now
		switch {
		case more:
			continue
		case idle: // until a frame comes
			if _, err := unix.Ppoll(polls, nil, nil); err != nil && err != unix.EINTR {
				return fmt.Errorf("poll: %w", err)
			}
			last = time.Since(start)
		default:
			sleep := nap
			if _, err := unix.Ppoll(polls[:1], &sleep, nil); err != nil && err != unix.EINTR {
				return fmt.Errorf("poll: %w", err)
			}
		}
		if polls[0].Revents != 0 {
			return nil
		}
	}
}

// carry takes what came into tap i between last and now, and delivers what is
// due. more reports that it did not take everything.
func (w *wire) carry(i int, last, now time.Duration) (more bool, err error) {
	l := &w.lines[i]
	var in [batch][]byte
	n, err := read(l, w.taps[i], in[:])
	if err != nil {
		return false, err
	}
	for j, b := range in[:n] {
		l.push(last+(now-last)*time.Duration(j+1)/time.Duration(n), b)
	}
	for b := l.pop(now); b != nil; b = l.pop(now) {
		if _, err := unix.Write(w.taps[1-i], b); err != nil && err != unix.EIO { // EIO: the device is down
			return false, fmt.Errorf("write a frame: %w", err)
		}
		l.release(b)
	}
	return n == batch, nil
}

// read takes what is there.
func read(l *line, from int, in [][]byte) (n int, err error) {
	for n < len(in) {
		b := l.buffer()
		size, err := unix.Read(from, b)
		switch err {
		case nil:
			in[n] = b[:size]
			n++
			continue
		case unix.EINTR:
			l.release(b)
			continue
		}
		l.release(b)
		if err == unix.EAGAIN {
			return n, nil
		}
		return n, fmt.Errorf("read a frame: %w", err)
	}
	return n, nil
}
