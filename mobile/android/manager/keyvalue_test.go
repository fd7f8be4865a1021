package manager

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
)

// errBroken is an answer that is no Code.
var errBroken = errors.New("the cable is out")

func TestFirstPassInitialisesAndSendsTheListFirst(t *testing.T) {
	p := newPhone(t, newLink())
	p.book("com.a", "k", "v")
	p.book("com.b", "k", "v")
	p.changed("com.a", "com.a")
	r := p.pass()
	want := []string{"InitializeDevice", "FinishBackup", "PerformBackup @pm@ 4", "FinishBackup", "PerformBackup com.a 4", "FinishBackup"}
	if !slices.Equal(p.link.calls, want) {
		t.Errorf("calls %q", p.link.calls)
	}
	p.result(r, "@pm@", Success)
	p.result(r, "com.a", Success)
	if got := p.m.Pending(); !slices.Equal(got, []string{"com.b"}) {
		t.Errorf("pending %q: the first pass notes all the others", got)
	}
	if !maps.Equal(p.link.kv["com.a"], map[string]string{"k": "v"}) {
		t.Errorf("stored %q", p.link.kv["com.a"])
	}
	for _, key := range []string{"@ancestral_record@", "@meta@", "com.a", "com.b"} {
		if p.link.kv["@pm@"][key] == "" {
			t.Errorf("the list has no %s", key)
		}
	}

	p.link.calls = nil
	p.books["com.a"].data["k"] = "w"
	p.changed("com.a")
	p.pass()
	want = []string{"PerformBackup @pm@ 2", "FinishBackup", "PerformBackup com.b 4", "FinishBackup", "PerformBackup com.a 2", "FinishBackup"}
	if !slices.Equal(p.link.calls, want) {
		t.Errorf("calls %q", p.link.calls)
	}
	if p.link.kv["com.a"]["k"] != "w" {
		t.Error("the change was not stored")
	}
	if r := p.pass(); len(r.Packages) != 0 {
		t.Errorf("nothing is pending, yet %v", r.Packages)
	}
}

// outcome is one row of the table: what a pass with a change leaves.
type outcome struct {
	name   string
	link   func(string) error // the transport's answers
	agent  func(string) error
	result Result
	state  string // "old", "new", "none"
	again  bool   // is taken by the next pass
	all    bool   // and so is the rest of the queue
	abort  bool
	stored string // what the transport has then
	ids    []EventID
}

