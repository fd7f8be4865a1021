package kit

import (
	"testing"

	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// A value stands at the right end of its line, and below the title where both do not
// fit.
func TestFact(t *testing.T) {
	w, p := screen(t, Look{Scheme: Light})
	p.Show(Ruled(
		Fact(Photos, "Photos", "3,412 · 14.1 GB", "3,400 added, 12 there already"),
		Fact(Documents, "A kind with a long name", "3,412 · 14.1 GB", ""),
	))
	kittest.Places(t, "facts", w.Content(), small360.Width)
	test.AssertRendersToMarkup(t, "facts.xml", w.Canvas())
}
