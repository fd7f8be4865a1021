package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/ui/window/kit"
)

// Icon returns the program's icon.
func Icon() fyne.Resource { return kit.AppIcon() }

// Theme returns how the window looks before the settings are read.
func Theme() fyne.Theme { return kit.Look{}.Theme() }
