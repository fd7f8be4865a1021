package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// maxFolder is the longest escaped name; longer ones become a digest.
const maxFolder = 180

// folderName returns the folder of an app: its name, if that consists of small
// letters, digits, underscores, hyphens and dots. Every other byte is a percent
// sign and two digits, so names that differ in case alone stay apart on every
// disk, and no name has a meaning to one: no slash, no dot at either end, no
// device of Windows. "%h" begins the digest of a name that is too long.
func folderName(pkg string) string {
	device := isDevice(pkg)
	var b strings.Builder
	for i := range len(pkg) {
		c := pkg[i]
		edge := i == 0 || i == len(pkg)-1
		switch {
		case i == 0 && device, c == '.' && edge,
			!(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'):
			fmt.Fprintf(&b, "%%%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	if b.Len() > maxFolder {
		sum := sha256.Sum256([]byte(pkg))
		return "%h" + hex.EncodeToString(sum[:])
	}
	return b.String()
}

// isDevice reports whether Windows takes the name for a device's. It looks at
// what stands before the first dot.
func isDevice(pkg string) bool {
	stem, _, _ := strings.Cut(pkg, ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && stem[3] >= '0' && stem[3] <= '9'
}

// form says what a generation holds.
type form string

const (
	entities form = "entities"
	archive  form = "tar"
)

// generation is a stored file, as its name tells. The zero value = none.
type generation struct {
	number uint64 // from 1 up
	size   int64
	sum    uint32 // CRC-32C
	form   form
}

func (g generation) String() string {
	return fmt.Sprintf("%d-%d-%08x.%s", g.number, g.size, g.sum, g.form)
}

// parseGeneration reads what String wrote, and nothing else.
func parseGeneration(name string) (generation, bool) {
	base, ext, _ := strings.Cut(name, ".")
	parts := strings.Split(base, "-")
	if len(parts) != 3 {
		return generation{}, false
	}
	number, err1 := strconv.ParseUint(parts[0], 10, 63)
	size, err2 := strconv.ParseInt(parts[1], 10, 64)
	sum, err3 := strconv.ParseUint(parts[2], 16, 32)
	g := generation{number, size, uint32(sum), form(ext)}
	if err1 != nil || err2 != nil || err3 != nil || number == 0 || size < 0 || g.String() != name {
		return generation{}, false
	}
	return g, g.form == entities || g.form == archive
}
