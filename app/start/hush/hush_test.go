package hush

import (
	"bytes"
	"log"
	"testing"
)

func TestFilter(t *testing.T) {
	for name, c := range map[string]struct {
		say   []string
		want  string
		cause Cause
	}{
		"a locale":       {[]string{"Fyne error:  Error parsing user locale C", "  Cause: language: tag is not well-formed", "  At: locale.go:35"}, "", 0},
		"then a thread":  {[]string{"Fyne error:  Error parsing user locale C", "  At: locale.go:35", "*** Error in Fyne call thread, this", "  From: main.go:3"}, "*** Error in Fyne call thread, this\n  From: main.go:3\n", 0},
		"an old notice":  {[]string{"*** This application has not been migrated to the fyne.Do threading model ***"}, "", 0},
		"preferences":    {[]string{"Fyne error:  Preferences load error:", "  Cause: EOF", "  At: preferences.go:105"}, "", 0},
		"no display":     {[]string{"Fyne error:  failed to initialise GLFW", "  Cause: X11"}, "", NoDisplay},
		"no GL":          {[]string{"Fyne error:  window creation error", "  Cause: GLX"}, "", NoGL},
		"another error":  {[]string{"Fyne error:  Failed to compile shader", "  Cause: this", "  At: there"}, "Fyne error:  Failed to compile shader\n  Cause: this\n  At: there\n", 0},
		"a name in text": {[]string{"the window creation error of somebody else"}, "the window creation error of somebody else\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			var got Cause
			f := &Filter{}
			f.To(&out, func(c Cause) { got = c })
			l := log.New(f, "", 0)
			stamped := log.New(f, "", log.LstdFlags)
			for _, s := range c.say {
				l.Println(s)
			}
			if out.String() != c.want || got != c.cause {
				t.Errorf("%q, %d", out.String(), got)
			}
			if c.want == "" {
				for _, s := range c.say {
					stamped.Println(s)
				}
				if out.Len() > 0 {
					t.Errorf("with a time: %q", out.String())
				}
			}
		})
	}
}

// The standard log goes through the filter from the first moment.
func TestStandardLog(t *testing.T) {
	if log.Writer() != Log {
		t.Error("the standard log does not go through the filter")
	}
}
