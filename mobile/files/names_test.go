package files

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

func TestMapKey(t *testing.T) {
	long := strings.Repeat
	tests := []struct{ key, posix, portable string }{
		{"a", "a", "a"},
		{"DCIM/Camera/IMG_0001.jpg", "DCIM/Camera/IMG_0001.jpg", "DCIM/Camera/IMG_0001.jpg"},
		{"写真/été/фото.jpg", "写真/été/фото.jpg", "写真/été/фото.jpg"},
		{"e\u0301", "e\u0301", "e\u0301"}, // decomposed stays decomposed
		{"100%", "100%", "100%"},
		{"...", "...", "..%2E"},
		{"....", "....", "...%2E"},
		{". .", ". .", ". %2E"},
		{".. ", ".. ", "..%20"},
		{" ", " ", "%20"},
		{"a.", "a.", "a%2E"},
		{"a/b./c", "a/b./c", "a/b%2E/c"},
		{"~", "~", "~"},
		{"$HOME", "$HOME", "$HOME"},
		{".ssh/authorized_keys", ".ssh/authorized_keys", ".ssh/authorized_keys"},
		{"C:/Windows/x", "C:/Windows/x", "C%3A/Windows/x"},
		{"C:x", "C:x", "C%3Ax"},
		{`C:\x`, `C:%5Cx`, `C%3A%5Cx`},
		{`\\server\share`, `%5C%5Cserver%5Cshare`, `%5C%5Cserver%5Cshare`},
		{`..\..\x`, `..%5C..%5Cx`, `..%5C..%5Cx`},
		{`\\?\C:\x`, `%5C%5C?%5CC:%5Cx`, `%5C%5C%3F%5CC%3A%5Cx`},
		{"a.txt:stream", "a.txt:stream", "a.txt%3Astream"},
		{"a.txt::$DATA", "a.txt::$DATA", "a.txt%3A%3A$DATA"},
		{`*?"<>|`, `*?"<>|`, "%2A%3F%22%3C%3E%7C"},
		{"CON", "CON", "_CON"},
		{"con.txt", "con.txt", "_con.txt"},
		{"Nul .tar.gz", "Nul .tar.gz", "_Nul .tar.gz"},
		{"x/COM1", "x/COM1", "x/_COM1"},
		{"lpt³.log", "lpt³.log", "_lpt³.log"},
		{"CONIN$", "CONIN$", "_CONIN$"},
		{"COM10", "COM10", "COM10"},
		{"console", "console", "console"},
		{"a\nb", "a%0Ab", "a%0Ab"},
		{"\x1b[31m", "%1B[31m", "%1B[31m"},
		{"\x7f", "%7F", "%7F"},
		{"\u0085", "%C2%85", "%C2%85"},
		{"cod\u202egpj.exe", "cod%E2%80%AEgpj.exe", "cod%E2%80%AEgpj.exe"},
		{"\u2066a\u2069\u200f\u061c", "%E2%81%A6a%E2%81%A9%E2%80%8F%D8%9C", "%E2%81%A6a%E2%81%A9%E2%80%8F%D8%9C"},
		{"\u2028", "%E2%80%A8", "%E2%80%A8"},
		{"a\xffb", "a\xffb", "a%FFb"},
		{"\xed\xa0\x80", "\xed\xa0\x80", "%ED%A0%80"}, // half a surrogate pair
		{".ferry-0123456789abcdef.part", "_.ferry-0123456789abcdef.part", "_.ferry-0123456789abcdef.part"},
		{"d/.ferry-0123456789abcdef.part/x", "d/_.ferry-0123456789abcdef.part/x", "d/_.ferry-0123456789abcdef.part/x"},
		{".ferry-0123456789ABCDEF.part", ".ferry-0123456789ABCDEF.part", ".ferry-0123456789ABCDEF.part"},
		{".ferry-0123.part", ".ferry-0123.part", ".ferry-0123.part"},
		{long("a", 255), long("a", 255), long("a", 255)},
		{long("a", 300) + ".jpeg", long("a", 250) + ".jpeg", long("a", 250) + ".jpeg"},
		{long("é", 127) + ".mp4", long("é", 125) + ".mp4", long("é", 125) + ".mp4"},
		{long("写", 85), long("写", 85), long("写", 85)},
		{long("写", 90) + ".png", long("写", 83) + ".png", long("写", 83) + ".png"},
		{long("😀", 64), long("😀", 63), long("😀", 63)},
		{long(" ", 300), long(" ", 254) + "_", long(" ", 254) + "_"},
		{"CON" + long(" ", 300) + "x", "CON" + long(" ", 251) + "_", "CON" + long(" ", 251) + "_"},
	}
	for _, tt := range tests {
		for p, want := range map[Profile]string{Posix: tt.posix, Portable: tt.portable} {
			got, err := MapKey(backup.Key(tt.key), p)
			if err != nil || string(got) != want {
				t.Errorf("MapKey(%q, %d) = %q, %v; want %q", tt.key, p, got, err, want)
			}
		}
	}
}

// hostile are keys that no storage may be asked to write.
var hostile = []string{
	"", "/", "//", ".", "..", "./", "../", "/etc/passwd", "//server/share", "../x", "../../etc/passwd",
	"a/..", "a/../b", "a/../../b", "a/../../../../etc/passwd", "a/./b", "./a", "a/.", "a//b", "a/", "a/b/",
	"/../a", "..//a", "....//../a", "a\x00b", "a/\x00", "\x00", "DCIM/../../.ssh/authorized_keys",
	strings.Repeat("a", backup.MaxKey+1), strings.Repeat("a/", MaxDepth) + "a",
	strings.Repeat("a/", 5000) + "a",
}

