package start

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/start/hush"
	"github.com/ferry-move/ferry/ui/say"
)

// crashing is set in a process of this test that is to crash.
const crashing = "FERRY_TEST_CRASH"

// secret is in the words of the panic.
const secret = "Anna"

func TestMain(m *testing.M) {
	if Watching() {
		if err := Wait("1.2.3"); err != nil {
			Print(say.English, err)
		}
		return
	}
	if home := os.Getenv(crashing); home != "" {
		w, err := Watch(home)
		if err != nil {
			os.Exit(9)
		}
		if os.Getenv(crashing+"_NOT") == "" {
			go breakOff(&person{secret, "+49 151 123"})
			select {} // whatever is done here would race with the crash
		}
		if err := w.Close(); err != nil {
			os.Exit(8)
		}
		return
	}
	os.Exit(m.Run())
}

type person struct{ name, number string }

func (p *person) Error() string { return p.name + " " + p.number + " /home/" + p.name + "/a.go:12" }

func breakOff(p *person) { panic(error(p)) }

// run starts this program again, to crash, and returns what it and
// its watcher put on the terminal, once both have ended.
func run(t *testing.T, home string, env ...string) (code int, terminal string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), append(env, crashing+"="+home)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func TestCrash(t *testing.T) {
	home := t.TempDir()
	code, terminal := run(t, home)
	if code != 2 || strings.Count(terminal, "\n") != 1 || !strings.HasPrefix(terminal, "ferry: Ferry made a mistake and had to close.") {
		t.Errorf("exit code %d, on the terminal:\n%s", code, terminal)
	}
	files, _ := filepath.Glob(filepath.Join(home, "reports", "*"))
	if len(files) != 1 || !strings.Contains(terminal, filepath.Base(files[0])) || strings.Contains(terminal, home) {
		t.Fatalf("reports %v, on the terminal:\n%s", files, terminal)
	}
	report, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Ferry 1.2.3, go", "start.breakOff\n\tstart_test.go:", "panic: (its words are left out)"} {
		if !strings.Contains(string(report), want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
	for _, no := range []string{secret, "+49", "/home", home, "0x"} {
		if strings.Contains(string(report), no) {
			t.Errorf("%q in\n%s", no, report)
		}
	}
}

func TestCrashWithoutAFolder(t *testing.T) {
	home := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, terminal := run(t, home); code != 2 || terminal != "ferry: "+Say(say.English, &Crash{})+"\n" {
		t.Errorf("exit code %d, on the terminal:\n%s", code, terminal)
	}
}

func TestNoCrash(t *testing.T) {
	home := t.TempDir()
	code, terminal := run(t, home, crashing+"_NOT=1")
	if left, _ := os.ReadDir(home); code != 0 || terminal != "" || len(left) != 0 {
		t.Errorf("exit code %d, %v left, on the terminal:\n%s", code, left, terminal)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"panic: runtime error: index out of range [5] with length 3\n":              "panic: runtime error: index out of range [5] with length 3\n",
		"panic: runtime error: Anna's \"photo\"\n":                                  "panic: (its words are left out)\n",
		"panic: open /home/anna/x: denied [recovered]\n\tpanic: again\n":            "panic: (its words are left out)\n",
		"fatal error: concurrent map writes\n":                                      "fatal error: concurrent map writes\n",
		"SIGSEGV: segmentation violation\nPC=0x1 m=0 sigcode=0 addr=0x7f\n":         "SIGSEGV: segmentation violation\n",
		"rax    0xca\n742916\nAnna said (to me)\n":                                  "",
		"a/b.(*T[...]).Do(0xc0, {0x1, 0x2, 0x3})\n\t/home/anna/b x/t.go:12 +0x1d\n": "a/b.(*T[...]).Do\n\tt.go:12\n",
		"main.main()\n\tC:/Users/Anna/t.go:12 +0x1d\n":                              "main.main\n\tt.go:12\n",
		"created by a/b.c in goroutine 7\n\tC:\\Users\\Anna\\t.go:1\n":              "created by a/b.c\n\tt.go:1\n",
		"goroutine 1 gp=0xc00 m=0 mp=0x1 [running, locked to thread]:\n":            "\ngoroutine [running, locked to thread]\n",
		"x.y(0xc0)\nx.z(0xc0": "x.y\n", // cut
	} {
		if got := string(clean([]byte(in))); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}

func TestFewReportsAreKept(t *testing.T) {
	home := t.TempDir()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var last string
	for i := range keepReports + 3 {
		var err error
		if last, err = save(home, "1", at.Add(time.Duration(i)*time.Minute), nil); err != nil {
			t.Fatal(err)
		}
	}
	left, _ := os.ReadDir(filepath.Join(home, reports))
	if len(left) != keepReports || left[len(left)-1].Name() != last {
		t.Error(left, last)
	}
}

func TestOnly(t *testing.T) {
	home := filepath.Join(t.TempDir(), "a", "b")
	first, err := Only(home)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Only(home); !errors.Is(err, ErrOpen) {
		t.Errorf("a second window: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Only(home)
	if err != nil {
		t.Fatal("after the first was closed:", err)
	}
	again.Close()
	if left, _ := os.ReadDir(home); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if _, err := Only(filepath.Join(home, "window.lock")); !isFolder(err) {
		t.Errorf("a file in its place: %v", err)
	}
}

func isFolder(err error) bool {
	var e *session.HomeError
	return errors.As(err, &e)
}

// What is said has a next step, and no path.
func TestSay(t *testing.T) {
	_, notThere := os.Open("/home/Anna/ferry")
	for _, err := range []error{
		ErrOpen, &session.HomeError{Err: notThere}, Cause(hush.NoDisplay), Cause(hush.NoGL), &Crash{}, &Crash{"crash-1.txt"}, errors.New("something"),
	} {
		shout := say.Words{Translate: func(m string, f say.Fields) string { return strings.ToUpper(say.Fill(m, f)) }}
		s, loud := Say(say.English, err), Say(shout, err)
		if strings.Count(s, ". ") < 1 || !strings.HasSuffix(s, ".") || strings.Contains(s, "Anna") {
			t.Errorf("%v: %q", err, s)
		}
		if loud != strings.ToUpper(s) {
			t.Errorf("%v: %q is not translated", err, loud)
		}
	}
}
