package window

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// phoneSize is the smallest phone that everything must fit.
var phoneSize = fyne.NewSize(360, 640)

// screen is a window without an engine, with the theme.
func screen(t *testing.T) (fyne.Window, *view) {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(Theme())
	w := test.NewTempWindow(t, nil)
	v := newView(w, intents{answer: func(bool) {}, pause: func() {}, next: func() {}, again: func() {}})
	w.Resize(phoneSize)
	return w, v
}

// link is one to show as a QR code; its secret differs from run to run, its
// length does not.
func link(t *testing.T) pairing.Link {
	t.Helper()
	key, err := identity.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := pairing.NewDesk(key.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	o, _, err := d.Offer()
	if err != nil {
		t.Fatal(err)
	}
	return o.Link(netip.MustParseAddrPort("192.0.2.7:4242"))
}

// at is an object and where it is in the window.
type at[T fyne.CanvasObject] struct {
	o   T
	pos fyne.Position
}

// find lists the visible objects of one type.
func find[T fyne.CanvasObject](w fyne.Window) (out []at[T]) {
	var walk func(fyne.CanvasObject, fyne.Position)
	walk = func(o fyne.CanvasObject, origin fyne.Position) {
		if !o.Visible() {
			return
		}
		pos := origin.Add(o.Position())
		if found, ok := o.(T); ok {
			out = append(out, at[T]{found, pos})
		}
		var children []fyne.CanvasObject
		switch o := o.(type) {
		case *fyne.Container:
			children = o.Objects
		case fyne.Widget:
			children = test.WidgetRenderer(o).Objects()
		}
		for _, c := range children {
			walk(c, pos)
		}
	}
	walk(w.Content(), fyne.Position{})
	return out
}

// buttonNamed finds a button.
func buttonNamed(t *testing.T, w fyne.Window, text string) *kit.Button {
	t.Helper()
	for _, b := range find[*kit.Button](w) {
		if b.o.Text() == text {
			return b.o
		}
	}
	t.Fatalf("there is no button %q on:\n%s", text, page1(w))
	return nil
}

// page1 is all text on the screen, a line each.
func page1(w fyne.Window) string {
	var b strings.Builder
	for _, x := range find[*canvas.Text](w) {
		b.WriteString(x.o.Text + "\n")
	}
	return b.String()
}

func TestWaitingMarkup(t *testing.T) {
	w, v := screen(t)
	s := waiting(t)
	s.Link = link(t)
	v.show(s)
	test.AssertRendersToMarkup(t, "waiting.xml", w.Canvas())
}

// pages are all kinds of pages, with what is usual and with the worst.
func pages(t *testing.T) map[string]State {
	t.Helper()
	bad := "\n\x1b[2J\u202e" + strings.Repeat("W", 10<<10) + "\x00"
	usual := waiting(t)
	usual.Link = link(t)
	worst := usual.event(session.Ready{Name: bad}).event(session.WrongCode{TriesLeft: 1})
	worst.Folder = strings.Repeat("/W", 120)

	hostile := transfer.Offer{Peer: receipt.Side{Name: bad}, Free: 1}
	rep := &transfer.Report{Receipt: []byte("x")}
	for i := range 300 {
		k := backup.Kind(fmt.Sprint(i, bad)[:backup.MaxKind])
		hostile.Kinds = append(hostile.Kinds, transfer.OfferedKind{Kind: k, Items: 1 << 63, Bytes: 1 << 60, Cannot: 1 << 62})
		rep.Kinds = append(rep.Kinds, receipt.Kind{Kind: k, Items: 1 << 60, Added: 1 << 58, Merged: 1 << 58, Skipped: 1 << 58, Failed: 1 << 58})
	}
	many := worst.offered(hostile).answered(true)
	for i := range 500 {
		many = many.event(session.Item{Kind: "photos", Key: backup.Key(fmt.Sprint(i, bad)[:300]), Name: backup.Key(bad[:300]), Reason: backup.Reason(i % 40)})
	}
	full := pace.View{
		Progress: transfer.Progress{
			Phase: transfer.PhaseMove, Items: 1 << 62, DoneItems: 1 << 61, Bytes: 1 << 62, DoneBytes: 1 << 61, Elapsed: 100 * time.Hour, Waiting: transfer.WaitPauseThere,
		},
		Part: 0.5,
	}
	asked := usual.offered(offer())
	return map[string]State{
		"starting": {}, "waiting": usual, "waiting, worst": worst, "no code": usual.event(session.Code{}),
		"asking": asked, "asking, worst": worst.offered(hostile),
		"moving": asked.answered(true), "paused": asked.answered(true).paused(true), "moving, worst": many.moved(full),
		"ended":        asked.answered(true).event(session.Done{Report: report(true), ReceiptPath: "/home/me/.config/ferry/receipts/20260102-150405-0123abcd.receipt"}),
		"ended, worst": many.event(session.Done{Report: rep, ReceiptPath: strings.Repeat("/W", 120)}),
		"broken":       asked.answered(true).event(session.Done{Report: &transfer.Report{}, Err: transfer.ErrLinkLost}),
		"stopped":      usual.stopped(errors.New(bad)),
	}
}

func TestNothingIsClippedOrCovered(t *testing.T) {
	all := pages(t)
	for _, size := range []fyne.Size{phoneSize, {Width: 412, Height: 915}, {Width: 640, Height: 360}, {Width: 1280, Height: 720}} {
		for name, s := range all {
			t.Run(fmt.Sprintf("%s, %.0fx%.0f", name, size.Width, size.Height), func(t *testing.T) {
				w, v := screen(t)
				w.Resize(size)
				v.show(s)
				checkPlaces(t, w, v)
			})
		}
	}
}

func checkPlaces(t *testing.T, w fyne.Window, v *view) {
	t.Helper()
	size := w.Canvas().Size()
	m := float32(16)
	if size.Width >= 600 {
		m = 24
	}
	left, right := max(m, (size.Width-kit.Widest)/2), min(size.Width-m, (size.Width+kit.Widest)/2)
	type mark struct {
		text string
		box  [4]float32 // left, top, right, bottom
	}
	var marks []mark
	bottom := v.page.BodyHeight() - v.page.Offset().Y
	for _, found := range find[*canvas.Text](w) {
		x, p := found.o, found.pos
		if strings.TrimSpace(x.Text) == "" {
			continue
		}
		s := fyne.MeasureText(x.Text, x.TextSize, x.TextStyle)
		switch x.Alignment { // of the text in its object
		case fyne.TextAlignCenter:
			p.X += (x.Size().Width - s.Width) / 2
		case fyne.TextAlignTrailing:
			p.X += x.Size().Width - s.Width
		}
		b := [4]float32{p.X, p.Y, p.X + s.Width, p.Y + s.Height}
		if b[0] < left-0.5 || b[2] > right+0.5 || b[1] < 0 || b[3] > max(bottom, size.Height)+0.5 {
			t.Errorf("%.40q is at %v, outside of %v to %v, 0 to %v", x.Text, b, left, right, bottom)
		}
		for _, o := range marks {
			if b[0] < o.box[2]-1 && o.box[0] < b[2]-1 && b[1] < o.box[3]-1 && o.box[1] < b[3]-1 && !v.inBar(b[1]) && !v.inBar(o.box[1]) {
				t.Errorf("%.40q at %v covers %.40q at %v", x.Text, b, o.text, o.box)
			}
		}
		marks = append(marks, mark{x.Text, b})
	}
	for _, found := range find[*kit.Button](w) {
		b, p := found.o, found.pos
		if s := b.Size(); p.X < left || p.Y < 0 || p.X+s.Width > right || p.Y+s.Height > size.Height || s.Height < kit.Touch {
			t.Errorf("the button %q is at %v, %v", b.Text(), p, s)
		}
	}
}

// inBar tells what is at the height of the buttons, above which the page
// scrolls.
func (v *view) inBar(y float32) bool { return y > v.page.BarTop()-40 }

func TestHostileTextsLeaveNoControlCharacters(t *testing.T) {
	for name, s := range pages(t) {
		w, v := screen(t)
		v.show(s)
		if text := strings.ReplaceAll(page1(w), "\n", ""); strings.ContainsAny(text, "\x00\x1b\u202e") {
			t.Errorf("%s: control characters in %q", name, text)
		}
		if n := len(find[fyne.CanvasObject](w)); n > 1000 {
			t.Errorf("%s: %d objects on one page", name, n)
		}
	}
}

func TestKeysReachEverything(t *testing.T) {
	w, v := screen(t)
	var said []bool
	v.want.answer = func(yes bool) { said = append(said, yes) }
	s := pages(t)["asking, worst"]
	v.show(s)
	for range 2 { // Refuse, Accept
		w.Canvas().FocusNext()
		f := w.Canvas().Focused()
		if f == nil {
			t.Fatal("Tab finds no button")
		}
		f.TypedKey(&fyne.KeyEvent{Name: fyne.KeyPageDown})
		f.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		w.Canvas().Focus(f)
	}
	if len(said) != 2 || said[0] || !said[1] {
		t.Errorf("Tab and Enter said %v", said)
	}
	if v.page.Offset().Y == 0 {
		t.Error("PageDown did not scroll")
	}
	f := w.Canvas().Focused()
	v.show(s.event(session.Code{})) // the same page
	if f != fyne.Focusable(buttonNamed(t, w, "Accept")) || w.Canvas().Focused() != f || v.page.Offset().Y == 0 {
		t.Error("a redraw of the same page took the focus or the place away")
	}
}

// rig is a whole window whose redraws the test takes, as the goroutine that
// draws would.
type rig struct {
	*testing.T
	win   fyne.Window
	face  *Window
	draws chan func()
	seen  State
}

// newRig starts a window on an engine.
func newRig(t *testing.T, engine func(context.Context, session.ReceiveOptions) error) *rig {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("FERRY_HOME", filepath.Join(dir, "home"))
	test.NewTempApp(t).Settings().SetTheme(Theme())
	r := &rig{T: t, win: test.NewTempWindow(t, nil), draws: make(chan func(), 1)}
	r.face = New(r.win, Options{Into: filepath.Join(dir, "phone"), Name: "Pixel 9"})
	r.win.Resize(phoneSize)
	show := r.face.show
	r.face.receive = engine
	r.face.do = func(f func()) { r.draws <- f }
	r.face.show = func(s State) { r.seen = s; show(s) }
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.face.Run(ctx) })
	t.Cleanup(func() {
		stop()
		ended := make(chan struct{})
		go func() { running.Wait(); close(ended) }()
		for {
			select {
			case <-r.draws:
			case <-ended:
				return
			}
		}
	})
	return r
}

