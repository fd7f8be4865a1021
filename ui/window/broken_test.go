package window

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/app/flow"
	reports "github.com/ferry-move/ferry/app/start"
)

// failing is a screen that panics where it is told to.
type failing struct {
	sheet
	inShow, inLeave bool
	left            *int
}

func (x *failing) show(flow.Snapshot) {
	if x.inShow {
		panic(errors.New("Anna's photo"))
	}
}

func (x *failing) leave() {
	*x.left++
	if x.inLeave {
		panic("once more")
	}
}

// broke checks that the sentence is shown, and that n reports were saved.
func (f *face) broke(n int) {
	f.t.Helper()
	f.tells("Ferry made a mistake")
	f.tells("What is under way goes on, and what has arrived is safe.")
	files, err := filepath.Glob(filepath.Join(f.opt.Home, "reports", "crash-*.txt"))
	if err != nil || len(files) != n {
		f.t.Fatalf("reports %v, %v; want %d", files, err, n)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.t.Fatal(err)
		}
		if s := string(b); strings.Contains(s, "Anna") || strings.Contains(s, f.opt.Home) || !strings.Contains(s, "broken_test.go:") {
			f.t.Errorf("the report is\n%s", s)
		}
		f.tells("A report without anything personal was saved as")
	}
}

func failFace(t *testing.T, s flow.Snapshot) *face {
	f := newFace(t, s)
	f.opt.Report = reports.Report(f.opt.Home, "1.2.3")
	return f
}

var moves62 = flow.Snapshot{Version: 5, Screen: flow.Moving, Role: flow.OldPhone}

func TestPanicInShow(t *testing.T) {
	f := failFace(t, moves62)
	left := 0
	f.push(func() screen { return &failing{sheet: f.sheet(), inShow: true, inLeave: true, left: &left} })
	f.broke(1)
	if left != 1 {
		t.Errorf("the screen was left %d times", left)
	}
	f.wanted() // the move goes on
	s := moves62
	for range 100 {
		s.Version++
		f.see(s)
	}
	f.broke(1) // and the page is not tried over and over
	f.tap("Show it again")
	f.silent("Ferry made a mistake")
	if _, ok := f.top().(*moving); !ok {
		t.Errorf("again shows %T", f.top())
	}
}

func TestPanicInACallback(t *testing.T) {
	f := failFace(t, moves62)
	f.on(func() { panic("Anna's photo") })()
	f.broke(1)
	f.wanted()
	s := moves62
	s.Screen, s.Version = flow.Done, 9
	f.see(s) // another screen is another try
	f.silent("Ferry made a mistake")
}

// A screen that cannot even be made is shown by no button, and the button does
// not take the window down.
func TestPanicInMaking(t *testing.T) {
	f := failFace(t, moves62)
	f.push(func() screen { panic("Anna's photo") })
	f.broke(1)
	if len(f.over) != 0 {
		t.Errorf("%d screens are over it", len(f.over))
	}
	f.see(flow.Snapshot{Version: 6, Screen: flow.Start})
	f.store = nil // what the start needs
	f.base.screen = nil
	f.draw()
	f.broke(2)
	f.tap("Show it again")
	f.broke(3)
}

// A page that was over another one goes with it.
func TestPanicBelow(t *testing.T) {
	f := failFace(t, moves62)
	left := 0
	under := &failing{sheet: f.sheet(), left: &left}
	f.push(func() screen { return under })
	f.push(func() screen { return &failing{sheet: f.sheet(), left: &left} })
	under.inShow = true
	f.back()
	f.broke(1)
	if left != 2 || len(f.over) != 0 {
		t.Errorf("%d were left, %d are over it", left, len(f.over))
	}
}

// Where no report can be saved, the sentence stands alone.
func TestPanicWithoutAReport(t *testing.T) {
	f := newFace(t, moves62)
	for _, report := range []func([]byte) (string, error){nil, func([]byte) (string, error) { return "", errors.New("full") }} {
		f.opt.Report = report
		f.on(func() { panic("no") })()
		f.tells("Ferry made a mistake")
		f.silent("A report")
	}
}
