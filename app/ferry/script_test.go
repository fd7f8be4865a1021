//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience ends a test that would otherwise hang; nothing waits that long, on a
// machine that does many other things too.
const patience = 3 * time.Minute

// poll is how often a file that another process writes is looked at.
const poll = 2 * time.Millisecond

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ferry": main})
}

// The scripts run the program as its users do. Each has a network of its own
// where the system allows that, so that phones of one script are not found by
// another; scripts that cannot do without say [!alone] skip.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			r := &runs{dir: env.WorkDir, all: map[string]*run{}}
			if canBeAlone() {
				if err := alone(); err != nil {
					return err
				}
			}
			env.Values[runsKey{}] = r
			env.Defer(r.end)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "alone":
				return canBeAlone(), nil
			case "network":
				return canMakeNetwork(), nil
			case "tty":
				return canMakeTTY, nil
			case "tmpfs":
				return canMount(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": cmdStart, "tty": cmdTTY, "type": cmdType, "await": cmdAwait, "run": cmdRun, "sig": cmdSignal, "waitfor": cmdWaitFor, "waitfiles": cmdWaitFiles, "waitpart": cmdWaitPart, "part": cmdPart, "resent": cmdResent,
			"code": cmdCode, "newcode": cmdNewCode, "atfile": cmdAtFile, "link": cmdLink, "addr": cmdAddr, "phone": cmdPhone, "sametree": cmdSameTree, "notemp": cmdNoTemp,
			"fifo": cmdFIFO, "tmpfs": cmdTmpfs, "network": cmdNetwork, "ip": cmdIP, "quiet": cmdQuiet, "secret": cmdSecret, "documented": cmdDocumented, "receipt": cmdReceipt, "tamper": cmdTamper,
		},
	})
}

// runsKey is where a script keeps its runs.
type runsKey struct{}

// runs are the program's runs of one script.
type runs struct {
	dir     string
	all     map[string]*run
	secrets []string // codes and links that were shown
	net     *network // nil = all runs share the script's
	undo    []func()
}

// run is one run. Its output is in NAME.out and NAME.err, and its FERRY_HOME is
// home/NAME.
type run struct {
	cmd  *exec.Cmd
	tty  *os.File // the person's side of its terminal; nil = it has none
	done chan struct{}
}

func of(ts *testscript.TestScript) *runs { return ts.Value(runsKey{}).(*runs) }

// end kills what still runs and undoes what the script did to the system.
func (r *runs) end() {
	for _, p := range r.all {
		p.cmd.Process.Kill()
		<-p.done
		if p.tty != nil {
			p.tty.Close()
		}
	}
	for _, f := range slices.Backward(r.undo) {
		f()
	}
}

// start NAME [<FILE] ARG... starts ferry in the background. FILE is its standard
// input.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME [<FILE] ARG...")
	}
	name, args := args[0], args[1:]
	var in *os.File
	if file, ok := strings.CutPrefix(args[0], "<"); ok {
		f, err := os.Open(ts.MkAbs(file))
		ts.Check(err)
		defer f.Close()
		in, args = f, args[1:]
	}
	p := prepare(ts, name, args)
	if in != nil { // else the null device
		p.cmd.Stdin = in
	}
	for ext, to := range map[string]*io.Writer{".out": &p.cmd.Stdout, ".err": &p.cmd.Stderr} {
		f, err := os.Create(ts.MkAbs(name + ext))
		ts.Check(err)
		defer f.Close()
		*to = f
	}
	ts.Check(p.cmd.Start())
	of(ts).all[name] = p
	go func() {
		defer close(p.done)
		p.cmd.Wait()
	}()
}

