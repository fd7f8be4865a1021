// Package domain names the places of an Android app's data. An archive says
// apps/PACKAGE/TOKEN/PATH; an app's rules say <include domain="NAME"
// path="PATH">; on the phone it is a folder below the app's data directory.
// This package holds that table, and what is true of a place whatever the rules
// say: which are never backed up, and which no archive may restore into.
//
// It is pure: it looks at names only, never at a disk. Sources: AOSP FullBackup,
// BackupAgent, FullRestoreEngine.
//
// The worst moment is an archive whose paths lead out of the app's folder.
// [CheckRestore] is the one place that decides, before a path is joined to
// anything.
package domain

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Token is a domain's name in an archive. [Known] tells ours from others.
type Token string

// The domains. The ones that begin with Device lie in storage that is open
// before the phone's first unlock.
const (
	Root              Token = "r"
	Files             Token = "f"
	Databases         Token = "db"
	SharedPrefs       Token = "sp"
	NoBackup          Token = "nb"
	Cache             Token = "c"
	DeviceRoot        Token = "d_r"
	DeviceFiles       Token = "d_f"
	DeviceDatabases   Token = "d_db"
	DeviceSharedPrefs Token = "d_sp"
	DeviceNoBackup    Token = "d_nb"
	DeviceCache       Token = "d_c"
	// External is the app's own folder on shared storage.
	External Token = "ef"
	// OBB is the app's expansion files.
	OBB Token = "obb"
	// APK is the app itself.
	APK Token = "a"
	// KeyValue is the stream of key/value records within an .ab file.
	KeyValue Token = "k"
)

const (
	devicePrefix = "d_"
	sharedPrefix = "shared/"
)

// place is a row of the table.
type place struct {
	xml    string // in rules; "" = rules cannot name it
	folder string // below the data directory; "" = that directory itself
	twin   Token  // in device-protected storage; "" = none
}

// table has the domains of credential-protected storage and those outside the
// data directory. Their device-protected twins follow from it.
var table = map[Token]place{
	Root:        {"root", "", DeviceRoot},
	Files:       {"file", "files", DeviceFiles},
	Databases:   {"database", "databases", DeviceDatabases},
	SharedPrefs: {"sharedpref", "shared_prefs", DeviceSharedPrefs},
	NoBackup:    {"", "no_backup", DeviceNoBackup},
	Cache:       {"", "cache", DeviceCache},
	External:    {"external", "", ""},
	OBB:         {"", "", ""},
	APK:         {"", "", ""},
	KeyValue:    {"", "", ""},
}

// owners finds a domain by its folder.
var owners = map[string]Token{
	"files": Files, "databases": Databases, "shared_prefs": SharedPrefs, "no_backup": NoBackup, "cache": Cache,
}

// Order is the order in which Android's default agent backs the domains up.
func Order() []Token {
	return []Token{Root, DeviceRoot, Files, DeviceFiles, Databases, DeviceDatabases, SharedPrefs, DeviceSharedPrefs, External}
}

// Shared is the token of shared storage volume n; 0 is the phone's own.
func Shared(n int) Token { return Token(sharedPrefix + strconv.Itoa(n)) }

