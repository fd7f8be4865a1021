package fullbackup

import "strings"

// name is a full name taken apart.
type name struct {
	full              string // what the parts make again
	pkg, domain, path string
	control           bool // holds control characters
}

// splitName takes a full name apart and refuses what must not be written to
// anybody's disk. Two habits of other tars are forgiven: "./" before the name,
// and a slash after that of a directory.
func splitName(full string, dir bool) (name, Reason) {
	if len(full) > MaxPath {
		return name{}, LongName
	}
	if rest, ok := strings.CutPrefix(full, "./"); ok {
		if full = rest; full == "" && dir {
			return name{}, Parent
		}
	}
	if dir {
		if full == "." {
			return name{}, Parent
		}
		full = strings.TrimSuffix(full, "/")
	}
	ok, control := checkParts(full)
	if !ok {
		return name{}, BadName
	}
	missing := NoDomain // the reason if a part of the name is missing
	if dir {
		missing = Parent
	}
	top, rest, more := strings.Cut(full, "/")
	switch {
	case top != "apps" && top != "shared":
		return name{}, Outside
	case !more:
		return name{}, missing
	}
	first, rest, more := strings.Cut(rest, "/")
	if top == "shared" {
		if !more {
			return name{}, missing
		}
		return name{full, "", full[:len("shared/")+len(first)], rest, control}, 0
	}
	switch {
	case !validPackage(first):
		return name{}, BadPackage
	case !more:
		return name{}, missing
	case rest == ManifestName || rest == MetaName:
		if dir {
			return name{}, BadName
		}
		return name{full, first, "", rest, control}, 0
	}
	token, path, more := strings.Cut(rest, "/")
	if !more {
		return name{}, missing
	}
	return name{full, first, token, path, control}, 0
}

// checkParts refuses empty parts, ".", ".." and NUL. Any other byte may stand
// in a name; control characters are reported.
func checkParts(full string) (ok, control bool) {
	start := 0
	for i := 0; i <= len(full); i++ {
		if i == len(full) || full[i] == '/' {
			switch full[start:i] {
			case "", ".", "..":
				return false, false
			}
			start = i + 1
			continue
		}
		if c := full[i]; c < 0x20 || c == 0x7f {
			if c == 0 {
				return false, false
			}
			control = true
		}
	}
	return true, control
}

// validPackage allows what Android allows in a package's name (AOSP
// FrameworkParsingPackageUtils.validateName), and hyphens.
func validPackage(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}
