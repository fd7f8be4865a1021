package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// box is a surface with content on it. It follows the theme, as a bare
// rectangle does not.
type box struct {
	widget.BaseWidget
	content fyne.CanvasObject
	line    fyne.ThemeColorName
}

// Column puts objects below each other, each as wide as the column.
func Column(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(column{gap: gap}, objects...)
}

// Bar puts buttons side by side, or below each other where they do not fit; the
// primary one is the last.
func Bar(buttons ...fyne.CanvasObject) *fyne.Container { return container.New(bar{}, buttons...) }

// Line puts an icon before a text.
func Line(icon *Icon, text *widget.Label) fyne.CanvasObject {
	return container.New(row{grows: 1, gap: 12}, icon, text)
}

// Card puts objects on a surface, below each other.
func Card(gap float32, objects ...fyne.CanvasObject) fyne.CanvasObject {
	return newBox(container.New(column{gap: gap, pad: 16}, objects...), theme.ColorNameSeparator)
}

func newBox(content fyne.CanvasObject, line fyne.ThemeColorName) *box {
	b := &box{content: content, line: line}
	b.ExtendBaseWidget(b)
	return b
}

// CreateRenderer implements [fyne.Widget].
func (b *box) CreateRenderer() fyne.WidgetRenderer {
	back := newRect(corner)
	return newDrawn(drawn{
		widget: b, objects: []fyne.CanvasObject{back, b.content},
		layout: func(s fyne.Size) { back.Resize(s); b.content.Resize(s) },
		least:  b.content.MinSize,
		paint:  func() { paintRect(b, back, theme.ColorNameInputBackground, b.line, rim(b)) },
	})
}

// Pair is two texts: on one line with the second at its right end, or below
// each other where they do not fit.
func Pair(first, second *widget.Label) fyne.CanvasObject {
	return container.New(apart{}, first, second)
}

// Heading is what a card is about, with an icon before it.
func Heading(g Glyph, words string) fyne.CanvasObject {
	return container.New(row{grows: 1, gap: 12, top: true}, NewIcon(g, theme.ColorNamePrimary, side), Sentence(words, Bold))
}

// Ruled is a card with a line between the rows.
func Ruled(rows ...fyne.CanvasObject) fyne.CanvasObject {
	var objects []fyne.CanvasObject
	for i, r := range rows {
		if i > 0 {
			objects = append(objects, widget.NewSeparator())
		}
		objects = append(objects, r)
	}
	return Card(12, objects...)
}

// Group is a card of rows that are tapped, which keep their own distance.
func Group(rows ...fyne.CanvasObject) fyne.CanvasObject {
	return newBox(container.New(column{pad: 4}, rows...), theme.ColorNameSeparator)
}

// Tone is what a notice is about.
type Tone uint8

const (
	Plainly Tone = iota // something to know
	Fine                // something went well
	Careful             // something to look at
	Wrong               // something went wrong
)

// tones are how a tone looks. The word beside it says the same.
var tones = [...]struct {
	glyph Glyph
	color fyne.ThemeColorName
	style Style
}{
	Plainly: {Info, theme.ColorNamePrimary, func(*widget.Label) {}},
	Fine:    {Check, theme.ColorNameSuccess, Good},
	Careful: {Warning, theme.ColorNameWarning, Heed},
	Wrong:   {Cross, theme.ColorNameError, Bad},
}

// Notice is a card with a sign, a word and a sentence, and what can be done
// about it.
func Notice(t Tone, word, sentence string, actions ...fyne.CanvasObject) fyne.CanvasObject {
	look := tones[min(t, Wrong)]
	parts := []fyne.CanvasObject{Sentence(word, Bold, look.style)}
	if sentence != "" {
		parts = append(parts, Sentence(sentence))
	}
	if len(actions) > 0 {
		parts = append(parts, Column(8, append([]fyne.CanvasObject{Column(0)}, actions...)...))
	}
	in := container.New(row{grows: 1, gap: 12, pad: 16, top: true}, NewIcon(look.glyph, look.color, side), Column(4, parts...))
	return newBox(in, look.color)
}

// Verdict is a title with a sign before it.
func Verdict(t Tone, title string) fyne.CanvasObject {
	look := tones[min(t, Wrong)]
	return container.New(row{grows: 1, gap: 8, top: true}, NewIcon(look.glyph, look.color, 32), Title(title, look.style))
}

// Entry is a row of a card that is read: an icon, and parts below each other beside
// it.
func Entry(g Glyph, parts ...fyne.CanvasObject) fyne.CanvasObject {
	return container.New(row{grows: 1, gap: 12, top: true}, NewIcon(g, theme.ColorNameForeground, side), Column(4, parts...))
}
