package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// Point is something to know or to check: an icon, a word and a sentence, and what
// belongs to it.
func Point(g Glyph, word, sentence string, more ...fyne.CanvasObject) fyne.CanvasObject {
	parts := []fyne.CanvasObject{Sentence(word, Bold)}
	if sentence != "" {
		parts = append(parts, Sentence(sentence, Quiet))
	}
	return container.New(row{grows: 1, gap: 12, top: true}, NewIcon(g, theme.ColorNamePrimary, side), Column(4, append(parts, more...)...))
}
