package window

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// items shows what is in a kind, each with a box of its own.
type items struct {
	sheet
	info    backup.Info
	entries entries
	all     *kit.KindRow // everything in it
	note    *widget.Label
	above   []fyne.CanvasObject
	list    *kit.List
	thumbs  *kit.Thumbs // nil = its items have none
	due     atomic.Bool // a draw of pictures that came is on its way
	stop    context.CancelFunc
}

func newItems(x sheet, k flow.KindChoice) *items {
	kind := k.Info.Kind
	it := &items{sheet: x, info: k.Info, note: kit.Caption("")}
	it.entries.fetch = func(from, n int) flow.Page { return x.flow.Items(kind, from, n) }
	it.note.Hide()
	it.all = kit.NewKindRow(it.everything(k), func(on bool) { x.on(func() { x.flow.TakeKind(kind, on) })() }, nil)
	it.above = []fyne.CanvasObject{kit.Title(x.words.Title(k.Info)), kit.Group(it.all), it.note}
	ctx, stop := context.WithCancel(context.Background())
	it.stop = stop
	if kind == "photos" {
		it.thumbs = kit.NewThumbs(func(name string) (io.ReadSeekCloser, int64, error) { return x.picture(ctx, kind, name) }, func() { it.came(ctx) })
	}
	it.list = kit.NewList(kit.ListOptions{
		Len: func() int { return it.entries.Listed }, Item: it.item, Toggle: it.toggle, Thumbs: it.thumbs, Icon: iconOf(kind), Label: x.words.Title(k.Info),
	})
	return it
}

// came draws pictures that have come, until ctx ends: one draw for all that come
// before it. Any goroutine may call it.
func (it *items) came(ctx context.Context) {
	if !it.due.CompareAndSwap(false, true) {
		return
	}
	it.do(func() {
		it.due.Store(false)
		if ctx.Err() == nil {
			it.list.Refresh()
		}
	})
}

// show takes in what changed.
func (it *items) show(s flow.Snapshot) {
	k, ok := kindOf(s, it.info.Kind)
	if !ok {
		return
	}
	it.entries.renew()
	it.all.Set(it.everything(k))
	note := it.noteOf()
	if note != it.note.Text {
		it.note.Hidden = note == ""
		it.note.SetText(note)
		it.page.Root.Refresh() // it may be another height
	}
	it.list.Refresh()
}

// close ends what runs beside it.
func (it *items) close() {
	it.stop()
	if it.thumbs != nil {
		it.thumbs.Close()
	}
}

// everything is the row that stands for all of the kind.
func (it *items) everything(k flow.KindChoice) kit.Kind {
	row := it.kindRow(k)
	row.Title = it.words.Say("All of them")
	return row
}

// noteOf says what is not in the list, or not yet.
func (it *items) noteOf() string {
	e := it.entries
	switch {
	case e.Err != nil:
		return it.words.Error(e.Err).String()
	case !e.Complete:
		return it.words.Number("Listing… {{.Count}} so far", "Listing… {{.Count}} so far", uint64(e.Listed))
	case e.More > 0:
		return it.words.Number("{{.Count}} more is not listed one by one. It moves if the rest does.", "{{.Count}} more are not listed one by one. They move if the rest does.", e.More)
	}
	return ""
}

// item is what a row says.
func (it *items) item(i int) kit.Item {
	e, ok := it.entries.at(i)
	if !ok {
		return kit.Item{}
	}
	out := kit.Item{Title: it.words.Item(it.info, e.Key), Detail: it.words.Bytes(e.Size), On: e.On}
	switch {
	case e.Name != "":
		out.Title = e.Name // the list makes names harmless
	case !it.info.Entities:
		out.Title = path.Base(string(e.Key))
		if in := path.Dir(string(e.Key)); in != "." {
			out.Detail += " · " + say.Path(in)
		}
	}
	switch {
	case e.Reason != 0:
		out.Detail, out.Cannot = it.words.Reason(e.Reason).What, true
	case it.thumbs != nil:
		out.Thumb = thumbOf(e)
	}
	return out
}

func (it *items) toggle(i int) {
	it.on(func() {
		if e, ok := it.entries.at(i); ok && e.Reason == 0 {
			it.flow.Take(e, !e.On)
		}
	})()
}

// thumbOf is the name by which kit.Thumbs knows a picture.
func thumbOf(e flow.Entry) string {
	return fmt.Sprintf("%d %d %s", e.Size, e.ModTime.UnixNano(), e.Key)
}

// picture opens the picture of that name. Reading it ends with ctx.
func (w *Window) picture(ctx context.Context, kind backup.Kind, name string) (io.ReadSeekCloser, int64, error) {
	fields := strings.SplitN(name, " ", 3)
	size, err := strconv.ParseInt(fields[0], 10, 64)
	mod, err2 := strconv.ParseInt(fields[1], 10, 64)
	if err = errors.Join(err, err2); err != nil {
		return nil, 0, err
	}
	f, n, err := w.flow.Open(flow.Entry{Kind: kind, Key: backup.Key(fields[2]), Size: size, ModTime: time.Unix(0, mod)})
	if err != nil {
		return nil, 0, err
	}
	return leaving{f, ctx}, n, nil
}

// leaving is a file whose reading ends with its context.
type leaving struct {
	io.ReadSeekCloser
	ctx context.Context
}

// Read implements [io.Reader].
func (l leaving) Read(p []byte) (int, error) {
	if l.ctx.Err() != nil {
		return 0, context.Cause(l.ctx)
	}
	return l.ReadSeekCloser.Read(p)
}