func TestMapKeyRefuses(t *testing.T) {
	for _, key := range hostile {
		for _, p := range []Profile{Posix, Portable} {
			if got, err := MapKey(backup.Key(key), p); !errors.Is(err, backup.BadName) || got != "" {
				t.Errorf("MapKey(%.40q, %d) = %q, %v; want BadName", key, p, got, err)
			}
		}
	}
	// Short enough before mapping, too long after it.
	key := backup.Key(strings.Repeat(strings.Repeat("\x01", 80)+"/", 40) + "x")
	if _, err := MapKey(key, Posix); !errors.Is(err, backup.BadName) {
		t.Errorf("a key that grows beyond the limit: %v", err)
	}
}

func TestHostileNamesWriteNothing(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "phone")
	write(t, outer, "phone/", "")
	s := newStorage(t, dir, Options{})
	w := s.writer(t, Files)
	for _, key := range hostile {
		for _, it := range []backup.Item{fileItem(key, ""), dirItem(key)} {
			if a := w.Check(t.Context(), it, backup.Prior{Name: it.Key, Digest: backup.Digest{1}}); a.Verdict != backup.Refuse || !errors.Is(a.Err, backup.BadName) {
				t.Errorf("Check(%.40q) = %d, %v", key, a.Verdict, a.Err)
			}
			if _, err := w.Stage(t.Context(), it); !errors.Is(err, backup.BadName) {
				t.Errorf("Stage(%.40q): %v", key, err)
			}
		}
		it := fileItem(key, "")
		if _, err := s.reader(t, Files).Open(t.Context(), it, 0); !errors.Is(err, backup.BadName) {
			t.Errorf("Open(%.40q): %v", key, err)
		}
		if err := w.RemoveTemp(t.Context(), key); !errors.Is(err, backup.BadName) {
			t.Errorf("RemoveTemp(%.40q): %v", key, err)
		}
	}
	equal(t, snapshot(t, outer, false), map[string]string{"phone": "drwxr-xr-x"})
}

func TestNumbered(t *testing.T) {
	long := strings.Repeat("é", 125) + ".jpeg" // 255 bytes
	tests := []struct {
		name string
		i    int
		want string
	}{
		{"a.txt", 0, "a.txt"},
		{"a.txt", 1, "a (1).txt"},
		{"a.tar.gz", 2, "a.tar (2).gz"},
		{"a", 3, "a (3)"},
		{".nomedia", 1, ".nomedia (1)"},
		{"a.", 1, "a. (1)"},
		{"no ending." + strings.Repeat("x", 30), 1, "no ending." + strings.Repeat("x", 30) + " (1)"},
		{long, 10, strings.Repeat("é", 122) + " (10).jpeg"},
	}
	for _, tt := range tests {
		if got := numbered(tt.name, tt.i, maxName); got != tt.want || len(got) > maxName {
			t.Errorf("numbered(%q, %d) = %q; want %q", tt.name, tt.i, got, tt.want)
		}
	}
	if got := numberedDir("v1.2", 1, maxName); got != "v1.2 (1)" {
		t.Errorf("numberedDir = %q", got)
	}
}

func FuzzMapKey(f *testing.F) {
	for _, key := range hostile {
		f.Add(key)
	}
	for _, key := range []string{
		"a/b.c", "CON.x/ ", strings.Repeat("ab. ", 90), "\xff\xfe/" + strings.Repeat("\x80", 300), strings.Repeat("日本", 60) + ".txt",
		"_CON." + strings.Repeat(".", 300), "a\u202eb/c:d*", ".ferry-0123456789abcdef.part",
	} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		for _, p := range []Profile{Posix, Portable} {
			got, err := MapKey(backup.Key(key), p)
			if err != nil {
				if !errors.Is(err, backup.BadName) || got != "" {
					t.Fatalf("MapKey(%q) = %q, %v", key, got, err)
				}
				continue
			}
			if again, err := MapKey(got, p); err != nil || again != got {
				t.Fatalf("MapKey(%q) = %q, and of that %q, %v", key, got, again, err)
			}
			if strings.Count(string(got), "/") != strings.Count(key, "/") {
				t.Fatalf("MapKey(%q) = %q: another depth", key, got)
			}
			for c := range strings.SplitSeq(string(got), "/") {
				checkComponent(t, c, p)
				for _, f := range forms(c, p) {
					if len(f.name) > f.limit {
						t.Fatalf("form %q of %q is longer than %d bytes", f.name, c, f.limit)
					}
					checkComponent(t, f.name, p)
					checkComponent(t, numbered(f.name, maxBesideFile, f.limit), p)
					checkComponent(t, numberedDir(f.name, maxBesideDir, f.limit), p)
				}
			}
		}
	})
}

func checkComponent(t *testing.T, c string, p Profile) {
	t.Helper()
	bad := c == "" || c == "." || c == ".." || len(c) > maxName || isTemp(c) || strings.ContainsAny(c, "/\\\x00\n\x1b\x7f\u202e\u2066")
	if p == Portable {
		bad = bad || strings.ContainsAny(c, `:*?"<>|`) || isDevice(c) || c[len(c)-1] == '.' || c[len(c)-1] == ' ' ||
			strings.ToValidUTF8(c, "") != c
	}
	if bad {
		t.Fatalf("%q must not be written", c)
	}
}