// until draws until a screen is shown.
func (r *rig) until(s Screen) {
	r.Helper()
	late := time.After(20 * time.Second)
	for r.seen.Screen != s {
		select {
		case f := <-r.draws:
			f()
		case <-late:
			r.Fatalf("screen %d did not come; there is:\n%s", s, page1(r.win))
		}
	}
}

func (r *rig) tap(name string) {
	r.Helper()
	test.Tap(buttonNamed(r.T, r.win, name))
}

func TestAnswersReachTheEngine(t *testing.T) {
	for _, c := range []struct {
		button string
		yes    bool
	}{{"Accept", true}, {"Refuse", false}} {
		t.Run(c.button, func(t *testing.T) {
			said := make(chan transfer.Decision, 1)
			next := make(chan struct{})
			first := code(t, "742 9163")
			r := newRig(t, func(ctx context.Context, opt session.ReceiveOptions) error {
				if opt.Name != "Pixel 9" || opt.Place == "" || opt.Phone == nil {
					return fmt.Errorf("options: %+v", opt)
				}
				opt.Events(session.Ready{Name: opt.Name})
				opt.Events(session.Code{Code: first})
				d, err := opt.Accept(ctx, offer())
				if err != nil {
					return err
				}
				said <- d
				done := session.Done{Report: report(true)}
				if d.Accept {
					opt.Events(session.Accepted{Meter: new(transfer.Meter)})
					opt.Events(session.Item{Kind: "photos", Key: "a", Name: "b"})
				} else {
					done = session.Done{Report: new(transfer.Report), Err: errors.New("refused")}
				}
				opt.Events(done)
				opt.Events(session.Code{Code: first})
				close(next)
				<-ctx.Done()
				return context.Cause(ctx)
			})
			r.until(Asking)
			if text := page1(r.win); !strings.Contains(text, "Galaxy S8") || !strings.Contains(text, "412 contacts") {
				t.Errorf("the offer is not on:\n%s", text)
			}
			b := buttonNamed(t, r.win, c.button)
			test.Tap(b)
			test.Tap(b) // a second tap is nothing
			if d := <-said; d.Accept != c.yes {
				t.Errorf("the engine was told %+v", d)
			}
			if c.yes {
				r.until(Ended)
				if text := page1(r.win); !strings.Contains(text, "Everything is here") {
					t.Errorf("the result is not on:\n%s", text)
				}
				r.tap("Done")
			}
			<-next
			r.until(Waiting)
			if !c.yes && strings.Contains(page1(r.win), "stopped") {
				t.Errorf("a refusal is told as a failure:\n%s", page1(r.win))
			}
		})
	}
}

