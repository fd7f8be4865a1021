// Package start is what comes before the window and after its fall: the folder
// for Ferry's own files and the lock that keeps a second window out, and a
// watcher, which is the same program run once more. If the window's process
// crashes, be it in any goroutine or in a driver written in C, the runtime's
// words go to the watcher; it saves of them what is nobody's, and says a
// sentence.
//
//	window ── starts ──> watcher
//	   │ runtime's crash output ──> reads until the end
//	   │ closed properly ─────────> nothing came: ends
//	   x crashed ─────────────────> report, sentence, a window with it
//
// Its worst moment is a crash whose message quotes somebody's name: of a crash
// only functions, file names without folders, and line numbers are kept, and
// the runtime's own messages.
package start

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/start/hush"
	"github.com/ferry-move/ferry/ui/say"
)

// Exit codes of the window's program. A crash ends with the Go runtime's, 2.
const (
	ExitOK     = 0
	ExitFailed = 1 // no window could be opened; it was said why
)

// ErrOpen means that another window is open for the same folder.
var ErrOpen = errors.New("ferry is open already")

// Cause is a window that could not be opened.
type Cause hush.Cause

// Error implements error.
func (c Cause) Error() string {
	if hush.Cause(c) == hush.NoDisplay {
		return "no display"
	}
	return "no OpenGL"
}

// Crash is a window that broke off.
type Crash struct {
	// Report is the file's name in the folder of reports. Empty = it could not be
	// saved.
	Report string
}

// Error implements error.
func (*Crash) Error() string { return "the window crashed" }

// Say is why there is no window, or no window any more, as a sentence with the
// next step.
func Say(w say.Words, err error) string {
	var cause Cause
	var crash *Crash
	switch {
	case errors.Is(err, ErrOpen):
		return w.Say("Ferry is open already. Look for its window; if there is none, wait a moment and start it again.")
	case errors.As(err, &cause) && hush.Cause(cause) == hush.NoDisplay:
		return w.Say("There is no display that a window could open on. Start Ferry from a desktop, or use the command: ferry help.")
	case errors.As(err, &cause):
		return w.Say("This display has no OpenGL 2.1, which the window needs. Update the graphics driver, or use the command: ferry help.")
	case errors.As(err, &crash) && crash.Report == "":
		return w.Say("Ferry made a mistake and had to close. What has arrived is safe: start it again, and the move goes on from there.")
	case errors.As(err, &crash):
		return w.Say("Ferry made a mistake and had to close. What has arrived is safe: start it again, and the move goes on from there. What happened is noted, without anything of yours, in Ferry's own folder as {{.File}}; please send it to us.", say.Fields{"File": reports + "/" + crash.Report})
	}
	return w.Error(err).String()
}

// Instance is the one window of a folder.
type Instance struct{ f *os.File }

// Only makes Ferry's own folder, finds out whether it can be written, and keeps
// other windows out until it is closed. It fails with ErrOpen or a
// *session.HomeError.
func Only(home string) (*Instance, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, &session.HomeError{Err: err}
	}
	f, err := os.OpenFile(filepath.Join(home, "window.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &session.HomeError{Err: err}
	}
	// A lock file of an earlier run can be opened on a disk that takes no more.
	t, err := os.CreateTemp(home, ".ferry-try-*")
	if err != nil {
		f.Close()
		return nil, &session.HomeError{Err: err}
	}
	if err := errors.Join(t.Close(), os.Remove(t.Name())); err != nil {
		f.Close()
		return nil, &session.HomeError{Err: err}
	}
	switch err := lock(f); {
	case err == nil, errors.Is(err, errors.ErrUnsupported): // a disk without locks has no second window either
		return &Instance{f}, nil
	case errors.Is(err, ErrOpen):
		f.Close()
		return nil, err
	default:
		f.Close()
		return nil, &session.HomeError{Err: fmt.Errorf("lock: %w", err)}
	}
}

// Close lets the next window in.
func (i *Instance) Close() error { return i.f.Close() }
