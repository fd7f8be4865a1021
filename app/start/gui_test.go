//go:build gui

package start

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/ui/say"
)

// program is the window's program, of .ci/run or of your own:
//
//	scripts/build-window.sh bin/ferry-window
//	FERRY_WINDOW=$PWD/bin/ferry-window go test -tags gui ./app/start
func program(t *testing.T) string {
	t.Helper()
	p := os.Getenv("FERRY_WINDOW")
	if p == "" {
		t.Fatal("FERRY_WINDOW does not name the window's program")
	}
	return p
}

// display starts an X server until the test ends.
func display(t *testing.T, args ...string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", append([]string{"-displayfd", "3", "-screen", "0", "840x800x24"}, args...)...)
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var n int
	if _, err := fmt.Fscan(r, &n); err != nil {
		t.Fatal("no X server:", err)
	}
	return fmt.Sprintf("DISPLAY=:%d", n)
}

// open is a window's process.
type open struct {
	t     *testing.T
	cmd   *exec.Cmd
	env   string
	out   bytes.Buffer
	ended chan struct{}
}

// startWindow starts the program with only what is given in its environment.
func startWindow(t *testing.T, disp, home string, env ...string) *open {
	t.Helper()
	o := &open{t: t, env: disp, ended: make(chan struct{})}
	dir := t.TempDir()
	o.cmd = exec.Command(program(t), "-into", filepath.Join(dir, "phone"))
	o.cmd.Dir = dir
	o.cmd.Env = append([]string{"HOME=" + dir, "FERRY_HOME=" + home, "PATH=" + os.Getenv("PATH"), "LIBGL_ALWAYS_SOFTWARE=1"}, env...)
	if disp != "" {
		o.cmd.Env = append(o.cmd.Env, disp)
	}
	o.cmd.Stdout, o.cmd.Stderr = io.Discard, &o.out
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(o.ended); _ = o.cmd.Wait() }()
	t.Cleanup(func() { _ = o.cmd.Process.Kill(); <-o.ended })
	return o
}

// shown waits for the process's window and returns its id.
func (o *open) shown() string {
	o.t.Helper()
	ctx, stop := context.WithTimeout(o.t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "xdotool", "search", "--sync", "--onlyvisible", "--all", "--pid", fmt.Sprint(o.cmd.Process.Pid), "--name", "Ferry$")
	cmd.Env = append(os.Environ(), o.env)
	id, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("no window: %v", err)
	}
	return strings.TrimSpace(string(id))
}

// end waits for the end and compares exit code and terminal.
func (o *open) end(code int, terminal string) {
	o.t.Helper()
	select {
	case <-o.ended:
	case <-time.After(time.Minute):
		o.t.Fatal("it does not end")
	}
	if got := o.cmd.ProcessState.ExitCode(); got != code || o.out.String() != terminal {
		o.t.Errorf("exit code %d, not %d, on the terminal:\n%s", got, code, o.out.String())
	}
}

func line(err error) string { return "ferry: " + Say(say.Words{Touch: true}, err) + "\n" }

func TestWindowWithoutADisplay(t *testing.T) {
	startWindow(t, "", t.TempDir()).end(ExitFailed, line(Cause(1)))
	startWindow(t, "DISPLAY=:4711", t.TempDir()).end(ExitFailed, line(Cause(1)))
}

func TestWindowWithoutGL(t *testing.T) {
	startWindow(t, display(t, "-extension", "GLX"), t.TempDir()).end(ExitFailed, line(Cause(2)))
}

func TestWindowInAnyLocale(t *testing.T) {
	d := display(t)
	for _, l := range []string{"C", "C.UTF-8", "POSIX", "xx_YY.nothing", "€", ""} {
		o := startWindow(t, d, t.TempDir(), "LC_ALL="+l, "LANG="+l)
		o.shown()
		_ = o.cmd.Process.Signal(syscall.SIGTERM)
		o.end(ExitOK, "")
	}
}

func TestWindowWithoutAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FERRY_HOME", file)
	said := line(&session.HomeError{Err: syscall.ENOTDIR})
	startWindow(t, "", file).end(ExitFailed, said)
	o := startWindow(t, display(t), file) // here it is in a window too
	o.shown()
	_ = o.cmd.Process.Signal(syscall.SIGTERM)
	o.end(ExitFailed, said)
}

func TestTwoWindows(t *testing.T) {
	d, home := display(t), t.TempDir()
	first := startWindow(t, d, home)
	first.shown()
	startWindow(t, "", home).end(ExitFailed, line(ErrOpen))
	second := startWindow(t, d, home)
	second.shown()
	_ = second.cmd.Process.Signal(syscall.SIGTERM)
	second.end(ExitFailed, line(ErrOpen))
	_ = first.cmd.Process.Signal(syscall.SIGTERM)
	first.end(ExitOK, "")
}

// A signal that ends a program as a driver's mistake does: the sentence is on
// the terminal and in a window, and the report is there.
func TestWindowThatCrashes(t *testing.T) {
	home := t.TempDir()
	o := startWindow(t, display(t), home)
	o.shown()
	_ = o.cmd.Process.Signal(syscall.SIGSEGV)
	// The watcher holds the terminal until its window is closed.
	pid := o.cmd.Process.Pid
	for began := time.Now(); pid == o.cmd.Process.Pid; {
		if time.Since(began) > time.Minute {
			t.Fatal("no window says so")
		}
		cmd := exec.CommandContext(t.Context(), "xdotool", "search", "--sync", "--onlyvisible", "--name", "^Ferry$", "getwindowpid")
		cmd.Env = append(os.Environ(), o.env)
		if out, err := cmd.Output(); err == nil { // else one was just closing
			_, _ = fmt.Sscan(string(out), &pid)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(home, reports, "crash-*.txt"))
	if len(found) != 1 {
		t.Fatalf("reports: %v", found)
	}
	o.end(2, line(&Crash{filepath.Base(found[0])}))
}
