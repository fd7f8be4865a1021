package manager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
)

var answers = []error{
	android.TransportError, android.TransportNotInitialized, android.TransportPackageRejected, android.AgentError, android.AgentUnknown,
	android.TransportQuotaExceeded, android.TransportNonIncrementalBackupRequired, android.Code(-4711), errBroken, context.DeadlineExceeded,
}

func someAnswers() []error {
	if testing.Short() {
		return answers[:3]
	}
	return answers
}

// TestBackupAgainstATransportThatFailsAtEachCall runs a pass over four apps with
// every call of the transport failing in turn, in every way. Whatever the
// fault, each app's data at the transport is either what it was or what it
// became, and the state tells of nothing that is not there; the apps behind are
// done unless the pass was ended; and a pass without faults completes it.
func TestBackupAgainstATransportThatFailsAtEachCall(t *testing.T) {
	apps := []string{"com.a", "com.b", "com.f", "com.g"}
	build := func(t *testing.T) *phone {
		p := newPhone(t, newLink())
		p.book("com.a", "k", "old", "gone", "x")
		p.book("com.b", "k", "old")
		p.shelf("com.f", "f/k", "old")
		p.shelf("com.g", "f/k", "old")
		if _, err := p.m.Backup(context.Background(), apps, 0); err != nil {
			t.Fatal(err)
		}
		p.books["com.a"].data = map[string]string{"k": "new", "more": "y"}
		p.books["com.b"].data["k"] = "new"
		for _, s := range p.shelfs {
			s.files["f/k"], s.calls = "new", 0
		}
		p.link.calls = nil
		return p
	}
	p := build(t)
	if _, err := p.m.Backup(context.Background(), apps, 0); err != nil {
		t.Fatal(err)
	}
	calls := len(p.link.calls)
	if calls < 14 {
		t.Fatalf("only %d calls", calls)
	}
	value := func(p *phone, pkg string) string {
		if kv := p.link.kv[pkg]; kv != nil {
			return kv["k"]
		}
		if a := p.link.full[pkg]; a != nil {
			return tree(t, a)["apps/"+pkg+"/f/k"]
		}
		return ""
	}
	for n := range calls {
		for _, answer := range someAnswers() {
			t.Run(fmt.Sprintf("%d %s %v", n, strings.Fields(p.link.calls[n])[0], answer), func(t *testing.T) {
				p := build(t)
				p.link.fail = func(string) error {
					if len(p.link.calls) == n+1 {
						return answer
					}
					return nil
				}
				r, err := p.m.Backup(context.Background(), apps, 0)
				if erased := p.link.called("InitializeDevice") > 0; !erased {
					for _, pkg := range apps {
						got, ok := r.Package(pkg)
						if !ok {
							t.Errorf("%s: no report", pkg)
						}
						want := "old"
						if got.Result == Success {
							want = "new"
						}
						if v := value(p, pkg); v != want {
							t.Errorf("%s: %v, but the transport has the %s data", pkg, got.Result, v)
						}
						if err == nil && !got.Requeued && got.Result == TransportAborted {
							t.Errorf("%s: aborted in a pass that was not", pkg)
						}
					}
				}
				for pkg, b := range p.books {
					// A state that describes more than is stored would lose data.
					var kv []string
					for _, k := range slices.Sorted(maps.Keys(p.link.kv[pkg])) {
						kv = append(kv, fmt.Sprintf("%q:%q", k, p.link.kv[pkg][k]))
					}
					if s := p.state(pkg); s != "" && s != "{"+strings.Join(kv, ",")+"}" {
						t.Errorf("%s: state %s, stored %s, app %v", pkg, s, kv, b.data)
					}
				}
				if err == nil {
					done := 0
					for _, pkg := range apps {
						if got, _ := r.Package(pkg); got.Result == Success {
							done++
						}
					}
					if done < len(apps)-1 {
						t.Errorf("one fault, and only %d apps are done", done)
					}
				}

				p.link.fail = nil
				for _, s := range p.shelfs {
					s.calls = 0
				}
				if _, err := p.m.Backup(context.Background(), apps, 0); err != nil {
					t.Fatal(err)
				}
				for _, pkg := range apps {
					if v := value(p, pkg); v != "new" {
						t.Errorf("%s: the next pass left the %q data", pkg, v)
					}
				}
				if !maps.Equal(p.link.kv["com.a"], p.books["com.a"].data) {
					t.Errorf("com.a: stored %v", p.link.kv["com.a"])
				}
			})
		}
	}
}

