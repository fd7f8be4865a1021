//go:build linux || darwin

package cli

import (
	"errors"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// keyPoll is how long a wait for a key lasts, in milliseconds, before it looks
// whether it is still wanted.
const keyPoll = 100

// errBackground means that the terminal is another program's at the moment.
var errBackground = errors.New("not in the foreground")

// singleKeys makes a terminal give single keys, without showing them, for as long
// as the function that it returns runs. Interrupts and all that is written stay as
// they are.
func singleKeys(f *os.File) (read func(stop, interrupted <-chan struct{}, pressed func(key byte)), err error) {
	fd := int(f.Fd())
	if !foreground(fd) { // to change or read it would stop this process
		return nil, errBackground
	}
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	now := *was
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, setTermios, &now); err != nil {
		return nil, err
	}
	return func(stop, interrupted <-chan struct{}, pressed func(byte)) {
		defer unix.IoctlSetTermios(fd, setTermios, was)
		var b [16]byte
		for {
			select {
			case <-stop:
				return
			case <-interrupted:
				return
			default:
			}
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(ready, keyPoll)
			if n <= 0 && (err == nil || errors.Is(err, unix.EINTR)) || n > 0 && !foreground(fd) {
				continue
			}
			if err != nil || ready[0].Revents&unix.POLLIN == 0 {
				return // the terminal is gone
			}
			if n, err = unix.Read(fd, b[:]); err != nil || n == 0 {
				return
			}
			for _, key := range b[:n] {
				pressed(key)
			}
		}
	}, nil
}

// foreground reports whether this process may use its terminal.
func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// notifyPause has the signal that pauses a move, and lets it go on, sent to ch.
func notifyPause(ch chan<- os.Signal) { signal.Notify(ch, unix.SIGUSR1) }
