package squeeze

import (
	"bytes"
	"math"
	"strings"
	"sync/atomic"
)

const (
	// SampleSize is how much of an item's beginning Worth looks at, at most.
	SampleSize = 8 << 10
	// looksAt is how much of that is counted, at its end: a beginning is often
	// a header that says little of what follows.
	looksAt = 2 << 10
	// noisy is the entropy, in bits a byte, above which a sample is taken for
	// noise, which has 8 (and 7.7 in the worst of many samples of 1 KiB).
	// Compressed data has nearly that.
	noisy = 7.3
	// orderly is the entropy below which it is squeezed without a trial. Text
	// in any script has less than 5.5, and base64 6.
	orderly = 5.9
)

// packed are the endings of names whose content is already small, or is what
// must not wait: photos, films, music, archives, programs, ciphertext.
var packed = endings(
	"3fr 3g2 3gp 3gpp aac ac3 aif aiff amr ape apng arw asf avi avif awb bmp bpg caf cr2 cr3 dng dts eac3 erf f4v flac flv gif heic heif hif ico imy jfif jp2 jpe jpeg jpg jxl "+
		"m2ts m2v m4a m4b m4p m4v mid midi mka mkv mmf mov mp1 mp2 mp3 mp4 mpc mpe mpeg mpg mts nef nrw oga ogg ogm ogv opus orf ota pef png psd ra raf rm rmvb rw2 rwl sr2 srw "+
		"tif tiff ts vob wav wave webm webp wma wmv wv x3f xmf",
	"7z aab ab apk apkm apks apex arj br bz bz2 cab cbr cbz crx deb dmg docm docx dotx egg epub gz ipa jar kmz lha lz lz4 lzh lzma lzo odg odp ods odt pptm pptx ppsx rar rpm "+
		"s7z sit sitx snappy sz tbz tbz2 tgz tlz txz vsix war whl woff woff2 xapk xlsb xlsm xlsx xps xz z zip zipx zst zstd",
	"age asc aes axx crypt crypt5 crypt7 crypt8 crypt12 crypt14 crypt15 enc gpg hc kdbx keystore p12 pfx pgp tc vc",
)

func endings(lists ...string) map[string]bool {
	m := map[string]bool{}
	for _, l := range lists {
		for e := range strings.FieldsSeq(l) {
			m[e] = true
		}
	}
	return m
}

// magics are how such content begins, whatever its name.
var magics = []struct {
	at    int
	bytes string
}{
	{0, "\xff\xd8\xff"}, {0, "\x89PNG\r\n\x1a\n"}, {0, "GIF8"}, {0, "\x00\x00\x00\x0cJXL "}, {0, "\xff\x0a"}, // pictures
	{0, "II*\x00"}, {0, "MM\x00*"}, {0, "8BPS\x00\x01"},
	{4, "ftyp"}, {4, "moov"}, {4, "mdat"}, {0, "RIFF"}, {0, "\x1aE\xdf\xa3"}, {0, "OggS"}, {0, "ID3"}, {0, "fLaC"}, // sound and films
	{0, "FLV\x01"}, {0, "\x00\x00\x01\xba"}, {0, "\x00\x00\x01\xb3"}, {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"}, {0, "#!AMR"}, {0, "caff\x00\x01"}, {0, "MThd\x00\x00\x00\x06"},
	{0, "PK\x03\x04"}, {0, "\x1f\x8b"}, {0, "BZh"}, {0, "\xfd7zXZ\x00"}, {0, "7z\xbc\xaf\x27\x1c"}, {0, "Rar!\x1a\x07"}, {0, "\x28\xb5\x2f\xfd"}, {0, "\x04\x22\x4d\x18"}, // archives
	{0, "MSCF\x00"}, {0, "wOFF"}, {0, "wOF2"}, {0, "xar!"}, {0, "LZIP\x01"},
	{0, "age-encryption.org/"}, {0, "Salted__"}, {0, "-----BEGIN PGP MESSAGE"}, {0, "\x03\xd9\xa2\x9a"}, {0, "LUKS\xba\xbe"}, // ciphertext
}

// Worth reports whether the content of an item can be made smaller: not if its
// name, without a folder or with one, or its first bytes are those of a photo,
// a film, music, an archive or ciphertext; not if a sample of it, the beginning
// of its first block, looks like one. Of a short item the sample is the whole.
// It says nothing about whether it is faster, which is a [Judge]'s to say.
func Worth(name string, sample []byte) bool {
	sample = sample[:min(len(sample), SampleSize)]
	if len(sample) < MinBlock || packed[ending(name)] {
		return false
	}
	for _, m := range magics {
		if bytes.HasPrefix(sample[m.at:], []byte(m.bytes)) {
			return false
		}
	}
	switch h := entropy(sample[max(0, len(sample)-looksAt):]); {
	case h > noisy:
		return false
	case h < orderly:
		return true
	}
	var e Encoder
	defer e.Close()
	_, ok := e.Append(nil, sample)
	return ok
}

// Zeros reports whether a block is nothing but zeros, as what is a hole on the
// disk. Of any other it looks at a few bytes only.
func Zeros(p []byte) bool {
	return len(p) > 0 && p[0] == 0 && bytes.Equal(p[1:], p[:len(p)-1])
}

// ending is what follows the last dot of a name, in lower case. It allocates
// nothing for the endings in use.
func ending(name string) string {
	i := strings.LastIndexAny(name, "./")
	if i < 0 || name[i] == '/' || len(name)-i > 12 {
		return ""
	}
	return strings.ToLower(name[i+1:])
}

// entropy is the collision entropy of p's bytes in bits a byte, each byte taken
// by itself: how rarely two of them are the same. Unlike Shannon's it can be
// told from a few hundred bytes without a bias.
func entropy(p []byte) float64 {
	var count [256]int
	for _, c := range p {
		count[c]++
	}
	same := 0
	for _, n := range count {
		same += n * (n - 1)
	}
	if same == 0 {
		return 8
	}
	return math.Log2(float64(len(p)) * float64(len(p)-1) / float64(same))
}

// Item remembers of an item how its blocks fared, so that one whose beginning
// alone could be made smaller does not cost its length in time: after each
// block that could not, twice as many go without a try, up to 63. The zero
// value is ready. It is safe for concurrent use.
type Item struct {
	left atomic.Int32 // blocks to go without a try
	wait atomic.Int32 // and how many after the next that fails
}

const waitBlocks = 64

// Try reports whether the item's next block is worth a try.
func (i *Item) Try() bool {
	if i.left.Load() == 0 {
		return true
	}
	return i.left.Add(-1) < 0
}

// Tried tells what [Encoder.Append] returned for one.
func (i *Item) Tried(ok bool) {
	if ok {
		i.wait.Store(0)
		i.left.Store(0)
		return
	}
	w := min(i.wait.Load()*2+1, waitBlocks-1)
	i.wait.Store(w)
	i.left.Store(w)
}