// TestRestoreAgainstATransportThatFailsAtEachCall is the same for a restore:
// each app has all its data, or none, or what it had before.
func TestRestoreAgainstATransportThatFailsAtEachCall(t *testing.T) {
	apps := []string{"com.a", "com.b", "com.f", "com.g"}
	build := func(t *testing.T) *phone {
		p := newPhone(t, newLink())
		p.book("com.a", "k", "new", "l", "new")
		p.book("com.b", "k", "new")
		p.shelf("com.f", "f/k", strings.Repeat("new", 700), "f/l", "new")
		p.shelf("com.g", "f/k", "new")
		if _, err := p.m.Backup(context.Background(), apps, 0); err != nil {
			t.Fatal(err)
		}
		for _, b := range p.books {
			b.data = map[string]string{"k": "before"}
		}
		for _, s := range p.shelfs {
			s.files = map[string]string{"f/k": "before"}
		}
		p.link.calls = nil
		return p
	}
	p := build(t)
	if _, err := p.m.Restore(context.Background(), 7, nil); err != nil {
		t.Fatal(err)
	}
	for n, call := range p.link.calls {
		for _, answer := range someAnswers() {
			t.Run(fmt.Sprintf("%d %s %v", n, call, answer), func(t *testing.T) {
				p := build(t)
				p.link.fail = func(string) error {
					if len(p.link.calls) == n+1 {
						return answer
					}
					return nil
				}
				r, err := p.m.Restore(context.Background(), 7, nil)
				for _, pkg := range apps {
					got, ok := r.Package(pkg)
					if !ok && p.link.called("StartRestore") > 0 {
						t.Fatalf("%s: no report", pkg)
					}
					var data map[string]string
					finished, whole := 0, 0
					if b := p.books[pkg]; b != nil {
						data, finished = b.data, b.finished
						whole = map[string]int{"com.a": 2, "com.b": 1}[pkg]
					} else {
						data, finished = p.shelfs[pkg].files, p.shelfs[pkg].finished
						whole = map[string]int{"com.f": 2, "com.g": 1}[pkg]
					}
					state := "half"
					switch {
					case data == nil:
						state = "empty"
					case len(data) == 1 && (data["k"] == "before" || data["f/k"] == "before"):
						state = "before"
					case len(data) == whole:
						state = "whole"
					}
					want := "before"
					if got.Restored {
						want = "whole"
					} else if got.Touched {
						want = "empty"
					}
					if state != want || got.Touched && !got.Restored && !got.Cleared {
						t.Errorf("%s: %s, want %s: %+v", pkg, state, want, got)
					}
					if (finished == 1) != got.Restored {
						t.Errorf("%s: finished %d times: %+v", pkg, finished, got)
					}
					if err == nil && !got.Restored && answer != android.TransportPackageRejected {
						t.Errorf("%s: %+v, and the restore went well", pkg, got)
					}
					if p.m.cut(pkg) {
						t.Errorf("%s: still marked", pkg)
					}
				}
				if p.link.called("StartRestore") != p.link.called("FinishRestore") {
					t.Error("not finished")
				}
				p.link.fail = nil
				if _, err := p.m.Restore(context.Background(), 7, nil); err != nil {
					t.Fatal(err)
				}
				if len(p.books["com.a"].data) != 2 || len(p.shelfs["com.f"].files) != 2 {
					t.Errorf("the next restore left %v, %v", p.books["com.a"].data, p.shelfs["com.f"].files)
				}
			})
		}
	}
}

func TestFailingAgentInARestore(t *testing.T) {
	for _, call := range []string{"Create", "Restore", "RestoreFile", "RestoreFinished"} {
		for _, keep := range []bool{false, true} {
			for _, panics := range []bool{false, true} {
				t.Run(fmt.Sprint(call, keep, panics), func(t *testing.T) {
					p := newPhone(t, newLink())
					a, f := p.book("com.a", "k", "v"), p.shelf("com.f", "f/k", "v", "f/l", "w")
					b, g := p.book("com.b", "k", "v"), p.shelf("com.g", "f/k", "v")
					if _, err := p.m.Backup(context.Background(), []string{"com.a", "com.b", "com.f", "com.g"}, 0); err != nil {
						t.Fatal(err)
					}
					a.data, b.data, f.files, g.files = nil, nil, nil, nil
					fail := func(c string) error {
						if c == call && panics {
							panic(c)
						}
						if c == call {
							return errBroken
						}
						return nil
					}
					a.fail, f.fail = fail, fail
					for _, app := range []App{bookApp("com.a", a), shelfApp("com.f", f)} {
						app.KeepOnFailedRestore = keep
						p.register(app)
					}
					r, err := p.m.Restore(context.Background(), 7, []string{"com.a", "com.b", "com.f", "com.g"})
					if err != nil {
						t.Fatal(err)
					}
					for pkg, wantFail := range map[string]bool{"com.a": call != "RestoreFile", "com.b": false, "com.f": call != "Restore", "com.g": false} {
						got, _ := r.Package(pkg)
						touched := wantFail && call != "Create"
						if got.Restored == wantFail || got.Touched != (touched || !wantFail) || got.Cleared != (touched && !keep) {
							t.Errorf("%s: %+v", pkg, got)
						}
						if wantFail && errors.Is(got.Err, errBroken) == panics {
							t.Errorf("%s: %v", pkg, got.Err)
						}
						if p.m.cut(pkg) {
							t.Errorf("%s: still marked", pkg)
						}
					}
					if keep && call == "Restore" && a.data == nil {
						t.Error("cleared an app that wants to keep what it has")
					}
					if call == "RestoreFile" && p.link.called("AbortFullRestore") != 1 {
						t.Errorf("calls %q", p.link.calls)
					}
				})
			}
		}
	}
}
