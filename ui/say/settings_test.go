package say

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/app/settings"
)

// Every error of the settings is a sentence of its own with a next step.
func TestSettings(t *testing.T) {
	seen := map[string]bool{}
	check := func(what any, err error, want string) {
		t.Helper()
		p := Error(err)
		if !strings.HasSuffix(p.What, ".") || !strings.HasSuffix(p.Next, ".") || !strings.Contains(p.String(), want) || strings.HasPrefix(p.What, "It failed") {
			t.Errorf("%v: %q", what, p)
		}
		if seen[p.String()] {
			t.Errorf("%v: %q says it of two", what, p)
		}
		seen[p.String()] = true
	}
	full := &os.PathError{Op: "write", Path: "/home/anna", Err: syscall.ENOSPC}
	for reason, want := range map[settings.Reason]string{
		settings.Newer: "update Ferry", settings.Unusable: "the language, the speed limit", settings.Unreadable: "Check the permissions of /h/settings.json",
		settings.Unwritable: "no space left on device", settings.Busy: "Another Ferry", settings.Damaged: "Move away /h/settings.json",
	} {
		check(reason, &settings.Error{Reason: reason, Path: "/h/settings.json", Fields: []settings.Field{settings.Language, settings.Limit}, Err: full}, want)
	}
	check("set aside", &settings.Error{Reason: settings.Damaged, Aside: "/h/aside"}, "is kept as /h/aside")
	for _, f := range []settings.Field{
		settings.Name, settings.Look, settings.TextScale, settings.Language, settings.Verify, settings.LastRole,
	} {
		check(f, &settings.InvalidError{Field: f, Why: settings.NotKnown}, "")
	}
	for why, want := range map[settings.Why]string{settings.TooSmall: "10K", settings.TooLarge: "999T", settings.NotANumber: "500K"} {
		check(why, &settings.InvalidError{Field: settings.Limit, Why: why}, want)
	}
	for why, want := range map[settings.Why]string{settings.NotText: "not text", settings.NotAbsolute: "not a whole path", settings.TooLong: "too long"} {
		check(why, &settings.InvalidError{Field: settings.NewFolder, Why: why}, want)
	}
	check("over another", history.ErrExists, "another name")
}