func TestOfferThatIsTakenBack(t *testing.T) {
	gone := make(chan struct{})
	r := newRig(t, func(ctx context.Context, opt session.ReceiveOptions) error {
		opt.Events(session.Code{Code: code(t, "742 9163")})
		asked, cancel := context.WithCancelCause(ctx)
		go func() { <-gone; cancel(transfer.ErrLinkLost) }()
		if _, err := opt.Accept(asked, offer()); !errors.Is(err, transfer.ErrLinkLost) {
			return fmt.Errorf("accept: %w", err)
		}
		opt.Events(session.Done{Report: new(transfer.Report), Err: transfer.ErrLinkLost})
		<-ctx.Done()
		return context.Cause(ctx)
	})
	r.until(Asking)
	old := buttonNamed(t, r.win, "Accept")
	close(gone)
	r.until(Ended)
	test.Tap(old) // it may be under way when the page changes
	r.tap("Done")
	r.until(Waiting)
}

func TestStoppedTriesAgain(t *testing.T) {
	starts := make(chan struct{}, 2)
	failed := false // owned by the engine's goroutine
	r := newRig(t, func(ctx context.Context, opt session.ReceiveOptions) error {
		starts <- struct{}{}
		if !failed {
			failed = true
			return pairing.ErrTooManyTries
		}
		opt.Events(session.Code{Code: code(t, "742 9163")})
		<-ctx.Done()
		return context.Cause(ctx)
	})
	r.until(Stopped)
	if text := page1(r.win); !strings.Contains(text, "wrong codes") {
		t.Errorf("the reason is not on:\n%s", text)
	}
	<-starts
	r.tap("Try again")
	<-starts
	r.until(Waiting)
}

