package say

import (
	"errors"

	"github.com/ferry-move/ferry/app/settings"
)

// aboutSettings says what an error of the settings means, or nothing of another.
func aboutSettings(err error) Problem {
	var bad *settings.InvalidError
	var e *settings.Error
	switch {
	case errors.As(err, &bad):
		return invalid(bad)
	case errors.As(err, &e):
		return settingsFile(e)
	}
	return Problem{}
}

func settingsFile(e *settings.Error) Problem {
	const thisRun = "What you set holds until ferry ends. "
	why := ""
	if e.Err != nil {
		why = ": " + cause(root(e.Err))
	}
	switch e.Reason {
	case settings.Damaged:
		if e.Aside != "" {
			return Problem{"The settings were damaged, so they are as at first.", "Set them anew; the damaged file is kept as " + Path(e.Aside) + "."}
		}
		return Problem{"The settings are damaged, so they are as at first, and nothing can be saved.", "Move away " + Path(e.Path) + " and start again."}
	case settings.Newer:
		return Problem{"A newer version of ferry wrote the settings, so they are as at first here.", thisRun + "To use the saved ones, update ferry."}
	case settings.Unusable:
		return Problem{"Some of the saved settings cannot be used, so they are as at first: " + fieldNames(e.Fields) + ".", "Choose them anew."}
	case settings.Unreadable:
		return Problem{"The settings cannot be read, so they are as at first" + why + ".", "Check the permissions of " + Path(e.Path) + " and start again."}
	case settings.Busy:
		return Problem{"Another ferry is writing the settings, so yours were not saved.", thisRun + "They are saved with the next change."}
	}
	return Problem{"The settings cannot be saved" + why + ".", thisRun + "Check the permissions of " + Path(e.Path) + " and the space on its disk, and change them once more."}
}

// fields are the settings' names for a person.
var fields = map[settings.Field]string{
	settings.Name: "this device's name", settings.NewFolder: "the folder of the new phone", settings.SendFolder: "the folder to send",
	settings.Look: "the appearance", settings.TextScale: "the text size", settings.Language: "the language", settings.Limit: "the speed limit",
	settings.Verify: "the verification", settings.LastRole: "old or new phone",
}

func fieldNames(names []settings.Field) string {
	text := ""
	for i, f := range names {
		if i > 0 {
			text += ", "
		}
		text += fields[f]
	}
	return text
}

func invalid(e *settings.InvalidError) Problem {
	switch {
	case e.Field == settings.Limit && e.Why == settings.TooSmall:
		return Problem{"That limit is too small.", "10K is the least; empty is no limit."}
	case e.Field == settings.Limit && e.Why == settings.TooLarge:
		return Problem{"That limit is too large.", "999T is the most; empty is no limit."}
	case e.Field == settings.Limit:
		return Problem{"That is not a speed limit.", "Write a number of bytes a second, such as 500K, 20M or 1G; empty is no limit."}
	case e.Field == settings.Name:
		return Problem{"That name has characters that cannot be shown.", "Use letters, digits or signs; empty is this model's name."}
	case e.Field == settings.NewFolder || e.Field == settings.SendFolder:
		return Problem{"That folder's path cannot be kept: it is " + e.Why.String() + ".", "Choose another folder."}
	}
	return Problem{"That cannot be used for " + fields[e.Field] + ".", "Choose one of those that are offered."}
}
