package fakephone

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"path"

	"github.com/ferry-move/ferry/mobile/backup"
)

// chunk is how much content comes from one seed. To open a file at an offset,
// at most this much is computed and thrown away.
const chunk = 64 << 10

// magic begins the content of a file of its kind.
var magic = map[string]string{
	".jpg": "\xff\xd8\xff\xe0\x00\x10JFIF\x00", ".png": "\x89PNG\r\n\x1a\n", ".pdf": "%PDF-1.7\n",
	".heic": "\x00\x00\x00\x18ftypheic", ".mp4": "\x00\x00\x00\x18ftypmp42", ".m4a": "\x00\x00\x00\x18ftypM4A ",
	".flac": "fLaC", ".mp3": "ID3\x04\x00", ".ogg": "OggS", ".opus": "OggS", ".zip": "PK\x03\x04", ".apk": "PK\x03\x04",
	".docx": "PK\x03\x04", ".xlsx": "PK\x03\x04", ".epub": "PK\x03\x04", ".odt": "PK\x03\x04", ".gz": "\x1f\x8b\x08",
}

// content reads what is in a file. It is owned by one goroutine.
type content struct {
	seed  rng
	text  bool
	magic string
	size  int64
	off   int64

	random *rand.ChaCha8
	buf    []byte // of the chunk that begins at at
	at     int64
	fail   error // returned instead of the bytes from failAt on
	failAt int64
}

// open returns what is in file i, which is it, from offset off on.
func (g *generator) open(i int, it backup.Item, off int64) *content {
	return &content{
		seed: g.rng(i, forContent), text: g.kind.text, magic: magic[path.Ext(string(it.Key))],
		size: it.Size, off: off, at: -1, failAt: it.Size + 1,
	}
}

// Read implements [io.Reader].
func (c *content) Read(p []byte) (int, error) {
	if c.off >= c.failAt {
		return 0, c.fail
	}
	end := min(c.size, c.failAt)
	if c.off >= end {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	at := c.off / chunk * chunk
	whole := int(min(chunk, c.size-at))
	if c.off == at && len(p) >= whole && at+int64(whole) <= end {
		c.fill(p[:whole], at)
		c.off += int64(whole)
		return whole, nil
	}
	if c.at != at {
		if c.buf == nil {
			c.buf = make([]byte, min(chunk, c.size))
		}
		c.buf = c.buf[:whole]
		c.fill(c.buf, at)
		c.at = at
	}
	n := copy(p, c.buf[c.off-at:min(int64(whole), end-at)])
	c.off += int64(n)
	return n, nil
}

// fill makes the content of the chunk at offset at. What it makes does not
// depend on how much of it is asked for.
func (c *content) fill(p []byte, at int64) {
	r := rng(mix(uint64(c.seed) ^ mix(uint64(at))))
	if c.text {
		for n := 0; n < len(p); {
			v := r.next()
			for range 8 {
				n += copy(p[n:], prose[int(v&0xff)%len(prose)])
				v >>= 8
			}
		}
	} else {
		var seed [32]byte
		for i := 0; i < len(seed); i += 8 {
			binary.LittleEndian.PutUint64(seed[i:], r.next())
		}
		if c.random == nil {
			c.random = rand.NewChaCha8(seed)
		} else {
			c.random.Seed(seed)
		}
		c.random.Read(p) // it never fails
	}
	if at == 0 && len(p) > len(c.magic) {
		copy(p, c.magic)
	}
}

// Close implements [io.Closer].
func (c *content) Close() error { return nil }
