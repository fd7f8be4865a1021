package fullbackup

import (
	"bytes"
	"strconv"
	"strings"
)

// field returns a text field up to its first NUL.
func field(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// octal reads a number field: octal digits up to a NUL or a space. Spaces
// before them, which other tars write, are passed over. An empty field is 0.
func octal(b []byte) (int64, bool) {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	var v int64
	for _, c := range b { // at most 12 digits of 3 bits
		if c == 0 || c == ' ' {
			break
		}
		if c < '0' || c > '7' {
			return 0, false
		}
		v = v<<3 | int64(c-'0')
	}
	return v, true
}

// binarySize reads the size that GNU tar writes in binary when it does not fit.
// Such an entry is refused; its size is needed to find the next.
func binarySize(b []byte) (int64, bool) {
	if b[0] != 0x80 {
		return 0, false
	}
	var v uint64
	for _, c := range b[1:] {
		if v >= maxSize>>8 {
			return 0, false
		}
		v = v<<8 | uint64(c)
	}
	return int64(v), true
}

// trueSum compares a block's checksum. Android adds up in 16 bits.
func trueSum(block []byte) bool {
	want, ok := octal(block[148:156])
	sum := checksum(block)
	return ok && (want == int64(sum) || want == int64(uint16(sum)))
}

// magic reports whether the block claims to be a tar header, and whether it
// has a prefix field: GNU's old format keeps other things there.
func magic(block []byte) (tar, prefix bool) {
	return string(block[257:262]) == "ustar", string(block[257:263]) == "ustar\x00"
}

// extension is what stands before an entry and changes it.
type extension struct {
	seen      []byte // the types, each at most once
	bad       Reason
	path      string
	hasPath   bool
	size      int64
	hasSize   bool
	sumFailed bool
}

// records reads the records of an x block: "<length> <key>=<value>\n". Android
// honours path and size only. What was read before a malformed one stays.
func (e *extension) records(b []byte) {
	for len(b) > 0 {
		sp := bytes.IndexByte(b[:min(len(b), 6)], ' ')
		if sp <= 0 {
			e.bad = BadExtended
			return
		}
		n, err := strconv.Atoi(string(b[:sp]))
		if err != nil || b[0] < '0' || b[0] > '9' || n <= sp+1 || n > len(b) || b[n-1] != '\n' {
			e.bad = BadExtended
			return
		}
		key, value, ok := bytes.Cut(b[sp+1:n-1], []byte{'='})
		if !ok || len(key) == 0 {
			e.bad = BadExtended
			return
		}
		e.record(string(key), string(value))
		b = b[n:]
	}
}

func (e *extension) record(key, value string) {
	switch {
	case key == "path":
		e.path, e.hasPath = value, value != "" // an empty value takes the record back
	case key == "size":
		v, err := strconv.ParseUint(value, 10, 63)
		if err != nil || v > maxSize || value[0] == '+' {
			e.bad, e.hasSize = BadExtended, false
			return
		}
		e.size, e.hasSize = int64(v), true
	case strings.HasPrefix(key, "GNU.sparse."):
		if e.bad == 0 {
			e.bad = Sparse
		}
	}
}

// fullName puts an entry's name together.
func (e *extension) fullName(block []byte) string {
	if e.hasPath {
		return e.path
	}
	short := field(block[:100])
	if _, ok := magic(block); ok {
		if prefix := field(block[345:500]); len(prefix) > 0 {
			var buf [256]byte
			full := append(append(append(buf[:0], prefix...), '/'), short...)
			return string(full)
		}
	}
	return string(short)
}

// attributes fills in what the real header says about mode, owner and time. The
// x block holds a copy of it, which is the one Android takes; other tars write
// nothing useful there.
func (h *Header) attributes(block []byte) {
	mode, ok := octal(block[100:108])
	h.Mode = uint32(mode & modeBits)
	if !ok {
		h.Flags |= FlagNumber
		if h.Mode = 0o600; h.Type == TypeDirectory {
			h.Mode = 0o700
		}
	}
	if h.ModTime, ok = octal(block[136:148]); !ok {
		h.Flags |= FlagNumber
	}
	h.UID, h.GID = owner(block[108:116]), owner(block[116:124])
}

// owner reads a numeric owner, or 0: nobody uses it.
func owner(b []byte) uint32 {
	v, _ := octal(b)
	return uint32(v) // eight digits of 3 bits
}
