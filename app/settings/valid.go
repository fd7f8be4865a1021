package settings

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/transfer"
)

// Why says what is wrong with a value.
type Why uint8

// What can be wrong with a value.
const (
	NotKnown    Why = iota + 1 // none of those that there are
	NotText                    // bytes that are not text, or characters that cannot be shown
	NotAbsolute                // a path that begins nowhere
	NotANumber                 // not a number with K, M, G or T
	TooLong
	TooSmall
	TooLarge
)

var whys = [...]string{"not valid", "not one that there is", "not text", "not a whole path", "not a number", "too long", "too small", "too large"}

// String returns a word or two for logs and tests.
func (w Why) String() string {
	if int(w) < len(whys) {
		return whys[w]
	}
	return whys[0]
}

// InvalidError means that a value cannot be used for a setting.
type InvalidError struct {
	Field Field
	Why   Why
}

// Error implements error.
func (e *InvalidError) Error() string {
	return "the setting " + string(e.Field) + " is " + e.Why.String()
}

const maxPath = 4096 // bytes

// CleanName makes a text fit to be this device's name: no control characters, white
// space in single spaces, cut to what other devices show. It fails if a text has
// nothing that can be shown; an empty one stands for the model.
func CleanName(s string) (string, error) {
	name := discovery.CleanName(s)
	if name == "" && strings.TrimSpace(s) != "" {
		return "", &InvalidError{Name, NotText}
	}
	return name, nil
}

// CheckFolder reports whether a path can be kept in a setting. It does not look at
// the disk.
func CheckFolder(f Field, path string) error {
	switch {
	case path == "":
		return nil
	case !utf8.ValidString(path) || strings.ContainsRune(path, 0):
		return &InvalidError{f, NotText}
	case len(path) > maxPath:
		return &InvalidError{f, TooLong}
	case !filepath.IsAbs(path):
		return &InvalidError{f, NotAbsolute}
	}
	return nil
}

// CheckAppearance reports whether there is such an appearance.
func CheckAppearance(a Appearance) error {
	return oneOf(Look, a, SystemColours, Light, Dark, HighContrast)
}

// CheckTextScale reports whether texts can have that size, in percent; 0 = 100.
func CheckTextScale(percent int) error {
	switch {
	case percent == 0:
		return nil
	case percent < MinTextScale:
		return &InvalidError{TextScale, TooSmall}
	case percent > MaxTextScale:
		return &InvalidError{TextScale, TooLarge}
	}
	return nil
}

// CheckLanguage reports whether the window speaks a language; empty = the system's.
func CheckLanguage(tag string) error {
	if tag == "" {
		return nil
	}
	return oneOf(Language, tag, languages...)
}

// CheckRole reports whether there is such a role.
func CheckRole(r Role) error { return oneOf(LastRole, r, NoRole, OldPhone, NewPhone) }

// CheckLimit reports whether a move can have that limit; 0 = none.
func CheckLimit(n int64) error {
	switch {
	case n == 0:
		return nil
	case n < transfer.LimitMin:
		return &InvalidError{Limit, TooSmall}
	case n > maxSize:
		return &InvalidError{Limit, TooLarge}
	}
	return nil
}

func oneOf[T comparable](f Field, v T, known ...T) error {
	if !slices.Contains(known, v) {
		return &InvalidError{f, NotKnown}
	}
	return nil
}

// maxSize is the largest size, in bytes.
const maxSize = 999e12

var units = []string{"", "K", "M", "G", "T"}

// ErrNoSize and ErrSizeTooLarge are why ParseSize failed.
var (
	ErrNoSize       = errors.New("not a number of bytes")
	ErrSizeTooLarge = errors.New("more than 999T")
)

// ParseSize reads a number of bytes, as the command line and the settings take
// it: 500M, 2gb, 1000000, at most 999T, and not 0. The letters are powers of
// 1000, as sizes are shown.
func ParseSize(s string) (int64, error) {
	digits, unit := strings.ToUpper(s), uint64(1)
	for i, letter := range units[1:] {
		if d, ok := strings.CutSuffix(strings.TrimSuffix(digits, "B"), letter); ok {
			digits = d
			for range i + 1 {
				unit *= 1000
			}
			break
		}
	}
	switch n, err := strconv.ParseUint(digits, 10, 64); {
	case errors.Is(err, strconv.ErrRange), err == nil && n > maxSize/unit:
		return 0, ErrSizeTooLarge
	case err != nil || n == 0:
		return 0, ErrNoSize
	default:
		return int64(n * unit), nil
	}
}

// ParseLimit reads a limit as a person types it, as --limit takes it: 500K, 20M,
// from 10K to 999T. Nothing, or 0, means none.
func ParseLimit(s string) (int64, error) {
	s = strings.TrimSpace(s)
	if s == "" || s == "0" {
		return 0, nil
	}
	n, err := ParseSize(s)
	switch {
	case errors.Is(err, ErrSizeTooLarge):
		return 0, &InvalidError{Limit, TooLarge}
	case err != nil:
		return 0, &InvalidError{Limit, NotANumber}
	}
	if err := CheckLimit(n); err != nil {
		return 0, err
	}
	return n, nil
}

// FormatLimit writes a limit as ParseLimit reads it: "20M". Empty = none.
func FormatLimit(n int64) string {
	if n <= 0 {
		return ""
	}
	i := 0
	for n%1000 == 0 && i < len(units)-1 {
		n /= 1000
		i++
	}
	return strconv.FormatInt(n, 10) + units[i]
}
