package manager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
)

var errKilled = errors.New("killed")

// killer lets n steps pass, once it is armed, and none after them.
type killer struct {
	armed bool
	n     int
	steps []string
}

func (k *killer) step(op string) error {
	if !k.armed {
		return nil
	}
	if k.steps = append(k.steps, op); len(k.steps) > k.n {
		return errKilled
	}
	return unsynced(op)
}

// TestKilledBetweenTwoSteps ends the program between any two changes of the
// state folder in a pass. What is there is the old state or the new one, never a
// part; the new one only if the transport has what it describes; and what had
// something new is either stored or still noted.
func TestKilledBetweenTwoSteps(t *testing.T) {
	for n := 0; ; n++ {
		p := newPhone(t, newLink())
		a := p.book("com.a", "k", "old", "gone", "x")
		p.book("com.b", "k", "old")
		p.changed("com.a", "com.b")
		p.pass()
		p.book("com.c", "k", "v") // has no state yet
		a.data = map[string]string{"k": "new", "more": "y"}
		p.books["com.b"].data["k"] = "new"
		p.changed("com.a", "com.b", "com.c")

		k := &killer{n: n}
		p.start(k.step)
		k.armed = true
		_, err := p.m.RunKeyValue(context.Background())
		p.start(nil)

		states := map[string][]string{
			"com.a": {`{"gone":"x","k":"old"}`, `{"k":"new","more":"y"}`},
			"com.b": {`{"k":"old"}`, `{"k":"new"}`},
			"com.c": {"", `{"k":"v"}`},
		}
		for pkg, want := range states {
			got := p.state(pkg)
			if !slices.Contains(want, got) {
				t.Fatalf("killed after %d steps: state %q of %s", n, got, pkg)
			}
			stored := maps.Equal(p.link.kv[pkg], p.books[pkg].data)
			if got == want[1] && !stored {
				t.Fatalf("killed after %d steps: the state of %s is new, the data is not", n, pkg)
			}
			if !stored && !slices.Contains(p.m.Pending(), pkg) {
				t.Fatalf("killed after %d steps: %s is forgotten", n, pkg)
			}
		}
		if err == nil && len(k.steps) <= n {
			if n < 30 {
				t.Fatalf("only %d steps", n)
			}
			return
		}
		for pkg := range states {
			p.changed(pkg)
		}
		p.pass()
		for pkg, b := range p.books {
			if !maps.Equal(p.link.kv[pkg], b.data) {
				t.Fatalf("killed after %d steps: %s ends as %v", n, pkg, p.link.kv[pkg])
			}
		}
	}
}

// TestNotedMeansNoted ends the program between any two changes of the journal.
func TestNotedMeansNoted(t *testing.T) {
	for n := 0; ; n++ {
		p := newPhone(t, newLink())
		p.book("com.a", "k", "v")
		p.book("com.b", "k", "v")
		k := &killer{n: n}
		p.start(k.step)
		k.armed = true
		errs := map[string]error{"com.a": p.m.DataChanged("com.a"), "com.b": p.m.DataChanged("com.b")}
		p.start(nil)
		for pkg, err := range errs {
			if err == nil && !slices.Contains(p.m.Pending(), pkg) {
				t.Fatalf("killed after %d steps: %s is forgotten", n, pkg)
			}
		}
		if errs["com.b"] == nil {
			return
		}
	}
}

// TestKilledInARestore ends the program between any two changes of the folder:
// an app that is half restored is known to be, and is cleared.
func TestKilledInARestore(t *testing.T) {
	for n := 0; ; n++ {
		p := newPhone(t, newLink())
		b, s := p.book("com.a", "k", "v", "l", "w"), p.shelf("com.f", "f/k", "v", "f/l", "w")
		if _, err := p.m.Backup(context.Background(), []string{"com.a", "com.f"}, 0); err != nil {
			t.Fatal(err)
		}
		b.data, s.files = nil, nil
		// The agents die with the program after their first record.
		die := func(call string) error {
			if strings.HasPrefix(call, "Restore") || call == "Clear" && len(s.got) > 0 {
				return errKilled
			}
			return nil
		}
		b.fail, s.fail = die, die
		k := &killer{n: n}
		p.start(k.step)
		k.armed = true
		_, err := p.m.Restore(context.Background(), 7, nil)
		half := map[string]bool{"com.a": b.data != nil, "com.f": s.files != nil}
		p.start(nil)
		for pkg, h := range half {
			if h && !p.m.cut(pkg) {
				t.Fatalf("killed after %d steps: %s is half restored and nobody knows", n, pkg)
			}
		}
		b.fail, s.fail = nil, nil
		if _, err := p.m.RunKeyValue(context.Background()); err != nil {
			t.Fatal(err)
		}
		if b.data != nil || s.files != nil || p.m.cut("com.a") || p.m.cut("com.f") {
			t.Fatalf("killed after %d steps: not cleared", n)
		}
		if err == nil && len(k.steps) <= n {
			return
		}
	}
}