// prepare makes a run that is not started.
func prepare(ts *testscript.TestScript, name string, args []string) *run {
	if old := of(ts).all[name]; old != nil {
		select {
		case <-old.done:
		default:
			ts.Fatalf("%s still runs", name)
		}
	}
	bin := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if f := filepath.Join(dir, "ferry"); bin == "" && isFile(f) {
			bin = f
		}
	}
	p := &run{cmd: of(ts).net.command(name, bin, args), done: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + of(ts).dir, "TMPDIR=" + ts.Getenv("TMPDIR"), "FERRY_HOME=" + home(ts, name)}
	if d := os.Getenv("GOCOVERDIR"); d != "" {
		p.cmd.Env = append(p.cmd.Env, "GOCOVERDIR="+d)
	}
	return p
}

// type NAME TEXT types a line at a run's terminal; ^C and ^D are those keys.
func cmdType(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: type NAME TEXT")
	}
	text := args[1] + "\n"
	switch args[1] {
	case "^C":
		text = "\x03"
	case "^D":
		text = "\x04"
	}
	_, err := of(ts).all[args[0]].tty.WriteString(text)
	ts.Check(err)
}

// home is a run's FERRY_HOME: home/NAME, or what the script says in HOME_NAME.
func home(ts *testscript.TestScript, name string) string {
	if h := ts.Getenv("HOME_" + name); h != "" {
		return ts.MkAbs(h)
	}
	return ts.MkAbs("home/" + name)
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}

// await NAME CODE waits for a run to end with an exit code; -1 is by a signal.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME CODE")
	}
	p := of(ts).all[args[0]]
	if p == nil {
		ts.Fatalf("%s was not started", args[0])
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.done
		ts.Fatalf("%s does not end", args[0])
	}
	if p.tty != nil {
		p.tty.Close()
		p.tty = nil
	}
	if got := strconv.Itoa(p.cmd.ProcessState.ExitCode()); got != args[1] {
		for _, ext := range []string{".out", ".err"} {
			b, _ := os.ReadFile(ts.MkAbs(args[0] + ext))
			ts.Logf("[%s%s]\n%s", args[0], ext, b)
		}
		ts.Fatalf("%s ended with exit code %s; want %s", args[0], got, args[1])
	}
}

// run CODE NAME [<FILE] ARG... runs ferry to its end.
func cmdRun(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: run CODE NAME [<FILE] ARG...")
	}
	cmdStart(ts, false, args[1:])
	cmdAwait(ts, false, []string{args[1], args[0]})
}

// sig NAME INT|TERM|KILL|USR1|STOP|CONT sends a signal to a run.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	sigs := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}
	if neg || len(args) != 2 || sigs[args[1]] == 0 {
		ts.Fatalf("usage: sig NAME INT|TERM|KILL|USR1|STOP|CONT")
	}
	ts.Check(of(ts).all[args[0]].cmd.Process.Signal(sigs[args[1]]))
}

// until polls a condition.
func until(ts *testscript.TestScript, what string, cond func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	t := time.NewTicker(poll)
	defer t.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			ts.Fatalf("waited in vain for %s", what)
		case <-t.C:
		}
	}
}

// waitfor FILE REGEXP waits until a file has a match.
func cmdWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE REGEXP")
	}
	find(ts, args[0], regexp.MustCompile("(?m)"+args[1]))
}

// find waits for the last match in a file.
func find(ts *testscript.TestScript, file string, re *regexp.Regexp) []string {
	var m [][]string
	until(ts, fmt.Sprintf("%q in %s", re, file), func() bool {
		b, _ := os.ReadFile(ts.MkAbs(file))
		m = re.FindAllStringSubmatch(string(b), -1)
		return m != nil
	})
	return m[len(m)-1]
}

// waitfiles DIR N waits until N files are below a folder.
func cmdWaitFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfiles DIR N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	until(ts, args[1]+" files in "+args[0], func() bool { return countFiles(ts.MkAbs(args[0])) >= want })
}

// waitpart DIR BYTES waits until the temporary files below a folder have so many
// bytes.
func cmdWaitPart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitpart DIR BYTES")
	}
	want, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	until(ts, args[1]+" bytes on their way to "+args[0], func() bool { return partBytes(ts.MkAbs(args[0])) >= want })
}

