package window

import (
	_ "embed"
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
	"rsc.io/qr"
)

var (
	//go:embed icons/app.svg
	appSVG []byte
	//go:embed icons/ferry.svg
	ferrySVG []byte
	//go:embed icons/phone.svg
	phoneSVG []byte

	ferryIcon = fyne.NewStaticResource("ferry.svg", ferrySVG)
	phoneIcon = fyne.NewStaticResource("phone.svg", phoneSVG)
)

// Icon returns the program's icon.
func Icon() fyne.Resource { return fyne.NewStaticResource("app.svg", appSVG) }

// prose is text that wraps.
func prose(s string, size fyne.ThemeSizeName, style ...func(*widget.Label)) *widget.Label {
	l := widget.NewLabel(s)
	l.SizeName, l.Wrapping = size, fyne.TextWrapWord
	for _, f := range style {
		f(l)
	}
	return l
}

func bold(l *widget.Label)   { l.TextStyle.Bold = true }
func dim(l *widget.Label)    { l.Importance = widget.LowImportance }
func middle(l *widget.Label) { l.Alignment = fyne.TextAlignCenter }
func good(l *widget.Label)   { l.Importance = widget.SuccessImportance }
func heed(l *widget.Label)   { l.Importance = widget.WarningImportance }
func title(s string, style ...func(*widget.Label)) *widget.Label {
	return prose(s, theme.SizeNameHeadingText, append(style, bold)...)
}

func sentence(s string, style ...func(*widget.Label)) *widget.Label {
	return prose(s, theme.SizeNameText, style...)
}

func caption(s string, style ...func(*widget.Label)) *widget.Label {
	return prose(s, theme.SizeNameCaptionText, append(style, dim)...)
}

// box is a surface with content on it. It follows the theme, as a bare
// rectangle does not.
type box struct {
	widget.BaseWidget
	content fyne.CanvasObject
}

// card puts objects on a surface.
func card(gap float32, objects ...fyne.CanvasObject) fyne.CanvasObject {
	b := &box{content: container.New(column{gap: gap, pad: 16}, objects...)}
	b.ExtendBaseWidget(b)
	return b
}

// CreateRenderer implements [fyne.Widget].
func (b *box) CreateRenderer() fyne.WidgetRenderer {
	r := &boxRenderer{box: b, back: canvas.NewRectangle(color.Transparent)}
	r.back.CornerRadius, r.back.StrokeWidth = corner, 1
	r.paint()
	return r
}

type boxRenderer struct {
	box  *box
	back *canvas.Rectangle
}

func (r *boxRenderer) paint() {
	v := fyne.CurrentApp().Settings().ThemeVariant()
	r.back.FillColor = r.box.Theme().Color(theme.ColorNameInputBackground, v)
	r.back.StrokeColor = r.box.Theme().Color(theme.ColorNameSeparator, v)
}

func (r *boxRenderer) Destroy()           {}
func (r *boxRenderer) MinSize() fyne.Size { return r.box.content.MinSize() }
func (r *boxRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.box.content}
}

func (r *boxRenderer) Layout(s fyne.Size) {
	r.back.Resize(s)
	r.box.content.Resize(s)
}

func (r *boxRenderer) Refresh() {
	r.paint()
	r.back.Refresh()
	r.box.content.Refresh()
}

// rows is a list with a line between the rows.
func rows(list []Row) fyne.CanvasObject {
	var objects []fyne.CanvasObject
	for i, r := range list {
		if i > 0 {
			objects = append(objects, widget.NewSeparator())
		}
		objects = append(objects, container.New(apart{}, sentence(r.Title, bold), sentence(r.Detail)))
	}
	return card(12, objects...)
}

// bigCode shows a code: large, spaced, and every digit as wide as the others.
// Nothing but digits and spaces of it is shown.
func bigCode(code string) fyne.CanvasObject {
	const most = 9
	var digits []fyne.CanvasObject
	for _, r := range code {
		if (r >= '0' && r <= '9' || r == ' ') && len(digits) < most {
			d := newDigit(string(r))
			digits = append(digits, d)
		}
	}
	return container.New(cells{width: 32}, digits...)
}

// digit is one digit of a code.
type digit struct {
	widget.BaseWidget
	text string
}

func newDigit(s string) *digit {
	d := &digit{text: s}
	d.ExtendBaseWidget(d)
	return d
}

// CreateRenderer implements [fyne.Widget].
func (d *digit) CreateRenderer() fyne.WidgetRenderer {
	t := canvas.NewText(d.text, d.color())
	t.TextSize, t.TextStyle.Bold, t.Alignment = codeSize, true, fyne.TextAlignCenter
	return &digitRenderer{widget.NewSimpleRenderer(t), d, t}
}

func (d *digit) color() color.Color {
	return d.Theme().Color(theme.ColorNamePrimary, fyne.CurrentApp().Settings().ThemeVariant())
}

