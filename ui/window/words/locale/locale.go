// Package locale gives Fyne a locale that it can read. Fyne looks at it before
// any of our code runs, and logs an error about one that does not parse, such
// as C.UTF-8 and what a person mistyped; such a locale means English here.
//
// It works by being initialized first: it imports nothing that Fyne's
// translations do not import too, and Go initializes what is ready in the order
// of import paths, this before another library that they need.
package locale

import (
	"os"
	"strings"

	"golang.org/x/text/language"
)

func init() {
	for name, value := range mended(os.Getenv) {
		os.Setenv(name, value) // it can fail for a name only, and these are fine
	}
}

// mended returns the variables to set so that all of the locale parses.
func mended(get func(string) string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := get(name); v != "" && v != "C" && v != "POSIX" && !parses(v) {
			out[name] = "en_US.UTF-8"
		}
	}
	if all := get("LANGUAGE"); all != "" {
		var good []string
		for _, v := range strings.Split(all, ":") {
			if parses(v) {
				good = append(good, v)
			}
		}
		if next := strings.Join(good, ":"); next != all {
			out["LANGUAGE"] = next
		}
	}
	return out
}

// parses reports whether a locale, "pt_BR.UTF-8@latin", names a language and
// a country that there are.
func parses(v string) bool {
	v, _, _ = strings.Cut(v, "@")
	v, _, _ = strings.Cut(v, ".")
	_, err := language.Parse(strings.ReplaceAll(v, "_", "-"))
	return err == nil
}
