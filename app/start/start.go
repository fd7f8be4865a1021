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
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ferry-move/ferry/app/start/hush"
)

// Exit codes of the window's program. A crash ends with the Go runtime's, 2.
const (
	ExitOK     = 0
	ExitFailed = 1 // no window could be opened; it was said why
)

// ErrNoHome means that there is no telling where Ferry's own folder is.
var ErrNoHome = errors.New("your home folder is not known")

// ErrOpen means that another window is open for the same folder.
var ErrOpen = errors.New("ferry is open already")

// FolderError means that Ferry's own folder cannot be written.
type FolderError struct{ Err error }

// Error implements error.
func (e *FolderError) Error() string { return "ferry's own folder: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FolderError) Unwrap() error { return e.Err }

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

// Say is an error of this package as a sentence with the next step.
func Say(err error) string {
	var folder *FolderError
	var cause Cause
	var crash *Crash
	switch {
	case errors.Is(err, ErrOpen):
		return "Ferry is open already. Look for its window; if there is none, wait a moment and start it again."
	case errors.As(err, &cause) && hush.Cause(cause) == hush.NoDisplay:
		return "There is no display that a window could open on. Start Ferry from a desktop, or use the command: ferry help."
	case errors.As(err, &cause):
		return "This display has no OpenGL 2.1, which the window needs. Update the graphics driver, or use the command: ferry help."
	case errors.As(err, &crash) && crash.Report == "":
		return "Ferry made a mistake and had to close. What has arrived is safe: start it again, and the move goes on from there."
	case errors.As(err, &crash):
		return "Ferry made a mistake and had to close. What has arrived is safe: start it again, and the move goes on from there. " +
			"What happened is noted, without anything of yours, in Ferry's own folder under " + reports + "/" + crash.Report + "; please send it to us."
	case errors.As(err, &folder):
		return "Ferry cannot keep its own files: " + why(folder.Err) + ". Free the folder or its disk, or set FERRY_HOME to a folder that can be written."
	default:
		return "Ferry cannot start: " + why(err) + "."
	}
}

// why is the system's reason, without the path.
func why(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// Instance is the one window of a folder.
type Instance struct{ f *os.File }

// Only makes Ferry's own folder, finds out whether it can be written, and keeps
// other windows out until it is closed. It fails with ErrOpen or a FolderError.
func Only(home string) (*Instance, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, &FolderError{err}
	}
	f, err := os.OpenFile(filepath.Join(home, "window.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &FolderError{err}
	}
	// A lock file of an earlier run can be opened on a disk that takes no more.
	t, err := os.CreateTemp(home, ".ferry-try-*")
	if err != nil {
		f.Close()
		return nil, &FolderError{err}
	}
	if err := errors.Join(t.Close(), os.Remove(t.Name())); err != nil {
		f.Close()
		return nil, &FolderError{err}
	}
	switch err := lock(f); {
	case err == nil, errors.Is(err, errors.ErrUnsupported): // a disk without locks has no second window either
		return &Instance{f}, nil
	case errors.Is(err, ErrOpen):
		f.Close()
		return nil, err
	default:
		f.Close()
		return nil, &FolderError{fmt.Errorf("lock: %w", err)}
	}
}

// Close lets the next window in.
func (i *Instance) Close() error { return i.f.Close() }