type digitRenderer struct {
	fyne.WidgetRenderer
	digit *digit
	text  *canvas.Text
}

func (r *digitRenderer) Refresh() {
	r.text.Color = r.digit.color()
	r.text.Refresh()
}

// qrQuiet is the white border of a QR code, in modules.
const qrQuiet = 4

// qrImage draws a QR code, black on white whatever the theme is. It returns
// nil for a text that is too long.
func qrImage(text string) *canvas.Image {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil
	}
	side := code.Size + 2*qrQuiet
	pic := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				pic.SetColorIndex(x+qrQuiet, y+qrQuiet, 1)
			}
		}
	}
	img := canvas.NewImageFromImage(pic)
	img.ScaleMode, img.FillMode, img.CornerRadius = canvas.ImageScalePixels, canvas.ImageFillContain, corner
	img.SetMinSize(fyne.NewSquareSize(float32(side * max(2, 200/side)))) // whole pixels a module
	return img
}

// crossing is a ferry between two shores; part of the way is behind it.
type crossing struct {
	widget.BaseWidget
	part float32
}

func newCrossing(part float32) *crossing {
	c := &crossing{part: part}
	c.ExtendBaseWidget(c)
	return c
}

// CreateRenderer implements [fyne.Widget].
func (c *crossing) CreateRenderer() fyne.WidgetRenderer {
	icon := func(r fyne.Resource, n fyne.ThemeColorName) *canvas.Image {
		i := canvas.NewImageFromResource(theme.NewColoredResource(r, n))
		i.FillMode = canvas.ImageFillContain
		return i
	}
	r := &crossingRenderer{
		crossing: c, old: icon(phoneIcon, theme.ColorNamePlaceHolder), new: icon(phoneIcon, theme.ColorNamePrimary),
		ferry: icon(ferryIcon, theme.ColorNamePrimary), ahead: canvas.NewRectangle(color.Transparent), behind: canvas.NewRectangle(color.Transparent),
	}
	r.paint()
	return r
}

type crossingRenderer struct {
	crossing        *crossing
	old, new, ferry *canvas.Image
	ahead, behind   *canvas.Rectangle
}

func (r *crossingRenderer) paint() {
	v := fyne.CurrentApp().Settings().ThemeVariant()
	r.ahead.FillColor = r.crossing.Theme().Color(theme.ColorNameSeparator, v)
	r.behind.FillColor = r.crossing.Theme().Color(theme.ColorNamePrimary, v)
	r.ahead.CornerRadius, r.behind.CornerRadius = 1.5, 1.5
}

const (
	shore = 48 // a phone's side
	boat  = 40 // the ferry's side
	keel  = 6  // how deep the ferry's picture is under the water
)

func (r *crossingRenderer) Destroy()           {}
func (r *crossingRenderer) MinSize() fyne.Size { return fyne.NewSize(2*shore+2*boat, shore) }
func (r *crossingRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.old, r.new, r.ahead, r.behind, r.ferry}
}

func (r *crossingRenderer) Layout(s fyne.Size) {
	const water = shore - 8
	r.old.Resize(fyne.NewSquareSize(shore))
	r.new.Resize(fyne.NewSquareSize(shore))
	r.new.Move(fyne.NewPos(s.Width-shore, 0))
	way := s.Width - 2*shore
	at := shore + (way-boat)*min(1, max(0, r.crossing.part))
	r.ferry.Resize(fyne.NewSquareSize(boat))
	r.ferry.Move(fyne.NewPos(at, water-boat+keel))
	r.behind.Move(fyne.NewPos(shore, water))
	r.behind.Resize(fyne.NewSize(at-shore, 3))
	r.behind.Hidden = at-shore < 3 // its round ends alone would show
	r.ahead.Move(fyne.NewPos(at+boat, water))
	r.ahead.Resize(fyne.NewSize(max(0, s.Width-shore-at-boat), 3))
}

func (r *crossingRenderer) Refresh() {
	r.paint()
	r.Layout(r.crossing.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

// button is a button that Enter presses too. While it has the focus it passes
// other keys on.
type button struct {
	widget.Button
	keys func(*fyne.KeyEvent)
}

func newButton(text string, importance widget.Importance, keys func(*fyne.KeyEvent), tapped func()) *button {
	b := &button{keys: keys}
	b.Text, b.Importance, b.OnTapped = text, importance, tapped
	b.ExtendBaseWidget(b)
	return b
}

// TypedKey implements [fyne.Focusable].
func (b *button) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		b.Tapped(nil)
	case fyne.KeySpace:
		b.Button.TypedKey(k)
	default:
		b.keys(k)
	}
}

// Cursor implements [desktop.Cursorable].
func (b *button) Cursor() desktop.Cursor { return desktop.PointerCursor }

// MinSize implements [fyne.CanvasObject].
func (b *button) MinSize() fyne.Size {
	return b.Button.MinSize().Max(fyne.NewSquareSize(touch))
}
