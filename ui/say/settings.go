package say

import (
	"errors"

	"github.com/ferry-move/ferry/app/settings"
)

// aboutSettings says what an error of the settings means, or nothing of another.
func (w Words) aboutSettings(err error) (Problem, Fields) {
	var bad *settings.InvalidError
	var e *settings.Error
	switch {
	case errors.As(err, &bad):
		return w.invalid(bad)
	case errors.As(err, &e):
		return w.settingsFile(e)
	}
	return Problem{}, nil
}

func about(p Problem, _ Fields) bool { return p != Problem{} }

func (w Words) settingsFile(e *settings.Error) (Problem, Fields) {
	f := Fields{"File": Path(e.Path)}
	if e.Err != nil {
		f["Cause"] = cause(root(e.Err))
	}
	switch e.Reason {
	case settings.Damaged:
		if e.Aside != "" {
			return Problem{"The settings were damaged, so they are as at first.", "Set them anew; the damaged file is kept as {{.File}}."}, Fields{"File": Path(e.Aside)}
		}
		return Problem{"The settings are damaged, so they are as at first, and nothing can be saved.", "Move away {{.File}} and start again."}, f
	case settings.Newer:
		return Problem{"A newer version of Ferry wrote the settings, so they are as at first here.", "What you set holds until Ferry ends. To use the saved ones, update Ferry."}, nil
	case settings.Unusable:
		return Problem{"Some of the saved settings cannot be used, so they are as at first: {{.Settings}}.", "Choose them anew."}, Fields{"Settings": w.fieldNames(e.Fields)}
	case settings.Unreadable:
		if e.Err == nil {
			return Problem{"The settings cannot be read, so they are as at first.", "Check the permissions of {{.File}} and start again."}, f
		}
		return Problem{"The settings cannot be read, so they are as at first: {{.Cause}}.", "Check the permissions of {{.File}} and start again."}, f
	case settings.Busy:
		return Problem{"Another Ferry is writing the settings, so yours were not saved.", "What you set holds until Ferry ends. They are saved with the next change."}, nil
	}
	const next = "What you set holds until Ferry ends. Check the permissions of {{.File}} and the space on its disk, and change them once more."
	if e.Err == nil {
		return Problem{"The settings cannot be saved.", next}, f
	}
	return Problem{"The settings cannot be saved: {{.Cause}}.", next}, f
}

// fieldName is a setting's name for a person.
func (w Words) fieldName(f settings.Field) string {
	switch f {
	case settings.Name:
		return w.Say("this device's name")
	case settings.NewFolder:
		return w.Say("the folder of the new phone")
	case settings.SendFolder:
		return w.Say("the folder to send")
	case settings.Look:
		return w.Say("the appearance")
	case settings.TextScale:
		return w.Say("the text size")
	case settings.Language:
		return w.Say("the language")
	case settings.Limit:
		return w.Say("the speed limit")
	case settings.Verify:
		return w.Say("the verification")
	case settings.LastRole:
		return w.Say("old or new phone")
	}
	return string(f)
}

func (w Words) fieldNames(names []settings.Field) string {
	var out []string
	for _, f := range names {
		out = append(out, w.fieldName(f))
	}
	return w.List(out)
}

func (w Words) invalid(e *settings.InvalidError) (Problem, Fields) {
	folder := e.Field == settings.NewFolder || e.Field == settings.SendFolder
	switch {
	case e.Field == settings.Limit && e.Why == settings.TooSmall:
		return Problem{"That limit is too small.", "10K is the least; empty is no limit."}, nil
	case e.Field == settings.Limit && e.Why == settings.TooLarge:
		return Problem{"That limit is too large.", "999T is the most; empty is no limit."}, nil
	case e.Field == settings.Limit:
		return Problem{"That is not a speed limit.", "Write a number of bytes a second, such as 500K, 20M or 1G; empty is no limit."}, nil
	case e.Field == settings.Name:
		return Problem{"That name has characters that cannot be shown.", "Use letters, digits or signs; empty is this model's name."}, nil
	case folder && e.Why == settings.NotText:
		return Problem{"That folder's path cannot be kept: it is not text.", "Choose another folder."}, nil
	case folder && e.Why == settings.NotAbsolute:
		return Problem{"That folder's path cannot be kept: it is not a whole path.", "Choose another folder."}, nil
	case folder && e.Why == settings.TooLong:
		return Problem{"That folder's path cannot be kept: it is too long.", "Choose another folder."}, nil
	case folder:
		return Problem{"That folder's path cannot be kept.", "Choose another folder."}, nil
	}
	return Problem{"That cannot be used for {{.Setting}}.", "Choose one of those that are offered."}, Fields{"Setting": w.fieldName(e.Field)}
}