func TestFloodIsOneRedraw(t *testing.T) {
	queued := 0
	w := &Window{drawn: true, do: func(func()) { queued++ }}
	for range 10000 {
		w.change(func(s State) State { return s.event(session.WrongCode{}) })
	}
	if queued != 1 {
		t.Errorf("%d redraws are queued", queued)
	}
}

func TestMeterIsReadTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		draws := 0
		w := &Window{
			drawn: true, do: func(f func()) { f() }, show: func(State) { draws++ },
			meters: make(chan *transfer.Meter), state: State{Screen: Moving},
		}
		ctx, stop := context.WithCancel(t.Context())
		var reading sync.WaitGroup
		reading.Go(func() { w.readMeters(ctx) })
		passes := func(want int) {
			t.Helper()
			time.Sleep(time.Second + meterEvery/2)
			synctest.Wait()
			if draws != want {
				t.Errorf("%d redraws in a second, want %d", draws, want)
			}
			draws = 0
		}
		passes(0)
		w.meter(ctx, new(transfer.Meter))
		passes(10)
		w.meter(ctx, nil)
		passes(0)
		stop()
		reading.Wait()
	})
}

// dark is the theme on a dark system.
type dark struct{ fyne.Theme }

func (d dark) Color(n fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return d.Theme.Color(n, theme.VariantDark)
}

func TestThemeChangeReachesEveryText(t *testing.T) {
	for name, s := range pages(t) {
		w, v := screen(t)
		v.show(s)
		fyne.CurrentApp().Settings().SetTheme(dark{Theme()})
		for _, found := range find[*canvas.Text](w) {
			x := found.o
			c := color.NRGBAModel.Convert(x.Color).(color.NRGBA)
			if dark := Theme().Color(theme.ColorNameBackground, theme.VariantDark); c != dark && int(c.R)+int(c.G)+int(c.B) < 300 { // dark is on the primary button
				t.Errorf("%s: %q stays %v in the dark", name, x.Text, c)
			}
		}
	}
}

// TestPauseReachesTheEngine: the button pauses and goes on, and the next move does
// not begin with a pause.
func TestPauseReachesTheEngine(t *testing.T) {
	pausers := make(chan *transfer.Pauser, 1)
	end := make(chan struct{})
	r := newRig(t, func(ctx context.Context, opt session.ReceiveOptions) error {
		opt.Events(session.Ready{Name: opt.Name})
		if _, err := opt.Accept(ctx, offer()); err != nil {
			return err
		}
		opt.Events(session.Accepted{Meter: new(transfer.Meter)})
		pausers <- opt.Pauser
		<-end
		opt.Events(session.Done{Report: report(true)})
		<-ctx.Done()
		return context.Cause(ctx)
	})
	r.until(Asking)
	r.tap("Accept")
	r.until(Moving)
	p := <-pausers
	r.tap("Pause")
	if !p.Paused() {
		t.Error("the engine is not paused")
	}
	for !r.seen.Paused {
		(<-r.draws)()
	}
	r.tap("Go on")
	if p.Paused() {
		t.Error("the engine is still paused")
	}
	for r.seen.Paused {
		(<-r.draws)()
	}
	r.tap("Pause")
	close(end)
	r.until(Ended)
	if p.Paused() || r.seen.Paused {
		t.Error("the next move begins paused")
	}
}
