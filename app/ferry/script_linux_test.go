package main

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

const canMakeTTY = true

// canBeAlone reports whether a thread may have a network of its own.
var canBeAlone = sync.OnceValue(func() bool {
	ok := make(chan bool)
	go func() { ok <- alone() == nil }() // the thread ends with the goroutine
	return <-ok
})

// alone gives this goroutine, and the processes that it starts, a network that
// has a loopback interface and nothing else. The goroutine keeps its thread,
// which ends with it.
func alone() error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	return up("lo")
}

// up turns an interface on, in this thread's network.
func up(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

func canMount() bool { return os.Geteuid() == 0 }

// tmpfs DIR OPTIONS mounts a small file system until the script ends.
func cmdTmpfs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tmpfs DIR OPTIONS")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(unix.Mount("tmpfs", dir, "tmpfs", 0, args[1]))
	of(ts).undo = append(of(ts).undo, func() { unix.Unmount(dir, unix.MNT_DETACH) })
}

// tty NAME ARG... starts ferry at a terminal of its own, 100 columns wide. All
// that the terminal shows is in NAME.out.
func cmdTTY(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: tty NAME ARG...")
	}
	person, program, err := openTTY()
	ts.Check(err)
	defer program.Close()
	p := prepare(ts, args[0], args[1:])
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = program, program, program
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	screen, err := os.Create(ts.MkAbs(args[0] + ".out"))
	ts.Check(err)
	ts.Check(p.cmd.Start())
	p.tty = person
	of(ts).all[args[0]] = p
	go func() {
		defer close(p.done)
		defer screen.Close()
		io.Copy(screen, person) // ends with the last process at the terminal
		p.cmd.Wait()
	}()
}

func openTTY() (person, program *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	person = os.NewFile(uintptr(fd), "ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100})
	}
	if err == nil {
		program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		person.Close()
		return nil, nil, err
	}
	return person, program, nil
}
