package start

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	reports     = "reports" // the folder's name below Ferry's own
	keepReports = 10
	maxCrash    = 256 << 10 // bytes of a crash that are read
)

var (
	goroutine = regexp.MustCompile(`^goroutine \d+( gp=\S+)?( m=\S+)?( mp=\S+)? \[([a-zA-Z ,()0-9]*)\]:$`)
	created   = regexp.MustCompile(`^created by (\S+)( in goroutine \d+)?$`)
	function  = regexp.MustCompile(`^([A-Za-z0-9_./~\-%]+\.[^\s"'=:]*)\(.*\)$`)
	place     = regexp.MustCompile(`^\t(.*[/\\])?([^/\\]+\.(?:go|s|c|cpp|m)):(\d+)( .*)?$`)
	ownWords  = regexp.MustCompile(`^(?:panic: runtime error: |fatal error: |SIG[A-Z]+: )[a-zA-Z0-9 ,:;\[\]()*.\-]*$`)
)

// clean keeps of what the runtime wrote as it crashed what is nobody's: its own
// messages, functions without their arguments, file names without folders, and
// line numbers. All else is left out.
func clean(crash []byte) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(crash)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case goroutine.MatchString(line):
			fmt.Fprintf(&out, "\ngoroutine [%s]\n", goroutine.FindStringSubmatch(line)[4])
		case created.MatchString(line):
			fmt.Fprintf(&out, "created by %s\n", created.FindStringSubmatch(line)[1])
		case place.MatchString(line):
			m := place.FindStringSubmatch(line)
			fmt.Fprintf(&out, "\t%s:%s\n", m[2], m[3])
		case ownWords.MatchString(line):
			fmt.Fprintln(&out, line)
		case strings.HasPrefix(line, "panic: "):
			fmt.Fprintln(&out, "panic: (its words are left out)")
		case function.MatchString(line):
			fmt.Fprintln(&out, line[:strings.LastIndex(line, "(")])
		}
	}
	return out.Bytes()
}

// Report returns what saves a report about a panic that was recovered: from its
// stack, below home, without anything personal. It returns the file's name.
func Report(home, version string) func(stack []byte) (string, error) {
	return func(stack []byte) (string, error) {
		stack = stack[:min(len(stack), maxCrash)]
		return save(home, version, time.Now(), append([]byte("panic: recovered\n"), stack...))
	}
}

// save writes a report below home and returns its name. The oldest go when there
// are too many.
func save(home, version string, now time.Time, crash []byte) (name string, err error) {
	dir := filepath.Join(home, reports)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name = now.UTC().Format("crash-20060102-150405.000") + ".txt"
	f, err := os.CreateTemp(dir, ".ferry-*.part")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "Ferry %s, %s, %s/%s\n%s\n%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, now.UTC().Format(time.RFC3339), clean(crash))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return "", err
	}
	old, err := filepath.Glob(filepath.Join(dir, "crash-*.txt"))
	if err != nil {
		return name, nil // a folder's name that is no pattern: nothing goes
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Compare(filepath.Base(b), filepath.Base(a)) })
	for _, o := range old[min(len(old), keepReports):] {
		_ = os.Remove(o) // one too many harms nobody
	}
	return name, nil
}
