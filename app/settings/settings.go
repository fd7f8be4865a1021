// Package settings keeps what a person sets, in one file in ferry's home:
//
//	{
//	 "version": 1,
//	 "language": "de",
//	 "name": "Pixel 9"
//	}
//
// A field that is not there has its default. Fields that this version does not
// know, and values that it cannot use, stay in the file as they are. A change
// writes only the fields that it changes, over what the file holds by then, so
// that two programs lose nothing of each other's. Nothing in it is a secret.
//
// Its worst moment is a file that cannot be read: what is damaged is set aside
// under another name, what a newer version wrote is left alone, and the program
// goes on with the defaults and an [Error] that says so.
package settings

import "slices"

// Field names a setting, as the file does.
type Field string

// The settings.
const (
	Name       Field = "name"
	NewFolder  Field = "new_folder"
	SendFolder Field = "send_folder"
	Look       Field = "appearance"
	TextScale  Field = "text_scale"
	Language   Field = "language"
	Limit      Field = "limit"
	Verify     Field = "verify"
	LastRole   Field = "last_role"
)

// Appearance is the window's colours.
type Appearance string

// The appearances. The zero value is the system's.
const (
	SystemColours Appearance = ""
	Light         Appearance = "light"
	Dark          Appearance = "dark"
	HighContrast  Appearance = "high-contrast"
)

// Role is what a device is in a move.
type Role string

// The roles. The zero value means that none was chosen yet.
const (
	NoRole   Role = ""
	OldPhone Role = "old"
	NewPhone Role = "new"
)

var languages = []string{"en", "es", "de", "fr", "pt-BR", "ru", "uk", "zh-Hans"}

// Languages lists the languages that the window speaks, as BCP 47 tags.
func Languages() []string { return slices.Clone(languages) }

// Bounds of the text scale, in percent.
const (
	MinTextScale = 80
	MaxTextScale = 250
)

// Settings are what a person set. The zero value is the defaults.
type Settings struct {
	// Name is how this device shows itself. Empty = its model.
	Name string
	// NewFolder is the folder that is the new phone, SendFolder the one, or the
	// archive, that was sent last. Empty = none was chosen.
	NewFolder, SendFolder string
	Appearance            Appearance
	// TextScale is the size of texts in percent. 0 = 100.
	TextScale int
	// Language is one of Languages. Empty = the system's.
	Language string
	// Limit is the most bytes of content a second. 0 = no limit.
	Limit int64
	// Verify reads everything again on both devices after a move.
	Verify   bool
	LastRole Role
}

// Scale is the factor of the size of texts.
func (s Settings) Scale() float32 {
	if s.TextScale == 0 {
		return 1
	}
	return float32(s.TextScale) / 100
}

// Check reports the first setting that cannot be used, as an *InvalidError.
func (s Settings) Check() error {
	for _, f := range fields {
		if why := f.check(&s); why != nil {
			return why
		}
	}
	return nil
}
