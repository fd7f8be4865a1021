package discovery

import "runtime"

// Form is what a device looks like.
type Form uint8

const (
	NoForm   Form = iota // it did not say, or something that is not known here
	Handset              // a phone or a tablet
	Computer             // a desktop or a laptop
)

var forms = [...]string{"", "phone", "computer"}

// String returns the word that is announced, empty for NoForm.
func (f Form) String() string {
	if int(f) >= len(forms) {
		return ""
	}
	return forms[f]
}

// parseForm reads what String wrote.
func parseForm(s string) Form {
	for f, word := range forms {
		if word == s {
			return Form(f)
		}
	}
	return NoForm
}

// ownForm is the form of this device.
func ownForm() Form {
	switch runtime.GOOS {
	case "android", "ios":
		return Handset
	}
	return Computer
}