func TestOutcomes(t *testing.T) {
	failAll := func(prefix string, err error) func(string) error {
		return func(call string) error {
			if strings.HasPrefix(call, prefix) {
				return err
			}
			return nil
		}
	}
	send := "PerformBackup com.a"
	finish := func(err error) func(string) error { // the one after com.a's data
		var sent, done bool
		return func(call string) error {
			if sent && !done && call == "FinishBackup" {
				done = true
				return err
			}
			sent = sent || strings.HasPrefix(call, send)
			return nil
		}
	}
	rows := []outcome{
		{name: "stored", result: Success, state: "new", stored: "new"},
		{name: "rejected", link: once(send, android.TransportPackageRejected), result: PackageRejected, state: "old", stored: "old"},
		{name: "rejected at the end", link: finish(android.TransportPackageRejected), result: PackageRejected, state: "old", stored: "old"},
		{name: "over quota", link: once(send, android.TransportQuotaExceeded), result: QuotaExceeded, state: "old", stored: "old", ids: []EventID{QuotaHit}},
		{name: "over quota at the end", link: finish(android.TransportQuotaExceeded), result: QuotaExceeded, state: "old", stored: "old"},
		{name: "agent failed", agent: once("Backup", errBroken), result: AgentFailure, state: "old", again: true, stored: "old"},
		{name: "agent panicked", agent: func(c string) error {
			if c == "Backup" {
				panic("x")
			}
			return nil
		}, result: AgentFailure, state: "old", again: true, stored: "old"},
		{name: "agent cannot begin", agent: once("Create", errBroken), result: AgentFailure, state: "old", again: true, stored: "old"},
		{name: "transport failed", link: once(send, android.TransportError), result: TransportAborted, state: "old", again: true, all: true, abort: true, stored: "old", ids: []EventID{LostTransport}},
		{name: "transport broke", link: once(send, errBroken), result: TransportAborted, state: "old", again: true, all: true, abort: true, stored: "old"},
		{name: "transport failed at the end", link: finish(android.TransportError), result: TransportAborted, state: "old", again: true, all: true, abort: true, stored: "old"},
		{name: "complete data wanted once", link: once(send, android.TransportNonIncrementalBackupRequired), result: Success, state: "new", stored: "new", ids: []EventID{NonIncremental}},
		{name: "complete data wanted at the end", link: finish(android.TransportNonIncrementalBackupRequired), result: Success, state: "new", stored: "new"},
		{name: "complete data wanted twice", link: failAll(send, android.TransportNonIncrementalBackupRequired), result: TransportAborted, state: "none", again: true, all: true, abort: true, stored: "old"},
		{name: "not initialised", link: once(send, android.TransportNotInitialized), result: TransportAborted, state: "none", again: true, all: true, abort: true, stored: "none"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := newPhone(t, newLink())
			a := p.book("com.a", "k", "old")
			p.book("com.b", "k", "old")
			p.changed("com.a", "com.b")
			p.pass()
			oldState := p.state("com.a")
			a.data["k"], p.books["com.b"].data["k"] = "new", "new"
			p.changed("com.a", "com.b")
			a.fail, p.link.fail, p.events = row.agent, row.link, nil

			r, err := p.m.RunKeyValue(context.Background())
			if (err != nil) != row.abort || (r.Result == TransportAborted) != row.abort {
				t.Errorf("pass: %v, %v", r.Result, err)
			}
			got := p.result(r, "com.a", row.result)
			if (got.Err == nil) != (row.result == Success) || got.Requeued != row.again {
				t.Errorf("report %+v", got)
			}
			state := "new"
			switch p.state("com.a") {
			case oldState:
				state = "old"
			case "":
				state = "none"
			}
			if state != row.state {
				t.Errorf("%s state, want %s", state, row.state)
			}
			if exists(p.m.fresh("com.a")) {
				t.Error("a new state is left")
			}
			pending := p.m.Pending()
			if slices.Contains(pending, "com.a") != row.again || slices.Contains(pending, "com.b") != row.all {
				t.Errorf("pending %q", pending)
			}
			stored := p.link.kv["com.a"]["k"]
			if stored == "" {
				stored = "none"
			}
			if stored != row.stored {
				t.Errorf("the transport has the %s data, want %s", stored, row.stored)
			}
			if !row.abort && p.link.kv["com.b"]["k"] != "new" {
				t.Error("the next app was not done")
			}
			for _, id := range row.ids {
				if !slices.ContainsFunc(p.events, func(e Event) bool { return e.ID == id }) {
					t.Errorf("no event %d", id)
				}
			}

			// Whatever it was, a pass without faults puts it right.
			a.fail, p.link.fail = nil, nil
			p.changed("com.a")
			p.pass()
			if p.link.kv["com.a"]["k"] != "new" {
				t.Error("the next pass did not store it")
			}
		})
	}
}

func TestNothingToSendKeepsTheNewState(t *testing.T) {
	p := newPhone(t, newLink())
	a := p.book("com.a")
	p.changed("com.a")
	r := p.pass()
	p.result(r, "com.a", Success)
	if n := p.link.called("PerformBackup com.a"); n != 0 {
		t.Errorf("the transport was called %d times", n)
	}
	if got := p.state("com.a"); got != "{}" {
		t.Errorf("state %q", got)
	}
	p.changed("com.a")
	p.pass()
	if want := []string{"", "{}"}; !slices.Equal(a.old, want) {
		t.Errorf("the agent was given the states %q", a.old)
	}
}

