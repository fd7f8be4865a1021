package kit

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Heading is what the page is about: the text of its first Title; empty = it has
// none.
func (p *Page) Heading() string { return heading(slices.Concat(p.body.Objects, p.fill.Objects)) }

func heading(objects []fyne.CanvasObject) string {
	for _, o := range objects {
		switch o := o.(type) {
		case *fyne.Container:
			if s := heading(o.Objects); s != "" {
				return s
			}
		case *widget.Label:
			if o.SizeName == theme.SizeNameHeadingText {
				return o.Text
			}
		}
	}
	return ""
}
