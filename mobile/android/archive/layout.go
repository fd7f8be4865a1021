package archive

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

const (
	appsFolder = "apps"
	// sharedName is shared storage's place among the apps. No app of that name
	// is unpacked.
	sharedName  = "shared"
	volumeStart = "shared-" // and the volume's number: a folder at the top
	indexName   = "_index"
	indexKV     = "_index.k"
	foldersName = "_folders" // of a folder that is not yet complete
	contentName = "_content" // likewise
	partStart   = "."
	partEnd     = ".part"

	// maxDepth is how many folders may lie in each other.
	maxDepth = 200
)

// reserved are the folders of a folder-phone that are not shared storage.
var reserved = []string{appsFolder, "Contacts", "Calendar", "Messages"}

// described are what says how an app may be backed up, beside its data.
var described = []string{"AndroidManifest.xml", "res"}

// sharedFirst are the folders of shared storage that come first, in this order,
// where no index says otherwise.
var sharedFirst = []string{"DCIM", "Pictures", "Movies", "Music", "Documents", "Download", "Recordings"}

// isReserved reports whether a name at the top of a folder-phone has a meaning
// of its own, on any file system.
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

// packageName reports whether an app may be called so (AOSP
// FrameworkParsingPackageUtils.validateName), and a folder too.
func packageName(s string) bool {
	if s == "" || s[0] == '.' || len(s) > 255-len(partStart+partEnd) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return !strings.EqualFold(s, sharedName)
}

// partName is the folder in which a unit is unpacked.
func partName(pkg string) string {
	if pkg == "" {
		pkg = sharedName
	}
	return appsFolder + "/" + partStart + pkg + partEnd
}

// homeName is the folder in which its index lies.
func homeName(pkg string) string {
	if pkg == "" {
		pkg = sharedName
	}
	return appsFolder + "/" + pkg
}

// indexOf is the name of a unit's index in its home.
func indexOf(u unit) string {
	if u.kv {
		return indexKV
	}
	return indexName
}

// place returns where an entry lies: below an app's folder, or below the top
// for shared storage. It is the one place that decides about names of archives
// and indexes; what says "" is in no folder-phone.
func place(u unit, h *fullbackup.Header) string {
	if !clean(h.Path) || h.Package != u.pkg {
		return ""
	}
	t := domain.Token(h.Domain)
	if u.pkg == "" {
		n, ok := t.Volume()
		if !ok || n >= maxVolumes {
			return ""
		}
		top, _, _ := strings.Cut(h.Path, "/")
		if n == 0 && !isReserved(top) {
			return h.Path
		}
		return volumeStart + strconv.Itoa(n) + "/" + h.Path
	}
	switch {
	case h.Domain == "":
		if h.IsManifest() || h.IsMeta() {
			return h.Path
		}
		return ""
	case u.kv != (t == domain.KeyValue), !clean(h.Domain), strings.Contains(h.Domain, "/"), ownName(h.Domain):
		return ""
	}
	return h.Domain + "/" + h.Path
}

// ownName reports whether a name in an app's folder is not a domain's.
func ownName(s string) bool {
	return slices.ContainsFunc([]string{fullbackup.ManifestName, fullbackup.MetaName, indexName, indexKV, foldersName, contentName},
		func(n string) bool { return strings.EqualFold(n, s) })
}

// clean reports whether p is a path below something: no empty part, no "." and
// "..", nothing this computer reads in another way, and not too deep.
func clean(p string) bool {
	parts := 0
	for part := range strings.SplitSeq(p, "/") {
		if parts++; part == "" || part == "." || part == ".." || parts > maxDepth || strings.IndexByte(part, 0) >= 0 {
			return false
		}
	}
	return true
}

// split returns the folder of p, "" for the top, and the name in it.
func split(p string) (dir, name string) {
	dir, name = path.Split(p)
	return strings.TrimSuffix(dir, "/"), name
}