func TestReservedKey(t *testing.T) {
	for _, system := range []bool{false, true} {
		p := newPhone(t, newLink())
		b := &book{data: map[string]string{"\uff01x": "v"}}
		app := bookApp("com.a", b)
		app.System = system
		p.register(app)
		p.changed("com.a")
		r := p.pass()
		if system {
			p.result(r, "com.a", Success)
			continue
		}
		got := p.result(r, "com.a", AgentFailure)
		if !errors.Is(got.Err, IllegalKey) || got.Requeued || len(p.m.Pending()) != 0 {
			t.Errorf("%+v, pending %q", got, p.m.Pending())
		}
		if p.link.kv["com.a"] != nil || p.state("com.a") != "" {
			t.Error("something was stored")
		}
	}
}

// sloppy passes over the error that a reserved key gives it.
type sloppy struct{ book }

func (s *sloppy) Backup(_ context.Context, r android.BackupRequest) error {
	_ = r.Data.WriteHeader("\uff01x", 0)
	return nil
}

// short promises more than it writes.
type short struct{ book }

func (s *short) Backup(_ context.Context, r android.BackupRequest) error {
	if err := r.Data.WriteHeader("k", 5); err != nil {
		return err
	}
	_, err := io.WriteString(r.Data, "abc")
	return err
}

func TestAgentThatHidesItsFault(t *testing.T) {
	for name, agent := range map[string]android.Agent{"reserved key": &sloppy{}, "short value": &short{}} {
		p := newPhone(t, newLink())
		p.register(bookApp("com.a", agent))
		p.changed("com.a")
		p.result(p.pass(), "com.a", AgentFailure)
		if p.link.kv["com.a"] != nil || p.state("com.a") != "" {
			t.Errorf("%s: something was stored", name)
		}
	}
}

func TestQuotaIsTold(t *testing.T) {
	l := newLink()
	l.quota = 30
	l.fail = once("PerformBackup com.a", android.TransportQuotaExceeded)
	p := newPhone(t, l)
	a := p.book("com.a", "k", strings.Repeat("v", 100))
	p.changed("com.a")
	got := p.result(p.pass(), "com.a", QuotaExceeded)
	// "Data", key length, size, "k" with its NUL and two bytes of fill, value
	if want := [][2]int64{{116, 30}}; !slices.Equal(a.quotas, want) || got.Bytes != 116 || got.Quota != 30 {
		t.Errorf("told %v, report %+v", a.quotas, got)
	}
}

func TestPings(t *testing.T) {
	setUp := func(t *testing.T) *phone {
		p := newPhone(t, newLink())
		p.book("com.a", "k", "v")
		p.book("com.b", "k", "v")
		p.book("com.c", "k", "v")
		p.changed("com.a", "com.b", "com.c")
		p.pass()
		p.books["com.a"].data["k"] = "w"
		p.changed("com.a")
		p.link.calls = nil
		return p
	}
	t.Run("sent", func(t *testing.T) {
		p := setUp(t)
		r := p.pass()
		want := []string{"PerformBackup @pm@ 2", "FinishBackup", "PerformBackup com.a 2", "FinishBackup",
			"PerformBackup com.b 8", "FinishBackup", "PerformBackup com.c 8", "FinishBackup", "PerformBackup @end@ 8", "FinishBackup"}
		if !slices.Equal(p.link.calls, want) || !slices.Equal(r.Pinged, []string{"com.b", "com.c"}) {
			t.Errorf("calls %q, pinged %q", p.link.calls, r.Pinged)
		}
	})
	t.Run("stopped by an error", func(t *testing.T) {
		p := setUp(t)
		p.link.fail = once("PerformBackup com.b", android.TransportError)
		p.pass()
		if p.link.called("PerformBackup com.c") != 0 || p.link.called("PerformBackup @end@") != 0 {
			t.Errorf("calls %q", p.link.calls)
		}
	})
	t.Run("not stopped by a refusal", func(t *testing.T) {
		p := setUp(t)
		p.link.fail = once("PerformBackup com.b", android.TransportPackageRejected)
		if r := p.pass(); !slices.Equal(r.Pinged, []string{"com.c"}) || p.link.called("PerformBackup @end@") != 1 {
			t.Errorf("calls %q", p.link.calls)
		}
	})
	t.Run("not initialised", func(t *testing.T) {
		p := setUp(t)
		p.link.fail = once("PerformBackup com.b", android.TransportNotInitialized)
		r, err := p.m.RunKeyValue(context.Background())
		if !errors.Is(err, android.TransportNotInitialized) {
			t.Error(err)
		}
		p.result(r, "com.a", TransportAborted) // it was stored, and is erased
		if got := p.m.Pending(); len(got) != 3 || p.link.called("InitializeDevice") != 1 {
			t.Errorf("pending %q, calls %q", got, p.link.calls)
		}
	})
	t.Run("not after an agent's failure", func(t *testing.T) {
		p := setUp(t)
		p.books["com.a"].fail = once("Backup", errBroken)
		p.pass()
		if err := p.m.journal.drop(); err != nil {
			t.Fatal(err)
		}
		p.link.calls = nil
		p.changed("com.b")
		if r := p.pass(); !slices.Equal(r.Pinged, []string{"com.c"}) {
			t.Errorf("pinged %q", r.Pinged)
		}
	})
}

