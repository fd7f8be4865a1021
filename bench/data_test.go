//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustParse(t *testing.T, list string) []dataSet {
	t.Helper()
	d, err := parseData(list, 0)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const everything = "big:1+photos:3+tiny:120+text:4+entities:30+contacts:60"

func TestDataIsDeterministic(t *testing.T) {
	a, b, c := t.TempDir(), t.TempDir(), t.TempDir()
	d := mustParse(t, everything)[0]
	first, err := d.makeIn(a, 7, "")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := d.makeIn(b, 7, ""); err != nil || second != first {
		t.Fatalf("%+v, %v; the first time %+v", second, err, first)
	}
	diffs, err := differences(a, b)
	if err != nil || len(diffs) > 0 {
		t.Errorf("the same seed makes other data: %v, %v", diffs, err)
	}
	for _, name := range []string{"contacts.vcf", "SIM.vcf"} { // what differences does not look at
		p, perr := os.Stat(filepath.Join(a, "Contacts", name))
		q, qerr := os.Stat(filepath.Join(b, "Contacts", name))
		if perr != nil || qerr != nil || !p.ModTime().Equal(q.ModTime()) || p.Mode() != q.Mode() {
			t.Errorf("%s: %v, %v", name, perr, qerr)
		}
	}
	if _, err := d.makeIn(c, 8, ""); err != nil {
		t.Fatal(err)
	}
	if diffs, err := differences(a, c); err != nil || len(diffs) == 0 {
		t.Errorf("another seed makes the same data: %v", err)
	}
}

