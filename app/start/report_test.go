package start

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// recovered is the stack of a panic that was recovered.
func recovered(do func()) (stack []byte) {
	defer func() {
		if recover() != nil {
			stack = debug.Stack()
		}
	}()
	do()
	return nil
}

func TestReport(t *testing.T) {
	home := t.TempDir()
	report := Report(home, "1.2.3")
	name, err := report(recovered(func() { breakOff(&person{secret, "+49 151 123"}) }))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(home, reports, name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{"Ferry 1.2.3, go", "panic: (its words are left out)", "start.breakOff\n\tstart_test.go:", "goroutine [running]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, no := range []string{secret, "+49", "/home", home, "0x"} {
		if strings.Contains(text, no) {
			t.Errorf("%q in\n%s", no, text)
		}
	}
}

// A page that panics over and over fills no disk.
func TestReportIsBounded(t *testing.T) {
	home := t.TempDir()
	report := Report(home, "1.2.3")
	for range 3 * keepReports {
		if _, err := report([]byte(strings.Repeat("main.f(0x1)\n", maxCrash))); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Join(home, reports))
	if err != nil || len(files) > keepReports {
		t.Fatalf("%d reports, %v", len(files), err)
	}
	for _, f := range files {
		if fi, err := f.Info(); err != nil || fi.Size() > 2*maxCrash {
			t.Errorf("%s: %v, %v", f.Name(), fi.Size(), err)
		}
	}
}

func TestReportWithoutAFolder(t *testing.T) {
	home := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if name, err := Report(home, "1.2.3")(nil); err == nil || name != "" {
		t.Errorf("%q, %v", name, err)
	}
}