func TestNonIncrementalBackup(t *testing.T) {
	p := newPhone(t, newLink())
	a := p.book("com.a", "k", "v")
	p.shelf("com.f", "f/x", "y")
	p.changed("com.a")
	p.pass()
	p.link.calls = nil
	r, err := p.m.Backup(context.Background(), []string{"com.a", "com.f", "com.none"}, FlagNonIncrementalBackup)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"PerformBackup com.a 5", "FinishBackup", "PerformFullBackup com.f 1"}; !slices.Equal(p.link.calls[:3], want) {
		t.Errorf("calls %q", p.link.calls)
	}
	if want := []string{"", ""}; !slices.Equal(a.old, want) {
		t.Errorf("the agent was given the states %q", a.old)
	}
	p.result(r, "com.a", Success)
	p.result(r, "com.f", Success)
	p.result(r, "com.none", PackageNotFound)
	p.link.calls = nil
	if _, err := p.m.Backup(context.Background(), []string{"@pm@", "com.a"}, FlagNonIncrementalBackup); err != nil {
		t.Fatal(err)
	}
	if p.link.calls[0] != "PerformBackup @pm@ 5" {
		t.Errorf("calls %q", p.link.calls)
	}
}

func TestBackupOfAPendingAppTakesItsNote(t *testing.T) {
	p := newPhone(t, newLink())
	p.book("com.a", "k", "v")
	p.book("com.b", "k", "v")
	p.changed("com.a", "com.b")
	if _, err := p.m.Backup(context.Background(), []string{"com.a"}, 0); err != nil {
		t.Fatal(err)
	}
	if got := p.m.Pending(); !slices.Equal(got, []string{"com.b"}) {
		t.Errorf("pending %q", got)
	}
}

func TestIneligible(t *testing.T) {
	p := newPhone(t, newLink())
	for name, change := range map[string]func(*App){
		"com.stopped":  func(a *App) { a.Stopped = true },
		"com.disabled": func(a *App) { a.Disabled = true },
		"com.instant":  func(a *App) { a.Instant = true },
		"com.denies":   func(a *App) { a.NoBackup, a.TargetSDK = true, 30 },
	} {
		app := bookApp(name, &book{data: map[string]string{"k": "v"}})
		change(&app)
		p.register(app)
		r, err := p.m.Backup(context.Background(), []string{name}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.result(r, name, BackupNotAllowed); got.Err == nil {
			t.Errorf("%s: no reason", name)
		}
	}
	if len(p.link.kv) != 0 {
		t.Errorf("stored %v", p.link.kv)
	}
	// From Android 12 on a transfer takes an app that does not want to be backed
	// up, through the system's agent.
	s := &shelf{files: map[string]string{"f/x": "y"}}
	app := shelfApp("com.new", s)
	app.HasAgent, app.NoBackup = true, true
	app.Agent = func() android.Agent { return &book{} }
	p.register(app)
	r, err := p.m.Backup(context.Background(), []string{"com.new"}, 0)
	if err != nil || s.calls != 2 {
		t.Error(err, s.calls)
	}
	if got := p.result(r, "com.new", Success); got.Method != Full {
		t.Errorf("%+v", got)
	}
}