// part DIR VAR puts how many bytes the temporary files have into a variable.
func cmdPart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: part DIR VAR")
	}
	ts.Setenv(args[1], strconv.FormatInt(partBytes(ts.MkAbs(args[0])), 10))
}

// resent NAME SIZE PART checks that a run of which PART bytes of SIZE were there
// sent no more than the rest and 16 MiB. With a PART of 0 that is a move that was
// cut and went on by itself.
func cmdResent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: resent NAME SIZE PART")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	part, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	sent, err := strconv.ParseInt(find(ts, args[0]+".out", regexp.MustCompile(`"event":"done".*"sent_bytes":(\d+)`))[1], 10, 64)
	ts.Check(err)
	again := sent - (size - part)
	ts.Logf("%d of %d bytes were there; %d were sent, %.1f MiB of them again", part, size, sent, float64(again)/(1<<20))
	if again > 16<<20 || part > 0 && sent >= size {
		ts.Fatalf("too much was sent again")
	}
}

var shownCode = regexp.MustCompile(`(?:"code":"|code: )(\d{3} \d{4})`)

// code NAME FILE takes the newest code that a run showed.
func cmdCode(ts *testscript.TestScript, neg bool, args []string) { take(ts, neg, args, shownCode) }

// newcode NAME FILE waits for a code that was not taken before, and takes it.
func cmdNewCode(ts *testscript.TestScript, neg bool, args []string) {
	old := of(ts).secrets
	until(ts, "a new code", func() bool { return !slices.Contains(old, take(ts, neg, args, shownCode)) })
}

// atfile VAR FILE puts a file's first line into a variable.
func cmdAtFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: atfile VAR FILE")
	}
	line, _, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Setenv(args[0], line)
}

// link NAME FILE takes the text of the newest QR code.
func cmdLink(ts *testscript.TestScript, neg bool, args []string) {
	take(ts, neg, args, regexp.MustCompile(`"link":"(FERRY:[A-Z2-7]+)"`))
}

func take(ts *testscript.TestScript, neg bool, args []string, re *regexp.Regexp) (secret string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: code|newcode|link NAME FILE")
	}
	secret = find(ts, args[0]+".out", re)[1]
	if r := of(ts); !slices.Contains(r.secrets, secret) {
		r.secrets = append(r.secrets, secret, strings.ReplaceAll(secret, " ", ""))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(secret+"\n"), 0o600))
	return secret
}

// addr NAME VAR puts a run's IPv4 address, as host:port, into a variable.
func cmdAddr(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: addr NAME VAR")
	}
	ts.Setenv(args[1], find(ts, args[0]+".out", regexp.MustCompile(`"addresses":\["([0-9.]+:\d+)"`))[1])
}

// secret NAME... checks that no secret that was shown so far is in the arguments
// or the environment of the processes, or in anything that they wrote but the
// standard output of those that show it.
func cmdSecret(ts *testscript.TestScript, neg bool, args []string) {
	r := of(ts)
	if neg || len(r.secrets) == 0 {
		ts.Fatalf("secret: none was shown yet")
	}
	check := func(what string, b []byte) {
		for _, s := range r.secrets {
			if strings.Contains(string(b), s) {
				ts.Fatalf("a secret is in %s", what)
			}
		}
	}
	for _, name := range args {
		for _, f := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", r.all[name].cmd.Process.Pid, f))
			if errors.Is(err, os.ErrNotExist) {
				continue // it ended, or there is no /proc here
			}
			ts.Check(err)
			check(name+"'s "+f, b)
		}
		check(name+".err", []byte(ts.ReadFile(name+".err")))
		ts.Check(filepath.WalkDir(home(ts, name), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			b, err := os.ReadFile(path)
			if errors.Is(err, os.ErrNotExist) {
				return nil // a temporary one of a run under way, which has its name by now
			}
			check(name+"'s "+d.Name(), b)
			return err
		}))
	}
}
