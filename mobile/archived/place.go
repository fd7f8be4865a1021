package archived

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/files"
)

const (
	// maxName is the longest name of a package in bytes, Android's own limit.
	maxName = 223
	// maxVolumes is far more than a phone has.
	maxVolumes  = 64
	volumeStart = "shared-"
)

// validName reports whether the new phone takes an app of that name. "shared"
// is no app there.
func validName(s string) bool {
	if s == "" || len(s) > maxName || strings.EqualFold(s, "shared") {
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

// reserved are the folders at the top of a phone that are not shared storage.
var reserved = []string{apps.Folder, "Contacts", "Calendar", "Messages"}

// isReserved reports whether a name at the top of a phone has a meaning of its
// own, on any file system.
func isReserved(name string) bool {
	if slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }) {
		return true
	}
	if len(name) <= len(volumeStart) || !strings.EqualFold(name[:len(volumeStart)], volumeStart) {
		return false
	}
	_, err := strconv.ParseUint(name[len(volumeStart):], 10, 64)
	return err == nil
}

// sharedKey returns the key of what lies on a volume of shared storage.
func sharedKey(token domain.Token, path string) (backup.Key, bool) {
	n, ok := token.Volume()
	if !ok || n >= maxVolumes {
		return backup.Key(path), false
	}
	if top, _, _ := strings.Cut(path, "/"); n == 0 && !isReserved(top) {
		return backup.Key(path), true
	}
	return backup.Key(volumeStart + strconv.Itoa(n) + "/" + path), true
}

// fits reports whether the new phone takes the key of a file or a folder.
func fits(k backup.Key) bool {
	return len(k) <= backup.MaxKey && strings.Count(string(k), "/") < files.MaxDepth
}

// cut shortens a key that only has to name what cannot move.
func cut(k backup.Key) backup.Key {
	return backup.Key(strings.Clone(string(k[:min(len(k), backup.MaxKey)])))
}

// agents reports whether a place is the app's own agent's to restore.
func agents(t domain.Token) bool { return t == domain.OBB || slices.Contains(order, t) }

var order = domain.Order()

// ownName reports whether a name in an app's folder is no domain's.
func ownName(s string) bool {
	return slices.ContainsFunc([]string{fullbackup.ManifestName, fullbackup.MetaName, "_index", "_index.k", "_folders", "_content"},
		func(n string) bool { return strings.EqualFold(n, s) })
}

// reasonOf says why an entry that the tar's reader refuses does not move, 0 if
// nothing is lost with it, and whether its app cannot be whole without it.
func reasonOf(r fullbackup.Reason) (reason backup.Reason, spoils bool) {
	switch r {
	case fullbackup.Link, fullbackup.Device:
		return backup.NotRegular, false
	case fullbackup.BadName, fullbackup.NoDomain, fullbackup.BadPackage, fullbackup.Outside: // Android drops them
		return backup.BadName, false
	case fullbackup.LongName:
		return backup.BadName, true
	case fullbackup.TooLarge:
		return backup.TooLarge, true
	case fullbackup.Sparse, fullbackup.UnknownType, fullbackup.BinarySize:
		return backup.Malformed, true
	case fullbackup.BadExtended, fullbackup.Checksum, fullbackup.BadNumber:
		return backup.Damaged, true
	}
	return 0, false
}
