package archive_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
)

// tarball writes an archive as AOSP BackupHelpers.cpp does, by its layout and
// not by the code under test.
type tarball struct{ bytes.Buffer }

// item is one entry; zero fields are what Android mostly writes.
type item struct {
	name    string // apps/PACKAGE/TOKEN/PATH
	body    string
	typ     byte // 0 = '0'
	mode    int  // 0 = 0600, 0700 for a folder
	uid     int
	mtime   int64
	link    string
	size    int64 // instead of the body's; -1 = none
	pax     bool
	gnu     bool
	sum     int // added to the checksum
	noBody  bool
	rawName bool
}

func (t *tarball) add(it item) {
	if it.typ == 0 {
		it.typ = '0'
	}
	if it.mode == 0 {
		if it.mode = 0o600; it.typ == '5' {
			it.mode = 0o700
		}
	}
	size := int64(len(it.body))
	if it.size != 0 {
		size = it.size
	}
	prefix, rel := "", it.name
	parts := strings.SplitN(it.name, "/", 4)
	if len(parts) == 4 && parts[0] == "apps" {
		prefix, rel = strings.Join(parts[:3], "/"), parts[3]
	} else if len(parts) == 4 && parts[0] == "shared" {
		prefix, rel = strings.Join(parts[:2], "/"), strings.Join(parts[2:], "/")
	}
	long := len(it.name) > 100
	pax := it.pax || !it.rawName && (len(rel) >= 100 || strings.ContainsFunc(it.name, func(r rune) bool { return r >= 0x80 }))
	var b [512]byte
	if long {
		copy(b[:100], rel)
		copy(b[345:500], prefix)
	} else {
		copy(b[:100], it.name)
	}
	copy(b[100:], fmt.Sprintf("%06o \x00", it.mode))
	copy(b[108:], fmt.Sprintf("0%o", it.uid))
	copy(b[116:], fmt.Sprintf("0%o", it.uid))
	copy(b[124:], fmt.Sprintf("%011o\x00", size))
	copy(b[136:], fmt.Sprintf("%o", it.mtime))
	b[156] = it.typ
	copy(b[157:], it.link)
	copy(b[257:], "ustar\x0000")
	if it.gnu {
		copy(b[257:], "ustar  \x00")
		copy(b[136:], fmt.Sprintf("%011o\x00", it.mtime))
	}
	if pax {
		record := func(k, v string) string {
			n := len(k) + len(v) + 3
			for n != len(fmt.Sprintf("%d %s=%s\n", n, k, v)) {
				n = len(fmt.Sprintf("%d %s=%s\n", n, k, v))
			}
			return fmt.Sprintf("%d %s=%s\n", n, k, v)
		}
		data := record("size", fmt.Sprint(size)) + record("path", it.name)
		x := b
		clear(x[:100])
		leaf := "PaxHeader/" + rel[strings.LastIndexByte(rel, '/')+1:]
		copy(x[:99], leaf)
		clear(x[345:500])
		copy(x[345:500], prefix)
		copy(x[124:], fmt.Sprintf("%011o\x00", len(data)))
		x[156] = 'x'
		t.block(x, 0)
		t.WriteString(data)
		t.pad()
	}
	t.block(b, it.sum)
	if !it.noBody {
		t.WriteString(it.body)
		t.pad()
	}
}

func (t *tarball) block(b [512]byte, wrong int) {
	copy(b[148:156], "        ")
	sum := wrong
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	t.Write(b[:])
}

func (t *tarball) pad() { t.Write(make([]byte, -t.Len()&511)) }

// end writes the two blocks of zeros and returns the tar.
func (t *tarball) end() []byte {
	t.Write(make([]byte, 1024))
	return t.Bytes()
}

func manifest(pkg string, version int64) string {
	return fmt.Sprintf("1\n%s\n%d\n33\ncom.android.vending\n0\n1\n30820101\n", pkg, version)
}

func (t *tarball) app(pkg string) {
	t.add(item{name: "apps/" + pkg + "/_manifest", body: manifest(pkg, 7), uid: 1000})
}

// records is an entity stream, by the layout of AOSP BackupData.cpp.
func records(pairs ...string) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		for len(b)%4 != 0 {
			b = append(b, 0xBC)
		}
		b = append(b, "Data"...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i])))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs[i+1])))
		b = append(append(b, pairs[i]...), 0)
		for len(b)%4 != 0 {
			b = append(b, 0xBC)
		}
		b = append(b, pairs[i+1]...)
	}
	return string(b)
}

