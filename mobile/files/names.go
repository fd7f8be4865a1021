package files

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Profile says which names a storage takes.
type Profile uint8

const (
	// Posix takes any bytes but NUL and the slash. Where the file system turns
	// out to refuse a name, it is mapped as Portable does.
	Posix Profile = iota
	// Portable is what FAT, exFAT, NTFS and Android's shared storage take.
	Portable
)

const (
	// MaxDepth is the most components that a key may have.
	MaxDepth = 128
	// maxName is the longest component in bytes. No file system in use takes
	// more, and encrypted ones take shortName.
	maxName   = 255
	shortName = 140
	// maxExt is the longest ending, with its dot, that shortening keeps.
	maxExt = 20
)

var errStructure = errors.New("no path below a folder")

// MapKey returns the key under which a storage of profile p keeps an item: key
// itself unless a component of it is dangerous or cannot be written there. The
// result only depends on key and p, and MapKey returns it unchanged.
//
// Refused with [backup.BadName] is what is no plain path below a folder: an
// empty key, one longer than [backup.MaxKey] before or after mapping or deeper
// than [MaxDepth], an absolute one, an empty component, "." and "..", NUL.
//
// Always mapped are control characters, the characters that reorder text or
// break lines, and the backslash, each byte to %XX; the names of this
// package's temporary files, to a leading underscore; components longer than
// 255 bytes, cut at a character, keeping the ending.
//
// With [Portable] these are mapped too: : * ? " < > | and bytes that are not
// UTF-8, and a dot or a space at the end, to %XX; the names of devices (CON,
// nul.txt), to a leading underscore.
func MapKey(key backup.Key, p Profile) (backup.Key, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	parts := strings.Split(string(key), "/")
	for i, c := range parts {
		parts[i] = mapName(c, p, maxName)
	}
	mapped := backup.Key(strings.Join(parts, "/"))
	if len(mapped) > backup.MaxKey {
		return "", fmt.Errorf("%w: too long", backup.BadName)
	}
	return mapped, nil
}

// isTooDeep reports whether key has more components, or more bytes, than a key may have.
func isTooDeep(key backup.Key) bool {
	return len(key) > backup.MaxKey || strings.Count(string(key), "/") >= MaxDepth
}

// checkKey refuses what is no plain path below a folder.
func checkKey(key backup.Key) error {
	switch {
	case isTooDeep(key):
		return fmt.Errorf("%w: too deep", backup.BadName)
	case strings.IndexByte(string(key), 0) >= 0:
		return fmt.Errorf("%w: %w", backup.BadName, errStructure)
	}
	for c := range strings.SplitSeq(string(key), "/") {
		if c == "" || c == "." || c == ".." {
			return fmt.Errorf("%w: %w", backup.BadName, errStructure)
		}
	}
	return nil
}

// mapName maps one component to at most limit bytes. Each step may make room
// for another (a cut can bare a space), so they repeat until none applies.
func mapName(name string, p Profile, limit int) string {
	name = escape(name, p)
	for {
		next := name
		if p == Portable {
			next = mapEnd(next)
			if isDevice(next) {
				next = "_" + next
			}
		}
		if isTemp(next) {
			next = "_" + next
		}
		if len(next) > limit {
			stem, ext := splitExt(next)
			next = cut(stem, limit-len(ext)) + ext
		}
		if next == name {
			return name
		}
		name = next
	}
}

// escape replaces what no name may hold by %XX for each of its bytes.
func escape(name string, p Profile) string {
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		bad := forbidden(r, p)
		if r == utf8.RuneError && n == 1 {
			bad = p == Portable
		}
		for _, c := range []byte(name[i : i+n]) {
			if bad {
				fmt.Fprintf(&b, "%%%02X", c)
			} else {
				b.WriteByte(c)
			}
		}
		i += n
	}
	return b.String()
}

func forbidden(r rune, p Profile) bool {
	switch {
	case r < 0x20, r >= 0x7F && r <= 0x9F, r == '\\': // controls
		return true
	case r == 0x061C, r == 0x200E, r == 0x200F, r >= 0x2028 && r <= 0x202E, r >= 0x2066 && r <= 0x2069: // direction, line ends
		return true
	}
	return p == Portable && strings.ContainsRune(`:*?"<>|`, r)
}

// mapEnd escapes a dot or a space at the end, which Windows drops.
func mapEnd(name string) string {
	last := len(name) - 1
	if c := name[last]; c == '.' || c == ' ' {
		return fmt.Sprintf("%s%%%02X", name[:last], c)
	}
	return name
}

// isDevice reports whether Windows takes name for a device, with or without an
// ending.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	digit, ok := strings.CutPrefix(base, "COM")
	if !ok {
		digit, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && utf8.RuneCountInString(digit) == 1 && strings.Contains("0123456789¹²³", digit)
}

// cut shortens s to at most limit bytes, at a character as far as s is UTF-8,
// and leaves no space or dot at the end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := limit
	for n > limit-utf8.UTFMax+1 && !utf8.RuneStart(s[n]) {
		n--
	}
	s = s[:n]
	if c := s[n-1]; c == '.' || c == ' ' {
		s = s[:n-1] + "_"
	}
	return s
}

// splitExt splits a file's name before its ending, if it has one worth keeping.
func splitExt(name string) (stem, ext string) {
	ext = path.Ext(name)
	if len(ext) < 2 || len(ext) > maxExt || len(ext) == len(name) {
		return name, ""
	}
	return name[:len(name)-len(ext)], ext
}

// numbered returns the i-th name to try for a file: "a.txt", "a (1).txt" …
func numbered(name string, i, limit int) string {
	if i == 0 {
		return name
	}
	stem, ext := splitExt(name)
	return numberedDir(stem, i, limit-len(ext)) + ext
}

// numberedDir does the same for a folder, whose dots end nothing.
func numberedDir(name string, i, limit int) string {
	if i == 0 {
		return name
	}
	tail := fmt.Sprintf(" (%d)", i)
	return cut(name, limit-len(tail)) + tail
}

// form is one way to write a name.
type form struct {
	name  string
	limit int // bytes
}

// forms returns the ways to write a mapped name, for file systems that refuse
// the first.
func forms(name string, p Profile) []form {
	all := []form{
		{name, maxName},
		{mapName(name, Portable, maxName), maxName},
		{mapName(name, Portable, shortName), shortName},
	}
	if p == Portable {
		all = slices.Delete(all, 1, 2)
	}
	return slices.CompactFunc(all, func(a, b form) bool { return a.name == b.name })
}

const (
	tempPrefix = ".ferry-"
	tempSuffix = ".part"
	tempDigits = 16
)

// isTemp reports whether name has the form of this package's temporary files.
func isTemp(name string) bool {
	digits, ok := strings.CutPrefix(name, tempPrefix)
	if !ok {
		return false
	}
	digits, ok = strings.CutSuffix(digits, tempSuffix)
	return ok && len(digits) == tempDigits && strings.Trim(digits, "0123456789abcdef") == ""
}

// splitKey splits a key into its folder ("" = the top) and its last component.
func splitKey(key string) (dir, name string) {
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		return key[:i], key[i+1:]
	}
	return "", key
}

func joinKey(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
