package window

import (
	"cmp"
	"os"
)

// shared is the phone's own storage.
func shared() string { return cmp.Or(os.ExpandEnv("$EXTERNAL_STORAGE"), "/storage/emulated/0") }
