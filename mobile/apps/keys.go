package apps

import (
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Kind is the kind of this package's items.
const Kind backup.Kind = "apps"

// Folder is the folder at the top of the phone that holds the apps.
const Folder = "apps"

// maxName is the longest name of a package in bytes, Android's own limit.
const maxName = 223

// part says what a key names.
type part uint8

const (
	wholeApp part = iota
	file
	record
)

// splitKey takes a key apart. rest is the path below the package's folder, or
// the entity's key. ok is false for what is no key of this package.
func splitKey(k backup.Key) (pkg, rest string, p part, ok bool) {
	s := string(k)
	i := strings.IndexAny(s, "/:")
	switch {
	case i < 0:
		pkg = s
	case s[i] == '/':
		pkg, rest, p = s[:i], s[i+1:], file
	default:
		pkg, rest, p = s[:i], s[i+1:], record
	}
	return pkg, rest, p, validName(pkg) && (i < 0 || rest != "")
}

// validName reports whether s can be a package's folder: letters, digits, dots,
// hyphens and low lines, with a letter first.
func validName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')) {
			return false
		}
	}
	return true
}

// Whole returns the package that a key is a part of.
func Whole(k backup.Key) backup.Key {
	pkg, _, _, _ := splitKey(k)
	return backup.Key(pkg)
}

// Whole implements [backup.Wholer].
func (*Agent) Whole(k backup.Key) backup.Key { return Whole(k) }