// android is a whole archive as Android writes it.
func android() []byte {
	var t tarball
	const a = "apps/com.example.alpha/"
	t.app("com.example.alpha")
	t.add(item{name: a + "_meta", body: "1\ncom.example.alpha\n\x01\xff\xed\x01\x00\x00\x00\x03abc", uid: 1000})
	for i, d := range []string{"r", "d_r", "f", "d_f", "db", "d_db", "sp", "d_sp", "ef"} {
		m := int64(1_600_000_000 + i)
		t.add(item{name: a + d + "/zz", typ: '5', mode: 0o2771, uid: 10123, mtime: m})
		t.add(item{name: a + d + "/zz/inner", typ: '5', mode: 0o1700, uid: 10123, mtime: m - 99})
		t.add(item{name: a + d + "/zz/inner/b", body: strings.Repeat(d, 700), mode: 0o4660, uid: 10123, mtime: m})
		t.add(item{name: a + d + "/zz/inner/a", body: "", mode: 0o000660, uid: 10123, mtime: m + 5})
		t.add(item{name: a + d + "/ sp ace\n\\=-", body: "x", mode: 0o444, uid: 10123, mtime: m})
	}
	t.add(item{name: a + "f/" + strings.Repeat("long/", 30) + "name", body: "deep", uid: 10123, mtime: 5})
	t.add(item{name: a + "f/grüße/日本.txt", body: "pax", uid: 10123, mtime: 1})
	t.add(item{name: a + "f/plain", body: "with pax", uid: 10123, mtime: 1, pax: true})
	t.add(item{name: a + "f/odd", body: "odd", uid: 10123, mtime: 1_500_000_000, gnu: true})
	t.add(item{name: a + "f/zz/inner/b", body: strings.Repeat("f", 700), mode: 0o4660, uid: 10123, mtime: 1_600_000_002}) // twice, as overlapping includes make it
	t.app("com.example.empty")
	t.app("org.example.beta")
	t.add(item{name: "apps/org.example.beta/ef_s0/vendor", body: "v", mtime: 9})
	for _, n := range []string{"0/Zoo", "0/DCIM"} {
		t.add(item{name: "shared/" + n, typ: '5', mode: 0o2770, uid: 1023, mtime: 1_400_000_000})
		t.add(item{name: "shared/" + n + "/img.jpg", body: strings.Repeat("p", 1500), mode: 0o660, uid: 1023, mtime: 1_400_000_001})
	}
	t.add(item{name: "shared/0/apps/com.example.alpha/f/x", body: "not an app", mode: 0o660, mtime: 3})
	t.add(item{name: "shared/0/Contacts/a.vcf", body: "not a contact", mode: 0o660, mtime: 3})
	t.add(item{name: "shared/0/.hidden", body: "h", mode: 0o660, mtime: 3})
	t.add(item{name: "shared/1/Music/s.mp3", body: "song", mode: 0o660, mtime: 3})
	for _, p := range []string{"com.android.wallpaper", "com.example.alpha"} {
		t.add(item{name: "apps/" + p + "/k/_manifest", body: manifest(p, 3), uid: 1000})
		t.add(item{name: "apps/" + p + "/k/" + p + ".data", body: records("key", "value", "other", "12345678"), mode: 0o600, uid: 1000, mtime: 1_700_000_000})
	}
	return t.end()
}

// container puts a tar into an .ab file.
func container(t testing.TB, tar []byte, o ab.CreateOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := ab.Create(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tar); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func plain(t testing.TB, tar []byte) []byte { return container(t, tar, ab.CreateOptions{}) }

// inflated returns the tar in an .ab file.
func inflated(t testing.TB, file []byte, password string) []byte {
	t.Helper()
	r, err := ab.Open(bytes.NewReader(file), ab.Options{Password: func() ([]byte, error) { return []byte(password), nil }})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// findings collects them.
type findings []archive.Finding

func (f *findings) add(g archive.Finding) {
	g.Name = strings.Clone(g.Name)
	*f = append(*f, g)
}

func (f findings) of(k archive.Kind) (out findings) {
	for _, g := range f {
		if g.Kind == k {
			out = append(out, g)
		}
	}
	return out
}

func (f findings) String() string {
	var b strings.Builder
	for _, g := range f {
		fmt.Fprintf(&b, "%s/%s at %d (file %d) %s %q: %s (%v)\n", g.Kind, g.Severity, g.Offset, g.File, g.Package, g.Name, g.What, g.Err)
	}
	return b.String()
}

func extract(t testing.TB, file []byte, dir string) (*archive.Extraction, findings) {
	t.Helper()
	rep, f, err := tryExtract(file, dir)
	if err != nil {
		t.Fatal(err)
	}
	return rep, f
}

func tryExtract(file []byte, dir string) (*archive.Extraction, findings, error) {
	var f findings
	rep, err := archive.Extract(context.Background(), bytes.NewReader(file), dir, archive.ExtractOptions{Options: archive.Options{Problem: f.add}})
	return rep, f, err
}

// create returns the tar of a folder.
func create(t testing.TB, dir string) ([]byte, *archive.Creation, findings) {
	t.Helper()
	var f findings
	var b bytes.Buffer
	rep, err := archive.Create(context.Background(), &b, dir, archive.CreateOptions{Problem: f.add})
	if err != nil {
		t.Fatal(err)
	}
	return inflated(t, b.Bytes(), ""), rep, f
}

// snapshot describes everything below a folder.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	m := make(map[string]string)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		s := fmt.Sprintf("%v %d", info.Mode(), info.ModTime().Unix())
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			s += " " + string(b)
		}
		m[filepath.ToSlash(rel)] = s
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// names lists the entries of a tar.
func names(t testing.TB, tar []byte) []string {
	t.Helper()
	var out []string
	_, err := archive.Walk(context.Background(), bytes.NewReader(plain(t, tar)), archive.Options{}, func(e *archive.Entry) error {
		out = append(out, e.Name())
		return nil
	})
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return out
}

func write(t testing.TB, dir, name, body string) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}
