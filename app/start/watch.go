package start

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"time"

	"github.com/ferry-move/ferry/app/start/hush"
	"github.com/ferry-move/ferry/ui/say"
)

// watching is set in a watcher's environment: the folder for the report.
const watching = "FERRY_WATCH"

// Watcher reads what this process says as it crashes.
type Watcher struct {
	cmd  *exec.Cmd
	pipe *os.File
}

// Watch starts the watcher of this process, and keeps from the terminal what the
// runtime and libraries in C write there by themselves; from now on os.Stderr is
// the terminal, and the log follows with [Catch]. It may be called once.
func Watch(home string) (*Watcher, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), watching+"="+home)
	cmd.Stdin, cmd.Stderr = r, os.Stderr
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, err
	}
	x := &Watcher{cmd, w}
	if err := debug.SetCrashOutput(w, debug.CrashOptions{}); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	quiet()
	return x, nil
}

// Close ends the watcher, when all is well.
func (w *Watcher) Close() error {
	err := debug.SetCrashOutput(nil, debug.CrashOptions{})
	return errors.Join(err, w.pipe.Close(), w.cmd.Wait())
}

// Watching reports whether this process is a watcher.
func Watching() bool { return os.Getenv(watching) != "" }

// Wait is the watcher's work: it waits for the end of the process that started
// it, and returns a *Crash if that crashed. The report is saved then.
func Wait(version string) error {
	home := os.Getenv(watching)
	os.Unsetenv(watching)
	signal.Ignore(os.Interrupt) // it is meant for the window; its end is this one's
	crash, err := io.ReadAll(io.LimitReader(os.Stdin, maxCrash))
	if err != nil || len(crash) == 0 {
		return nil
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // the end of that process comes first
	quiet()
	name, err := save(home, version, time.Now(), crash)
	if err != nil {
		return &Crash{}
	}
	return &Crash{Report: name}
}

// Catch makes what Fyne logs of a display that cannot be used the end of the
// program, with a sentence. All else that is logged goes to os.Stderr as it is
// now.
func Catch(w say.Words) {
	hush.Log.To(os.Stderr, func(c hush.Cause) {
		Print(w, Cause(c))
		os.Exit(ExitFailed)
	})
}

// CatchSilently is Catch where all has been said: there is not a word more, of
// other things neither.
func CatchSilently() {
	hush.Log.To(io.Discard, func(hush.Cause) { os.Exit(ExitFailed) })
}

// Print says an error on the terminal.
func Print(w say.Words, err error) { _, _ = io.WriteString(os.Stderr, "ferry: "+Say(w, err)+"\n") }
