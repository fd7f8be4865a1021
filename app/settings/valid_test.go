package settings

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// wants is what a test wants of a check: 0 = that it passes.
func wants(t *testing.T, what any, err error, f Field, why Why) {
	t.Helper()
	var bad *InvalidError
	switch {
	case why == 0 && err != nil, why != 0 && !errors.As(err, &bad), bad != nil && (bad.Field != f || bad.Why != why):
		t.Errorf("%q: %v; want %s %d", what, err, f, why)
	}
}

func TestCleanName(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "  ": "", "Pixel 9": "Pixel 9", "  a\t\n b ": "a b", "普通话": "普通话", "a\x1b[2J": "a[2J", "a\u202eb": "ab", "\xffx": "x",
		strings.Repeat("n", 500): strings.Repeat("n", 64), "👩‍👩‍👧": "👩‍👩‍👧",
	} {
		got, err := CleanName(text)
		if got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if again, err := CleanName(got); again != got || err != nil {
			t.Errorf("%q changes when it is cleaned again: %q, %v", got, again, err)
		}
	}
	_, err := CleanName("\x1b\u202e")
	wants(t, "nothing to show", err, Name, NotText)
}

func TestChecks(t *testing.T) {
	abs := t.TempDir()
	for path, why := range map[string]Why{
		"": 0, abs: 0, filepath.Join(abs, "旧い"): 0, "phone": NotAbsolute, abs + "\xff": NotText, abs + "\x00": NotText,
		filepath.Join(abs, strings.Repeat("x", maxPath)): TooLong,
	} {
		wants(t, path, CheckFolder(NewFolder, path), NewFolder, why)
	}
	for n, why := range map[int]Why{0: 0, 100: 0, MinTextScale: 0, MaxTextScale: 0, MinTextScale - 1: TooSmall, -100: TooSmall, MaxTextScale + 1: TooLarge} {
		wants(t, n, CheckTextScale(n), TextScale, why)
	}
	for tag, why := range map[string]Why{"": 0, "pt-BR": 0, "zh-Hans": 0, "pt-br": NotKnown, "C": NotKnown, "xx": NotKnown} {
		wants(t, tag, CheckLanguage(tag), Language, why)
	}
	for _, tag := range Languages() {
		wants(t, tag, CheckLanguage(tag), Language, 0)
	}
	for a, why := range map[Appearance]Why{"": 0, Light: 0, Dark: 0, HighContrast: 0, "pink": NotKnown} {
		wants(t, a, CheckAppearance(a), Look, why)
	}
	for r, why := range map[Role]Why{"": 0, OldPhone: 0, NewPhone: 0, "both": NotKnown} {
		wants(t, r, CheckRole(r), LastRole, why)
	}
	for n, why := range map[int64]Why{0: 0, 10_000: 0, 999e12: 0, 9_999: TooSmall, -1: TooSmall, 999e12 + 1: TooLarge} {
		wants(t, n, CheckLimit(n), Limit, why)
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]any{
		"": 0, "0": 0, " 20M ": 20_000_000, "500k": 500_000, "1G": 1_000_000_000, "20mb": 20_000_000, "999T": 999_000_000_000_000, "10000": 10_000,
		"9K": TooSmall, "1": TooSmall, "1000T": TooLarge, "99999999999999999999": TooLarge,
		"fast": NotANumber, "-1M": NotANumber, "00": NotANumber, "20Mi": NotANumber, "1e6": NotANumber, "2 M": NotANumber,
	} {
		n, err := ParseLimit(text)
		if why, bad := want.(Why); bad {
			wants(t, text, err, Limit, why)
			continue
		}
		if err != nil || n != int64(want.(int)) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
		if again, err := ParseLimit(FormatLimit(n)); again != n || err != nil {
			t.Errorf("%d is written as %q, which reads as %d, %v", n, FormatLimit(n), again, err)
		}
	}
	for n, want := range map[int64]string{0: "", 20_000_000: "20M", 1_500_000: "1500K", 10_001: "10001", 999e12: "999T", 5e15: "5000T"} {
		if got := FormatLimit(n); got != want {
			t.Errorf("%d: %q; want %q", n, got, want)
		}
	}
}

// FuzzCleanName: what is left is shown whole by other devices, and stays as it is.
func FuzzCleanName(f *testing.F) {
	f.Add("Pixel 9")
	f.Add("\u202e\xff a\u0301\u0301\u0301\u0301\u0301\u0301")
	f.Fuzz(func(t *testing.T, s string) {
		name, err := CleanName(s)
		if err != nil && name != "" {
			t.Fatal("an error with a name")
		}
		if again, err := CleanName(name); again != name || err != nil || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 64 {
			t.Fatalf("%q: %q, %q, %v", s, name, again, err)
		}
	})
}