// Volume returns n of [Shared](n).
func (t Token) Volume() (n int, ok bool) {
	s, ok := strings.CutPrefix(string(t), sharedPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || strconv.Itoa(n) != s {
		return 0, false
	}
	return n, true
}

// Device reports whether t lies in device-protected storage.
func (t Token) Device() bool {
	c := t.Credential()
	return c != t
}

// Credential returns the twin of t in credential-protected storage: t itself if
// it is there, or if it has no twin.
func (t Token) Credential() Token {
	s, ok := strings.CutPrefix(string(t), devicePrefix)
	if p, known := table[Token(s)]; ok && known && p.twin == t {
		return Token(s)
	}
	return t
}

// Protected returns the twin of t in device-protected storage; ok is false if t
// has none.
func (t Token) Protected() (twin Token, ok bool) {
	if t.Device() {
		return t, true
	}
	twin = table[t].twin
	return twin, twin != ""
}

// Known reports whether t is one of this package's, a volume of shared storage
// included. Vendors have more.
func (t Token) Known() bool {
	_, ok := table[t.Credential()]
	if !ok {
		_, ok = t.Volume()
	}
	return ok
}

// XMLName returns what rules call t, "" if they cannot name it.
func (t Token) XMLName() string {
	name := table[t.Credential()].xml
	if name != "" && t.Device() {
		return "device_" + name
	}
	return name
}

// FromXML finds a domain by its name in rules.
func FromXML(name string) (Token, bool) {
	if name == "" {
		return "", false
	}
	for _, t := range Order() {
		if t.XMLName() == name {
			return t, true
		}
	}
	return "", false
}

// Folder returns where t lies below the app's data directory, "" for that
// directory itself; inside is false for domains that are elsewhere.
func (t Token) Folder() (name string, inside bool) {
	c := t.Credential()
	p := table[c]
	return p.folder, p.folder != "" || c == Root
}

// Canonical turns a place below the root domain that has a domain of its own
// into that: r, "files/a" is f, "a". All else stays. The path must be clean.
func Canonical(t Token, path string) (Token, string) {
	if t.Credential() != Root {
		return t, path
	}
	first, rest, _ := strings.Cut(path, "/")
	if first == "" {
		return t, path
	}
	own, ok := owners[first]
	if !ok {
		return t, path
	}
	if t.Device() {
		own = table[own].twin
	}
	return own, rest
}

// never lists folders directly below the data directory that are never backed
// up: caches, what the app keeps out itself, and its native code.
var never = []string{"cache", "code_cache", "no_backup", "lib"}

// NeverBackedUp reports whether a place is left out whatever an app's rules
// say: caches, no_backup, code_cache and native code, in either storage.
// Android's own walk can be led below them by an include that begins there;
// its documentation says they are excluded, and here they are.
func NeverBackedUp(t Token, path string) bool {
	switch t, path = Canonical(t, path); t.Credential() {
	case Cache, NoBackup:
		return true
	case Root:
		first, _, _ := strings.Cut(path, "/")
		return slices.Contains(never, first)
	}
	return false
}

// ElsewhereOf reports whether a path in the root domain belongs to another
// domain, which the default agent therefore leaves to that.
func ElsewhereOf(t Token, path string) bool {
	own, _ := Canonical(t, path)
	return own != t
}

var (
	// ErrUnsafe: a path that could lead out of its domain, or that no file
	// system holds.
	ErrUnsafe = errors.New("the path leads out of the app's folder")
	// ErrDots: a harmless path with two dots somewhere in a name. Android
	// refuses those as well.
	ErrDots = errors.New("the path has two dots in a name")
	// ErrNotRestored: a place whose content Android drops: caches and
	// no_backup.
	ErrNotRestored = errors.New("this folder is never restored")
	// ErrUnknown: a domain that is not in the table.
	ErrUnknown = errors.New("the domain is unknown")
)

// CheckRestore decides whether an archive may restore into a place: nil, or one
// of the errors of this package. An empty path is the domain's folder itself.
// ErrDots comes last: a caller for whom Android's caution is a loss may pass
// over it.
func CheckRestore(t Token, path string) error {
	switch {
	case !t.Known():
		return ErrUnknown
	case strings.HasPrefix(path, "/"), strings.Contains(path, "//"), strings.ContainsRune(path, 0):
		return ErrUnsafe
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." || part == "." {
			return ErrUnsafe
		}
	}
	switch t.Credential() {
	case Cache, NoBackup:
		return ErrNotRestored
	case Root: // of r/cache Android restores what it finds
		if strings.HasPrefix(path, "no_backup/") {
			return ErrNotRestored
		}
	}
	if strings.Contains(path, "..") {
		return ErrDots
	}
	return nil
}