func TestDataIsAsSaid(t *testing.T) {
	root := t.TempDir()
	sum, err := mustParse(t, everything)[0].makeIn(root, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	items, err := list(root)
	if err != nil {
		t.Fatal(err)
	}
	var got size
	fractions := 0
	for name, info := range items {
		if info.ModTime().Nanosecond() != 0 {
			fractions++
		}
		if !info.Mode().IsRegular() {
			continue
		}
		got.Files++
		got.Bytes += info.Size()
		from, to := int64(0), int64(1<<40)
		switch top, _, _ := strings.Cut(name, "/"); {
		case strings.HasSuffix(name, ".mp4"):
			from, to = 1<<20, 1<<20
		case top == "DCIM":
			from, to = 300_000, 3_000_000
		case strings.HasSuffix(name, ".bin"):
			from, to = 1<<10, 8<<10
		case strings.HasSuffix(name, ".txt"):
			from, to = 64<<10, 64<<10
		case strings.HasSuffix(name, ".data"):
			from, to = 30*200, 30*200
		}
		if info.Size() < from || info.Size() > to {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
	}
	if got != sum {
		t.Errorf("%+v, but said %+v", got, sum)
	}
	if fractions < len(items)-2 {
		t.Errorf("%d of %d times have no nanoseconds", len(items)-fractions, len(items))
	}
	for _, name := range []string{"DCIM/Screenshots", "Documents/empty/below", "Documents/d99", "Contacts/Семья/семья.vcf"} {
		if items[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestContacts(t *testing.T) {
	root, more := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(more, "one.vcf"), []byte("BEGIN:VCARD\nFN:x\nEND:VCARD\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mustParse(t, "contacts:200")[0].makeIn(root, 1, more); err != nil {
		t.Fatal(err)
	}
	cards := 0
	for _, f := range contactFiles {
		b, err := os.ReadFile(filepath.Join(root, "Contacts", f.name))
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(b, []byte("BEGIN:VCARD\r\nVERSION:"+f.version+"\r\n"))
		if n == 0 || n != bytes.Count(b, []byte("END:VCARD\r\n")) {
			t.Errorf("%s: %d cards", f.name, n)
		}
		cards += n
		for line := range bytes.Lines(b) {
			if len(line) > 78 || !bytes.HasSuffix(line, []byte("\r\n")) {
				// Quoted-printable is broken at 76, but its first line has the name too.
				if !bytes.Contains(line, []byte("QUOTED-PRINTABLE:")) {
					t.Errorf("%s: %q", f.name, line)
				}
			}
		}
	}
	if cards != 200 {
		t.Errorf("%d cards", cards)
	}
	if _, err := os.Stat(filepath.Join(root, "Contacts", "more", "one.vcf")); err != nil {
		t.Error(err)
	}
	if _, err := mustParse(t, "contacts:1")[0].makeIn(t.TempDir(), 1, root); err == nil {
		t.Error("a folder without vCard files is taken")
	}
}

func TestParseData(t *testing.T) {
	d, err := parseData("photos,tiny:300+contacts", 20)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var n []int
	for _, s := range d {
		for _, p := range s.parts {
			got = append(got, s.name+"/"+p.kind.name)
			n = append(n, p.n)
		}
	}
	if !slices.Equal(got, []string{"photos/photos", "tiny:300+contacts/tiny", "tiny:300+contacts/contacts"}) || !slices.Equal(n, []int{20, 300, 20}) {
		t.Errorf("%q %d", got, n)
	}
	for _, bad := range []string{"", "photos,", "video", "photos:0", "photos:x", "photos+"} {
		if _, err := parseData(bad, 0); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestDifferences(t *testing.T) {
	d := mustParse(t, "tiny:101+contacts:20")[0]
	some := "Documents/d05/note_000005.bin"
	at := time.Unix(1_650_000_000, 123_456_789)
	for _, c := range []struct {
		name   string
		want   string // part of the one difference, or empty
		change func(path func(string) string) error
	}{
		{"nothing", "", func(func(string) string) error { return nil }},
		{"a contact's time", "", func(p func(string) string) error { return os.Chtimes(p("Contacts/contacts.vcf"), at, at) }},
		{"a contact's mode", "", func(p func(string) string) error { return os.Chmod(p("Contacts/contacts.vcf"), 0o400) }},
		{"execution", "", func(p func(string) string) error {
			info, err := os.Stat(p(some))
			if err != nil {
				return err
			}
			return os.Chmod(p(some), info.Mode()|0o111)
		}},
		{"a contact", "other content", func(p func(string) string) error {
			return appendTo(p("Contacts/contacts.vcf"), "BEGIN:VCARD\r\nEND:VCARD\r\n", time.Time{})
		}},
		{"a byte more", "other content", func(p func(string) string) error { return appendTo(p(some), "x", statTime(t, p(some))) }},
		{"a time", "has time", func(p func(string) string) error {
			was := statTime(t, p(some)).Add(time.Nanosecond)
			return os.Chtimes(p(some), was, was)
		}},
		{"a folder's time", "has time", func(p func(string) string) error { return os.Chtimes(p("Documents/d05"), at, at) }},
		{"a mode", "has mode", func(p func(string) string) error { return os.Chmod(p(some), 0o444) }},
		{"too much", "too much", func(p func(string) string) error { return os.Mkdir(p(".tmp"), 0o700) }},
		{"an empty folder", "missing", func(p func(string) string) error {
			was := statTime(t, p("Documents/empty"))
			if err := os.Remove(p("Documents/empty/below")); err != nil {
				return err
			}
			return os.Chtimes(p("Documents/empty"), was, was)
		}},
		{"a file as a folder", "another type", func(p func(string) string) error {
			dir := filepath.Dir(p(some))
			was := statTime(t, dir)
			if err := os.Remove(p(some)); err != nil {
				return err
			}
			if err := os.Mkdir(p(some), 0o755); err != nil {
				return err
			}
			return os.Chtimes(dir, was, was)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := t.TempDir(), t.TempDir()
			for _, root := range []string{a, b} {
				if _, err := d.makeIn(root, 3, ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.change(func(name string) string { return filepath.Join(b, name) }); err != nil {
				t.Fatal(err)
			}
			diffs, err := differences(a, b)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && len(diffs) != 0 || c.want != "" && (len(diffs) != 1 || !strings.Contains(diffs[0], c.want)) {
				t.Errorf("%q, want %q", diffs, c.want)
			}
		})
	}
}

func TestDifferencesAreFew(t *testing.T) {
	a := t.TempDir()
	if _, err := mustParse(t, "tiny:30")[0].makeIn(a, 1, ""); err != nil {
		t.Fatal(err)
	}
	diffs, err := differences(a, t.TempDir())
	if err != nil || len(diffs) != maxDifferences+1 {
		t.Errorf("%q, %v", diffs, err)
	}
}

func statTime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// appendTo writes at the end of a file and gives it a time.
func appendTo(path, text string, at time.Time) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(b, text...), 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, at, at)
}
