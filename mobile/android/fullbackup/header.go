package fullbackup

const (
	// MaxPath is the longest full name of an entry in bytes (Linux PATH_MAX).
	MaxPath = 4096
	// MaxMetadata is the largest _manifest, _meta, and datum of a _meta in
	// bytes (AOSP TarBackupReader.java).
	MaxMetadata = 64 << 10
	// ManifestName is the file that describes a package.
	ManifestName = "_manifest"
	// MetaName is the file that holds a package's widget state.
	MetaName = "_meta"

	blockSize   = 512
	maxExtended = 32 << 10     // AOSP TarBackupReader.readPaxExtendedHeader
	maxUstar    = 077777777777 // what eleven octal digits hold
	maxSize     = 1 << 62      // so that no sum of an offset and a size overflows
	modeBits    = 07777
	systemUID   = 1000
)

// Type says what an entry is. The numbers are Android's (BackupAgent).
type Type uint8

const (
	TypeFile      Type = 1
	TypeDirectory Type = 2
)

// Flags says what a [Reader] noticed about an entry it gives out. A [Writer]
// ignores them.
type Flags uint8

const (
	// FlagControl: the name holds control characters.
	FlagControl Flags = 1 << iota
	// FlagChecksum: a checksum is wrong. Android does not look at it.
	FlagChecksum
	// FlagNumber: mode or time could not be read, and the default is used:
	// 0600, or 0700 for a directory; 0.
	FlagNumber
)

// Header describes one entry.
type Header struct {
	// Package is the app, or "" for shared storage.
	Package string
	// Domain is the token that says below which of the app's directories Path
	// lies. "" only for _manifest and _meta; "shared/<volume>" for shared
	// storage.
	Domain string
	// Path lies below the domain: slashes, none at either end.
	Path string
	Type Type
	// Mode holds the permission, set-uid, set-gid and sticky bits of st_mode.
	Mode uint32
	// UID and GID are kept for the archive's sake. Android ignores them.
	UID, GID uint32
	// Size of the content in bytes, 0 for a directory.
	Size int64
	// ModTime in seconds since 1970. The format holds no earlier time.
	ModTime int64
	// Pax asks for an extended header where Header itself does not need one.
	// Android does so when any part of the file's absolute path, which the
	// archive does not hold, is not ASCII.
	Pax bool
	// Odd is everything before the content as it was read, and only if a
	// Writer would write something else. A Writer repeats it as long as it
	// still says what the other fields say. Nil for what Android writes.
	Odd   []byte
	Flags Flags
}

// Name returns the full name in the archive.
func (h *Header) Name() string {
	switch {
	case h.Package == "":
		return h.Domain + "/" + h.Path
	case h.Domain == "":
		return "apps/" + h.Package + "/" + h.Path
	}
	return "apps/" + h.Package + "/" + h.Domain + "/" + h.Path
}

// IsManifest reports whether the entry is a package's manifest: the one before
// its files, or the one before its key/value data (below the token k).
func (h *Header) IsManifest() bool {
	return h.Package != "" && h.Path == ManifestName && (h.Domain == "" || h.Domain == "k")
}

// IsMeta reports whether the entry is a package's widget state.
func (h *Header) IsMeta() bool { return h.Package != "" && h.Domain == "" && h.Path == MetaName }

// MetadataHeader returns the header Android gives a package's [ManifestName] or
// [MetaName]: owned by the system, readable by nobody else, without a time.
// The domain is "", or "k" for the manifest of key/value data.
func MetadataHeader(pkg, domain, name string, size int64) Header {
	return Header{Package: pkg, Domain: domain, Path: name, Type: TypeFile,
		Mode: 0o600, UID: systemUID, GID: systemUID, Size: size}
}

// EncodedSize estimates what an entry takes in the archive, as Android does
// when it measures (AOSP BackupHelpers.cpp): a block for the header, two more
// if it is extended, and the content in whole blocks. Beyond names of some 480
// bytes the extended header takes more than that.
func EncodedSize(h Header) int64 {
	head := int64(blockSize)
	switch {
	case h.Odd != nil:
		head = int64(len(h.Odd))
	case h.Pax || needsPax(&h):
		head += 2 * blockSize
	}
	return head + h.Size + padding(h.Size)
}

// padding returns how many bytes fill the last block of size bytes.
func padding(size int64) int64 { return -size & (blockSize - 1) }

// needsPax applies Android's rule, which is stricter than tar's: a name that
// would have fitted may still be extended.
func needsPax(h *Header) bool {
	return 5+len(h.Package)+1+len(h.Domain) >= 155 || len(h.Path) >= 100 || h.Size > maxUstar ||
		!ascii(h.Package) || !ascii(h.Domain) || !ascii(h.Path)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// same reports whether a and b describe the same entry, whatever their bytes.
func same(a, b *Header) bool {
	return a.Package == b.Package && a.Domain == b.Domain && a.Path == b.Path && a.Type == b.Type &&
		a.Mode == b.Mode && a.UID == b.UID && a.GID == b.GID && a.Size == b.Size && a.ModTime == b.ModTime
}
