package fullbackup

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
)

// A header block (POSIX ustar). Android leaves the rest zero.
//
//	offset length
//	   0    100   name
//	 100      8   mode      %06o, space, NUL
//	 108      8   uid       0, octal, NULs
//	 116      8   gid       0, octal, NULs
//	 124     12   size      %011o, NUL
//	 136     12   time      octal, NULs
//	 148      8   checksum  %06o, NUL, space
//	 156      1   type      0 file, 5 directory, x extended
//	 257      8   "ustar", NUL, "00"
//	 345    155   prefix

// appendHeader appends the blocks before the content as Android writes them
// (AOSP BackupHelpers.cpp, write_tarfile). If extended, an x block comes first,
// a copy of the real one, with its records; then the real one.
//
// full is h.Name().
func appendHeader(b []byte, h *Header, full string) []byte {
	prefix := full[:len(full)-len(h.Path)-1]
	var block [blockSize]byte
	if len(full) > 100 {
		copy(block[:100], h.Path)
		copy(block[345:500], prefix)
	} else {
		copy(block[:100], full)
	}
	padOctal(block[100:106], uint64(h.Mode))
	block[106] = ' '
	block[108], block[116] = '0', '0'
	cutOctal(block[109:115], uint64(h.UID))
	cutOctal(block[117:123], uint64(h.GID))
	padOctal(block[124:135], uint64(h.Size))
	cutOctal(block[136:147], uint64(min(max(h.ModTime, 0), maxUstar)))
	block[156] = '0'
	if h.Type == TypeDirectory {
		block[156] = '5'
	}
	copy(block[257:265], "ustar\x0000")

	if h.Pax || needsPax(h) {
		x := block
		clear(x[:100])
		copy(x[copy(x[:], "PaxHeader/"):99], h.Path[strings.LastIndexByte(h.Path, '/')+1:])
		clear(x[345:500])
		copy(x[345:500], prefix)
		x[156] = 'x'
		size := strconv.FormatInt(h.Size, 10)
		sizeLen, pathLen := recordLen("size", len(size)), recordLen("path", len(full))
		padOctal(x[124:135], uint64(sizeLen+pathLen))
		putChecksum(&x)
		b = append(b, x[:]...)
		b = append(appendKey(b, sizeLen, "size"), size...)
		b = append(appendKey(append(b, '\n'), pathLen, "path"), full...)
		b = append(b, '\n')
		b = append(b, zeros[:padding(int64(sizeLen+pathLen))]...)
	}
	putChecksum(&block)
	return append(b, block[:]...)
}

// recordLen returns the length of "<length> <key>=<value>\n", which counts
// itself.
func recordLen(key string, value int) int {
	n := 3 + len(key) + value
	digits := 1
	for limit := 10; n+digits >= limit; limit *= 10 {
		digits++
	}
	return n + digits
}

func appendKey(b []byte, length int, key string) []byte {
	b = append(strconv.AppendInt(b, int64(length), 10), ' ')
	return append(append(b, key...), '=')
}

// padOctal fills b with v in octal and leading zeros. Of a number that is too
// long the last digits are cut off, which is what snprintf does.
func padOctal(b []byte, v uint64) {
	if n := octalLen(v); n > len(b) {
		v >>= 3 * (n - len(b))
	}
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = '0' + byte(v&7)
		v >>= 3
	}
}

// cutOctal writes v in octal to the beginning of b, cut like padOctal.
func cutOctal(b []byte, v uint64) { padOctal(b[:min(octalLen(v), len(b))], v) }

// octalLen returns the number of octal digits of v.
func octalLen(v uint64) int { return max(1, (bits.Len64(v)+2)/3) }

func putChecksum(block *[blockSize]byte) {
	sum := checksum(block[:])
	padOctal(block[148:154], uint64(sum))
	block[154], block[155] = 0, ' '
}

// checksum adds up a block's bytes, its checksum field taken as spaces. Eight
// bytes are added at a time, in lanes of 16 bits that cannot overflow: 512
// bytes of 255 in four lanes are 32,640 each.
func checksum(block []byte) uint32 {
	const lanes = 0x00ff00ff00ff00ff
	block = block[:blockSize]
	var sum uint64
	for i := 0; i < blockSize; i += 8 {
		v := binary.LittleEndian.Uint64(block[i:])
		sum += v&lanes + v>>8&lanes
	}
	total := uint32(sum&0xffff + sum>>16&0xffff + sum>>32&0xffff + sum>>48)
	for _, c := range block[148:156] {
		total += ' ' - uint32(c)
	}
	return total
}

var zeros [blockSize]byte // never written to
