package archived_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/archived"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/phone"
)

var d2d = backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer}

// tarball writes an archive's tar.
type tarball struct {
	t   testing.TB
	buf bytes.Buffer
	w   *fullbackup.Writer
}

func newTar(t testing.TB) *tarball {
	b := &tarball{t: t}
	b.w = fullbackup.NewWriter(&b.buf)
	return b
}

func (b *tarball) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// file adds apps/pkg/domain/path, or domain/path of shared storage.
func (b *tarball) file(pkg, domain, path, content string) *tarball {
	b.t.Helper()
	b.must(b.w.WriteHeader(fullbackup.Header{
		Package: pkg, Domain: domain, Path: path, Type: fullbackup.TypeFile, Mode: 0o600, Size: int64(len(content)), ModTime: 1_600_000_000 + int64(len(path)),
	}))
	_, err := io.WriteString(b.w, content)
	b.must(err)
	return b
}

func (b *tarball) dir(pkg, domain, path string) *tarball {
	b.t.Helper()
	b.must(b.w.WriteHeader(fullbackup.Header{Package: pkg, Domain: domain, Path: path, Type: fullbackup.TypeDirectory, Mode: 0o700, ModTime: 1_500_000_000}))
	return b
}

func manifest(pkg string) string {
	return fmt.Sprintf("1\n%s\n7\n33\ncom.android.vending\n0\n1\n30820101\n", pkg)
}

// app begins an app; domain is "" or "k".
func (b *tarball) app(pkg, domain string) *tarball {
	b.t.Helper()
	b.must(b.w.WriteHeader(fullbackup.MetadataHeader(pkg, domain, fullbackup.ManifestName, int64(len(manifest(pkg))))))
	_, err := io.WriteString(b.w, manifest(pkg))
	b.must(err)
	return b
}

func (b *tarball) records(pkg string, pairs ...string) *tarball {
	b.t.Helper()
	return b.app(pkg, "k").file(pkg, "k", pkg+".data", stream(b.t, pairs...))
}

func stream(t testing.TB, pairs ...string) string {
	t.Helper()
	var s bytes.Buffer
	w := entity.NewWriter(&s, entity.Options{System: true})
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteHeader(entity.Key(pairs[i]), int64(len(pairs[i+1]))); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return s.String()
}

// raw adds a header that no Writer makes, of a given type, with no content.
func (b *tarball) raw(name string, typ byte, size int) *tarball {
	var h [512]byte
	copy(h[:100], name)
	copy(h[100:], "000600 \x00")
	copy(h[124:], fmt.Sprintf("%011o\x00", size))
	h[156] = typ
	copy(h[257:], "ustar\x0000")
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	b.buf.Write(h[:])
	b.buf.Write(make([]byte, (size+511)&^511))
	return b
}

// tar ends the tar.
func (b *tarball) tar() []byte {
	b.t.Helper()
	b.must(b.w.End())
	return b.buf.Bytes()
}

// save writes an .ab file.
func (b *tarball) save(o ab.CreateOptions) string {
	b.t.Helper()
	var out bytes.Buffer
	w, err := ab.Create(&out, o)
	b.must(err)
	_, err = w.Write(b.tar())
	b.must(err)
	b.must(w.Close())
	return saved(b.t, out.Bytes())
}

func saved(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "phone.ab")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t testing.TB, path string, o archived.Options) *archived.Device {
	t.Helper()
	d, err := archived.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// source opens one kind of an archive.
func source(t testing.TB, d *archived.Device, kind backup.Kind, tr backup.Transport) backup.Backup {
	t.Helper()
	i := slices.IndexFunc(d.Agents(), func(a backup.Agent) bool { return a.Info().Kind == kind })
	if i < 0 {
		t.Fatalf("there is no %s", kind)
	}
	b, err := d.Agents()[i].Backup(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// listing is what a kind yields: a line for each item. Everything is released.
func listing(t testing.TB, b backup.Backup) (lines []string) {
	t.Helper()
	for it, err := range b.Items(t.Context()) {
		lines = append(lines, line(it, err))
		if err == nil {
			b.(backup.Releaser).Release(it)
		}
	}
	return lines
}

func line(it backup.Item, err error) string {
	switch {
	case err != nil:
		return fmt.Sprintf("%s: %s", it.Key, backup.ReasonOf(err).Name())
	case it.Type == backup.TypeDirectory:
		return string(it.Key) + "/"
	case it.Type == backup.TypeEntity:
		return fmt.Sprintf("%s = %q", it.Key, it.Value)
	}
	return fmt.Sprintf("%s %d", it.Key, it.Size)
}

func content(t testing.TB, b backup.Backup, it backup.Item, offset int64) string {
	t.Helper()
	r, err := b.Open(t.Context(), it, offset)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// folderPhone opens a phone that is a folder.
func folderPhone(t testing.TB, dir string) []backup.Agent {
	t.Helper()
	d, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d.Agents()
}

// move copies everything with the reference engine.
func move(t testing.TB, d *archived.Device, dir string) (sum backup.Tally) {
	t.Helper()
	to := folderPhone(t, dir)
	for _, from := range d.Agents() {
		i := slices.IndexFunc(to, func(a backup.Agent) bool { return a.Info() == from.Info() })
		if i < 0 {
			t.Fatalf("a phone has no %+v", from.Info())
		}
		tally, err := backup.Copy(t.Context(), to[i], from, d2d)
		if err != nil {
			t.Fatal(err)
		}
		sum.Added += tally.Added
		sum.Skipped += tally.Skipped
		sum.Merged += tally.Merged
		sum.Failed += tally.Failed
		sum.Failures = append(sum.Failures, tally.Failures...)
	}
	return sum
}

// tree lists what a phone's folder holds, but for what only an archive needs.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		rel = filepath.ToSlash(rel)
		switch {
		case d.Name() == "_index", d.Name() == "_index.k", rel == "apps/shared":
		case rel == "apps/.before": // what an engine that remembers nothing replaced by the same
			return fs.SkipDir
		case d.IsDir():
			fmt.Fprintf(&b, "%s/\n", rel)
		default:
			info, err := d.Info()
			if err != nil {
				return err
			}
			c, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if len(c) > 60 {
				c = fmt.Appendf(nil, "%d bytes, %x", len(c), c[len(c)-8:])
			}
			when := info.ModTime().Unix()
			if strings.HasSuffix(rel, ".data") { // made of its records
				when = 0
			}
			fmt.Fprintf(&b, "%s %v %d %q\n", rel, info.Mode(), when, c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mustEqual compares two trees.
func mustEqual(t testing.TB, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, l := range g {
		if !slices.Contains(w, l) {
			t.Errorf("too much: %s", l)
		}
	}
	for _, l := range w {
		if !slices.Contains(g, l) {
			t.Errorf("missing:  %s", l)
		}
	}
}
