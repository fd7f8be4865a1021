package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/pace"
	"pgregory.net/rapid"
)

func halfway() pace.View {
	return pace.View{
		Progress: transfer.Progress{
			Phase: transfer.PhaseMove, Items: 2400, DoneItems: 600, Bytes: 4e9, DoneBytes: 1e9, LinkBytes: 700e6, Lanes: 6, LanesWhy: "gained",
		},
		Part: 0.259, Speed: 40e6, Left: pace.Range{Low: 3 * time.Minute, High: 5 * time.Minute},
	}
}

func TestBar(t *testing.T) {
	p := &progress{c: &command{verbose: true}, keys: true}
	v := halfway()
	for _, tt := range []struct {
		width int
		want  string
	}{
		{200, "[======                  ]   25 %  1.0 GB of 4.0 GB  3-5 minutes left  600 items  40 MB/s  700 MB on the link  6 lanes (gained)  p: pause"},
		{80, "[======                  ]   25 %  1.0 GB of 4.0 GB  3-5 minutes left  600 items"},
		{60, "[======                  ]   25 %  1.0 GB of 4.0 GB"},
		{33, "[======                  ]   25 %"},
		{6, " 25 %"},
		{3, " 25"},
		{0, ""},
	} {
		if got := bar(v.Part, p.texts(v), tt.width); got != tt.want {
			t.Errorf("%d columns:\n%q; want\n%q", tt.width, got, tt.want)
		}
	}
	both := func(v *pace.View) {
		v.Waiting, v.Paused, v.Silent, v.Left = transfer.WaitLink, transfer.WaitPauseBoth, 7*time.Second, pace.Range{}
	}
	both(&v)
	if got, want := strings.Join(p.texts(v)[:5], "  "), " 25 %  1.0 GB of 4.0 GB  paused on both phones (p: go on)  nothing heard from the other phone for 7 s  600 items"; got != want {
		t.Errorf("%q; want\n%q", got, want)
	}
	if got := strings.Join(p.texts(v), "  "); strings.Contains(got, "p: pause") || strings.Contains(got, "B/s") {
		t.Errorf("%q", got)
	}
	p = &progress{c: &command{}}
	for want, change := range map[string]func(*pace.View){
		" 25 %  1.0 GB of 4.0 GB  600 items  0 B/s":                                      func(v *pace.View) { v.Speed, v.Left = 0, pace.Range{} },
		" 25 %  1.0 GB of 4.0 GB  paused here  600 items":                                func(v *pace.View) { v.Waiting = transfer.WaitPause },
		" 25 %  1.0 GB of 4.0 GB  nothing heard from the other phone for 3 s  600 items": func(v *pace.View) { v.Waiting, v.Silent = transfer.WaitLink, 3*time.Second },
		" 99 %  4.0 GB of 4.0 GB  finishing  2,400 items": func(v *pace.View) {
			v.Phase, v.Part, v.DoneBytes, v.DoneItems = transfer.PhaseFinish, 0.9999, 4e9, 2400
		},
		"100 %  4.0 GB of 4.0 GB  2,400 items": func(v *pace.View) {
			v.Phase, v.Part, v.DoneBytes, v.DoneItems, v.Left = transfer.PhaseDone, 1, 4e9, 2400, pace.Range{}
		},
	} {
		v := halfway()
		change(&v)
		if got := strings.Join(p.texts(v), "  "); got != want {
			t.Errorf("%q; want\n%q", got, want)
		}
	}
}

// The bar is ASCII and never wider than the terminal.
func TestBarFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint64Range(0, 1<<50)
		d := rapid.Int64Range(0, 1<<58)
		v := pace.View{
			Progress: transfer.Progress{
				Phase: transfer.Phase(rapid.Uint8Range(0, 5).Draw(t, "phase")), Items: u.Draw(t, "items"), DoneItems: u.Draw(t, "done"),
				Bytes: u.Draw(t, "bytes"), DoneBytes: u.Draw(t, "done bytes"),
				Waiting: transfer.Wait(rapid.Uint8Range(0, 20).Draw(t, "waiting")), Silent: time.Duration(d.Draw(t, "silent")),
			},
			Part: rapid.Float64Range(0, 1).Draw(t, "part"), Speed: rapid.Float64Range(0, 1e15).Draw(t, "speed"),
		}
		v.Left.Low = time.Duration(d.Draw(t, "low"))
		v.Left.High = v.Left.Low + time.Duration(d.Draw(t, "high"))
		p := &progress{c: &command{verbose: rapid.Bool().Draw(t, "verbose")}, keys: rapid.Bool().Draw(t, "keys")}
		width := rapid.IntRange(0, 300).Draw(t, "width")
		line := bar(v.Part, p.texts(v), width)
		if len(line) > width || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%d columns: %q", width, line)
		}
	})
}

// TestChanged: only what a person did is told at once, and each time once.
func TestChanged(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &progress{c: &command{json: true, io: Stdio{Out: out}}}
	var told []bool
	const link, nothing = transfer.WaitLink, transfer.WaitNothing
	for _, v := range []transfer.Progress{
		{}, {Waiting: transfer.WaitDisk}, {Waiting: transfer.WaitPause, Paused: transfer.WaitPause}, {Waiting: link, Paused: transfer.WaitPause},
		{Waiting: link, Paused: transfer.WaitPauseBoth}, {Paused: transfer.WaitPauseThere}, {Waiting: link}, {Waiting: transfer.WaitPerson}, {Waiting: nothing},
	} {
		told = append(told, p.changed(pace.View{Progress: v}))
	}
	if want := []bool{false, false, true, false, true, true, true, false, false}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	if _, err := out.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	var by []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var j jsonPause
		if err := json.Unmarshal(lines.Bytes(), &j); err != nil || j.Event != "pause" {
			t.Errorf("%s: %v", lines.Text(), err)
		}
		by = append(by, j.By)
	}
	if want := []string{"here", "both", "there", ""}; !slices.Equal(by, want) {
		t.Errorf("by %q, want %q", by, want)
	}
}

// TestProgressEvents: two in a second, and one at the end.
func TestProgressEvents(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	synctest.Test(t, func(t *testing.T) {
		c := &command{json: true, io: Stdio{Out: out, Err: out}}
		p := c.startProgress(new(transfer.Meter), nil)
		time.Sleep(10*time.Second + time.Millisecond)
		p.end()
	})
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), `"event":"progress"`); n != 21 {
		t.Errorf("%d events in ten seconds", n)
	}
}

// TestProgressEventsOfAnyClock: a clock that jumps, stands still, and runs fast or
// slow makes events neither more nor fewer.
func TestProgressEventsOfAnyClock(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			clock := faulttest.NewClock(seed)
			shown := 0
			p := &progress{c: new(command), meter: new(transfer.Meter), every: int(jsonEvery / lookEvery), due: int(jsonEvery / lookEvery)}
			p.show = func(pace.View) { shown++ }
			for i := 1; i <= 400; i++ {
				p.look(clock.Now())
				if shown != i/p.every {
					t.Fatalf("%d events in %d looks", shown, i)
				}
			}
			t.Logf("seed %d: %+v", seed, clock.Did())
		})
	}
}

// TestProgressLines: in a pipe a line comes every ten seconds.
func TestProgressLines(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	synctest.Test(t, func(t *testing.T) {
		c := &command{io: Stdio{In: out, Out: out, Err: out}}
		p := c.startProgress(new(transfer.Meter), nil)
		time.Sleep(35 * time.Second)
		p.end()
	})
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b), strings.Repeat("  0 %  0 B of 0 B  0 items\n", 3); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
