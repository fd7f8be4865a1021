package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// Fact is what became of something: an icon, a title with a value at its right end,
// and a line about it, which may be empty.
func Fact(g Glyph, title, value, line string) fyne.CanvasObject {
	parts := []fyne.CanvasObject{Pair(Sentence(title, Bold), Sentence(value))}
	if line != "" {
		parts = append(parts, Caption(line))
	}
	return container.New(row{grows: 1, gap: 12, top: true}, NewIcon(g, theme.ColorNameForeground, side), Column(4, parts...))
}