func TestHalfWrittenStateIsIgnored(t *testing.T) {
	p := newPhone(t, newLink())
	a := p.book("com.a", "k", "old")
	p.changed("com.a")
	p.pass()
	if err := os.WriteFile(p.m.fresh("com.a"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.start(nil)
	a.data["k"] = "new"
	p.changed("com.a")
	p.pass()
	if want := []string{"", `{"k":"old"}`}; !slices.Equal(a.old, want) || p.state("com.a") != `{"k":"new"}` {
		t.Errorf("given %q, state %q", a.old, p.state("com.a"))
	}
}

// TestAnyFaults runs many passes in which anything may fail, and the program
// may be killed, against a model: what the transport has of an app is what the
// app had at some pass that was reported as a success, the last one; and once
// the faults are over, one pass brings all up to date.
func TestAnyFaults(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			p := newPhone(t, newLink())
			apps := []string{"com.a", "com.b", "com.c"}
			for _, a := range apps {
				p.book(a, "k", "0")
			}
			model := map[string]map[string]string{} // what was stored for certain
			for round := range 15 {
				k := &killer{n: rnd.IntN(80)}
				p.start(k.step)
				k.armed = rnd.IntN(3) == 0
				p.link.fail = func(string) error {
					if rnd.IntN(15) == 0 {
						return answers[rnd.IntN(len(answers))]
					}
					return nil
				}
				sent := map[string]map[string]string{}
				for _, pkg := range apps {
					b := p.books[pkg]
					b.fail = func(call string) error {
						if call == "Backup" {
							sent[pkg] = maps.Clone(b.data)
						}
						switch rnd.IntN(20) {
						case 0:
							return errBroken
						case 1:
							panic(call)
						}
						return nil
					}
					if rnd.IntN(2) == 0 {
						b.data[string(rune('a'+rnd.IntN(4)))] = fmt.Sprint(round)
						delete(b.data, string(rune('a'+rnd.IntN(4))))
						_ = p.m.DataChanged(pkg) // it may be killed
					}
				}
				var flags BackupFlags
				if rnd.IntN(4) == 0 {
					flags = FlagNonIncrementalBackup
				}
				before := map[string]map[string]string{}
				for _, pkg := range apps {
					before[pkg] = maps.Clone(p.link.kv[pkg])
				}
				erased := p.link.called("InitializeDevice")
				var r Report
				if rnd.IntN(3) == 0 {
					r, _ = p.m.Backup(context.Background(), apps, flags)
				} else {
					r, _ = p.m.RunKeyValue(context.Background())
				}
				if p.link.called("InitializeDevice") > erased {
					clear(model)
				}
				for _, pkg := range apps {
					got, done := r.Package(pkg)
					now := p.link.kv[pkg]
					switch {
					case done && got.Result == Success:
						model[pkg] = sent[pkg]
						if !maps.Equal(now, sent[pkg]) {
							t.Fatalf("round %d: %s was sent as %v, stored as %v", round, pkg, sent[pkg], now)
						}
					case maps.Equal(now, before[pkg]), maps.Equal(now, sent[pkg]):
						// As it was; or stored, but killed before that was noted.
					case len(now) == 0 && p.link.called("InitializeDevice") > erased:
					default:
						t.Fatalf("round %d: %s: %v stored as %v, was %v", round, pkg, got.Result, now, before[pkg])
					}
				}
			}
			p.link.fail = nil
			p.start(nil)
			for _, pkg := range apps {
				p.books[pkg].fail = nil
				p.changed(pkg)
			}
			p.pass()
			for _, pkg := range apps {
				if !maps.Equal(p.link.kv[pkg], p.books[pkg].data) {
					t.Errorf("%s ends as %v, the app has %v", pkg, p.link.kv[pkg], p.books[pkg].data)
				}
			}
			if _, ok := p.link.kv[android.MetadataPackage]["com.a"]; !ok {
				t.Error("the list of apps is not stored")
			}
		})
	}
}
