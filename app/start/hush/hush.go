// Package hush keeps what the window's libraries say to themselves off the
// terminal. It is imported for its init, which must come before Fyne's own:
// that parses the user's locale and complains about LANG=C. The go command
// starts packages in the order of their paths, as soon as what they import is
// ready, so this one imports nothing but the standard library.
//
// Its worst moment is a computer without a display: Fyne logs that and goes on,
// into a panic. [Failed] is told first, and ends the program with a sentence.
package hush

import (
	"bytes"
	"io"
	"log"
	"os"
	"sync"
)

// Cause is why no window can be opened.
type Cause uint8

// The causes.
const (
	NoDisplay Cause = iota + 1 // there is no display, or it lets nobody in
	NoGL                       // it has no OpenGL that will do
)

// Fyne has no other way of telling than these lines. What it says at a place
// that is not listed is let through, its notice of a wrong thread above all.
const mark = "Fyne error:  "

var (
	causes = map[string]Cause{
		"failed to initialise GLFW":   NoDisplay,
		"window creation error":       NoGL,
		"failed to initialise OpenGL": NoGL,
	}
	harmless = []string{
		"Error parsing user locale",            // English is taken
		"Failed to look up user locale",        // the same
		"failed to watch theme settings",       // no D-Bus: light and dark do not follow the desktop
		"Unable to connect to session D-Bus",   // the same
		"Preferences load error",               // read while it is written, on closing; Ferry keeps nothing there
		"Failed on force saving preferences",   // nor here, on a disk that is full
		"Failed to get user directory",         // asked for in vain where there is no desktop
		"*** This application has not been mi", // a build that keeps Fyne's check of threads
		"*** The next major Fyne release will",
		"*** Read more at https://docs.fyne.i",
	}
)

// Filter is the log's way to the terminal.
type Filter struct {
	mu     sync.Mutex
	out    io.Writer   // guarded by mu
	failed func(Cause) // guarded by mu; nil = nobody is told
	inside bool        // guarded by mu; a message is dropped, and its cause and place follow
}

// Write takes one message of package log.
func (f *Filter) Write(p []byte) (int, error) {
	f.mu.Lock()
	out, failed := f.out, f.failed
	drop, cause := f.judge(p)
	f.mu.Unlock()
	switch {
	case cause != 0 && failed != nil:
		failed(cause)
		return len(p), nil
	case drop:
		return len(p), nil
	}
	return out.Write(p)
}

// judge says what a message is. f.mu is held.
func (f *Filter) judge(p []byte) (drop bool, cause Cause) {
	for text, c := range causes {
		if bytes.Contains(p, []byte(mark+text)) {
			f.inside = true
			return true, c
		}
	}
	for _, text := range harmless {
		if bytes.Contains(p, []byte(mark+text)) || bytes.Contains(p, []byte(text)) {
			f.inside = true
			return true, 0
		}
	}
	if f.inside && (bytes.Contains(p, []byte("  Cause: ")) || bytes.Contains(p, []byte("  At: "))) {
		return true, 0
	}
	f.inside = false
	return false, 0
}

// To sets where what is let through goes, and who is told that there can be no
// window. It takes effect at once.
func (f *Filter) To(out io.Writer, failed func(Cause)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out, f.failed = out, failed
}

// Log is what the standard log writes to.
var Log = &Filter{out: os.Stderr}

func init() { log.SetOutput(Log) }
