package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/ui/window/kit"
)

// Theme returns how the window looks, light and dark.
func Theme() fyne.Theme { return kit.Look{}.Theme() }

// Icon returns the program's icon.
func Icon() fyne.Resource { return kit.AppIcon() }
