package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/ui/say"
)

// Item is one row of a List. Its title may be a name from a disk or another
// device: it is made harmless here.
type Item struct {
	Title, Detail string
	On            bool
	// Cannot tells that it cannot be checked; Detail says why.
	Cannot bool
	// Thumb is what Thumbs knows the row's picture by; empty = it has none.
	Thumb string
}

// ListOptions say what a List shows.
type ListOptions struct {
	Len    func() int
	Item   func(i int) Item
	Toggle func(i int) // a row was tapped; the list asks for it anew
	// Thumbs has the pictures; nil = rows have none. The list does not close it.
	Thumbs *Thumbs
	// Icon stands where there is no picture.
	Icon Glyph
	// Opens tells that a row leads somewhere: a chevron stands where others have
	// their box, and Toggle goes there.
	Opens bool
	// Label is what the list is, for screen readers.
	Label string
}

// List shows any number of rows that can be checked. It makes objects for those
// that are seen, and asks for no others.
type List struct {
	widget.List
	opt ListOptions
	at  int  // the row that the keys are on
	has bool // the focus
}

// NewList makes a list.
func NewList(opt ListOptions) *List {
	l := &List{opt: opt}
	l.Length = opt.Len
	l.CreateItem = func() fyne.CanvasObject { return newListRow(opt.Thumbs != nil, opt.Opens) }
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) {
		if i < opt.Len() { // it may have become shorter
			o.(*listRow).show(opt.Item(i), opt)
			o.(*listRow).mark(l.has && i == l.at)
		}
	}
	l.OnSelected = func(i widget.ListItemID) {
		l.Unselect(i)
		l.put(i)
		if i < opt.Len() && opt.Toggle != nil {
			opt.Toggle(i)
			l.RefreshItem(i)
		}
	}
	l.ExtendBaseWidget(l)
	return l
}

// FocusGained implements [fyne.Focusable].
func (l *List) FocusGained() { l.has = true; l.List.FocusGained() }

// FocusLost implements [fyne.Focusable].
func (l *List) FocusLost() { l.has = false; l.List.FocusLost() }

// TypedKey implements [fyne.Focusable]: Enter checks a row as Space does, the
// arrows, the page keys, Home and End go to another, and what the list has no use
// for goes on to the page.
func (l *List) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyUp:
		l.put(l.at - 1)
	case fyne.KeyDown:
		l.put(l.at + 1)
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		l.Select(l.at)
	case fyne.KeyPageUp:
		l.turn(-1)
	case fyne.KeyPageDown:
		l.turn(1)
	case fyne.KeyHome:
		l.put(0)
	case fyne.KeyEnd:
		l.put(l.opt.Len() - 1)
	default:
		passOn(l, k)
	}
}

// put puts the keys on a row, or on the nearest there is, and shows it. Where the
// pointer is does not matter to them.
func (l *List) put(i int) {
	l.at = max(0, min(i, l.opt.Len()-1))
	l.Highlight(l.at)
}

// turn goes one page on or back: the row that the keys are on keeps its place.
func (l *List) turn(by int) {
	row := l.CreateItem().MinSize().Height + l.Theme().Size(theme.SizeNamePadding)
	rows := by * max(1, int(l.Size().Height/row))
	l.ScrollToOffset(max(0, l.GetScrollOffset()+float32(rows)*row))
	l.put(l.at + rows)
}

// AccessibilityLabel implements [fyne.Accessible].
func (l *List) AccessibilityLabel() string { return l.opt.Label }

// AccessibilityRole implements [fyne.Accessible].
func (*List) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleContainer }

// listRow is a row of a List, used for many items one after the other.
type listRow struct {
	widget.BaseWidget
	box           *Icon
	icon          *Icon
	pic           *canvas.Image // nil = rows have none
	title, detail *widget.Label
	edge          *canvas.Rectangle // around the row that the keys are on
	label         string
	opens         bool
}

func newListRow(pics, opens bool) *listRow {
	r := &listRow{
		opens: opens, edge: newRect(corner), box: NewIcon(boxOff, theme.ColorNamePlaceHolder, side), title: widget.NewLabel(""), detail: widget.NewLabel(""),
	}
	r.title.Truncation, r.detail.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	r.detail.SizeName, r.detail.Importance = theme.SizeNameCaptionText, widget.LowImportance
	if pics {
		r.icon = NewIcon("", theme.ColorNamePlaceHolder, side)
		r.pic = &canvas.Image{FillMode: canvas.ImageFillContain, CornerRadius: 6}
		r.pic.Hide()
	}
	r.edge.Hide()
	r.ExtendBaseWidget(r)
	return r
}

// mark shows whether the keys are on the row.
func (r *listRow) mark(on bool) {
	if r.edge.Hidden == on {
		r.edge.Hidden = !on
		r.Refresh()
	}
}

// show makes the row an item's.
func (r *listRow) show(it Item, opt ListOptions) {
	title := say.Foreign(it.Title)
	r.label = title + ", " + it.Detail
	setText(r.title, title)
	setText(r.detail, it.Detail)
	switch {
	case it.Cannot:
		r.box.Set(Warning, theme.ColorNameWarning)
	case opt.Opens:
		r.box.Set(Chevron, theme.ColorNamePlaceHolder)
	default:
		r.box.Set(boxSign(it.On))
	}
	if r.pic == nil {
		return
	}
	pic := opt.Thumbs.Get(it.Thumb)
	if r.pic.Image != pic {
		r.pic.Image = pic
		r.pic.Hidden = pic == nil
		r.pic.Refresh()
	}
	r.icon.Set(opt.Icon, theme.ColorNamePlaceHolder)
	if hide := pic != nil; r.icon.Hidden != hide {
		r.icon.Hidden = hide
		r.icon.Refresh()
	}
}

func setText(l *widget.Label, s string) {
	if l.Text != s {
		l.SetText(s)
	}
}

// AccessibilityLabel implements [fyne.Accessible].
func (r *listRow) AccessibilityLabel() string { return r.label }

// AccessibilityRole implements [fyne.Accessible].
func (*listRow) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer implements [fyne.Widget].
func (r *listRow) CreateRenderer() fyne.WidgetRenderer {
	const pad, pic, in = 12, 44, 5 // in: what scrolls clips the ring of its first row
	objects := []fyne.CanvasObject{r.box, r.title, r.detail}
	if r.pic != nil {
		objects = append(objects, r.icon, r.pic)
	}
	objects = append(objects, r.edge)
	return newDrawn(drawn{
		widget: r, objects: objects,
		layout: func(s fyne.Size) {
			put(r.edge, in, in, s.Width-2*in, s.Height-2*in)
			x, right := float32(pad), s.Width-pad
			if r.opens {
				right -= side + 12
				put(r.box, s.Width-pad-side, (s.Height-side)/2, side, side)
			} else {
				put(r.box, pad, (s.Height-side)/2, side, side)
				x += side + 12
			}
			if r.pic != nil {
				put(r.pic, x, (s.Height-pic)/2, pic, pic)
				put(r.icon, x+(pic-side)/2, (s.Height-side)/2, side, side)
				x += pic + 12
			}
			one, two := least(r.title).Height, least(r.detail).Height
			y := (s.Height - one - two - 2) / 2
			place(r.title, x, y, right-x)
			place(r.detail, x, y+one+2, right-x)
		},
		least: func() fyne.Size {
			h := least(r.title).Height + least(r.detail).Height + 2 + 16
			return fyne.NewSize(200, max(Touch+12, h))
		},
		paint: func() { paintRect(r, r.edge, "", theme.ColorNamePrimary, ring) },
	})
}
