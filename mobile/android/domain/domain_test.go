package domain

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestTable has every row of the table, written out.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		token, credential Token
		xml, folder       string
		device, inside    bool
		protected         Token
	}{
		{"r", "r", "root", "", false, true, "d_r"},
		{"d_r", "r", "device_root", "", true, true, "d_r"},
		{"f", "f", "file", "files", false, true, "d_f"},
		{"d_f", "f", "device_file", "files", true, true, "d_f"},
		{"db", "db", "database", "databases", false, true, "d_db"},
		{"d_db", "db", "device_database", "databases", true, true, "d_db"},
		{"sp", "sp", "sharedpref", "shared_prefs", false, true, "d_sp"},
		{"d_sp", "sp", "device_sharedpref", "shared_prefs", true, true, "d_sp"},
		{"nb", "nb", "", "no_backup", false, true, "d_nb"},
		{"d_nb", "nb", "", "no_backup", true, true, "d_nb"},
		{"c", "c", "", "cache", false, true, "d_c"},
		{"d_c", "c", "", "cache", true, true, "d_c"},
		{"ef", "ef", "external", "", false, false, ""},
		{"obb", "obb", "", "", false, false, ""},
		{"a", "a", "", "", false, false, ""},
		{"k", "k", "", "", false, false, ""},
		{"shared/0", "shared/0", "", "", false, false, ""},
	} {
		if !c.token.Known() || c.token.Credential() != c.credential || c.token.Device() != c.device || c.token.XMLName() != c.xml {
			t.Errorf("%s: known %v, credential %s, device %v, name %q", c.token, c.token.Known(), c.token.Credential(), c.token.Device(), c.token.XMLName())
		}
		if f, in := c.token.Folder(); f != c.folder || in != c.inside {
			t.Errorf("%s: folder %q %v", c.token, f, in)
		}
		if p, ok := c.token.Protected(); p != c.protected || ok != (c.protected != "") {
			t.Errorf("%s: protected %q %v", c.token, p, ok)
		}
		if got, ok := FromXML(c.xml); ok != (c.xml != "") || ok && got != c.token {
			t.Errorf("%q: %q %v", c.xml, got, ok)
		}
	}
	for _, x := range []Token{"", "x", "d_", "d_x", "d_ef", "d_obb", "d_a", "d_k", "d_d_f", "ef_s", "shared/", "shared/-1", "shared/01", "shared/x", "shared/0/a", "d_shared/0", "F"} {
		if _, ok := x.Protected(); ok || x.Known() || x.Device() || x.XMLName() != "" || x.Credential() != x {
			t.Errorf("%q is taken for a domain", x)
		}
	}
	for _, x := range []string{"", "files", "Root", "device_external", "cache", "no_backup", "device_", "root "} {
		if got, ok := FromXML(x); ok {
			t.Errorf("rules may say %q for %s", x, got)
		}
	}
	want := []Token{"r", "d_r", "f", "d_f", "db", "d_db", "sp", "d_sp", "ef"}
	if !slices.Equal(Order(), want) {
		t.Errorf("order %v", Order())
	}
	if n, ok := Shared(12).Volume(); n != 12 || !ok || Shared(12) != "shared/12" {
		t.Errorf("volume %d %v of %s", n, ok, Shared(12))
	}
	if _, ok := Files.Volume(); ok {
		t.Error("files are a volume")
	}
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		t    Token
		path string
		want Token
		rest string
	}{
		{"r", "", "r", ""}, {"r", "app_web", "r", "app_web"}, {"r", "files", "f", ""}, {"r", "files/a/b", "f", "a/b"},
		{"r", "filesystem", "r", "filesystem"}, {"r", "databases/x", "db", "x"}, {"r", "shared_prefs/x.xml", "sp", "x.xml"},
		{"r", "no_backup/x", "nb", "x"}, {"r", "cache", "c", ""}, {"d_r", "files/a", "d_f", "a"}, {"d_r", "cache/a", "d_c", "a"},
		{"f", "files/a", "f", "files/a"}, {"ef", "files", "ef", "files"}, {"r", "code_cache/x", "r", "code_cache/x"},
	} {
		if got, rest := Canonical(c.t, c.path); got != c.want || rest != c.rest {
			t.Errorf("%s %q: %s %q", c.t, c.path, got, rest)
		}
		if got := ElsewhereOf(c.t, c.path); got != (c.want != c.t) {
			t.Errorf("%s %q elsewhere: %v", c.t, c.path, got)
		}
	}
}

func TestNeverBackedUp(t *testing.T) {
	for _, c := range []struct {
		t    Token
		path string
		want bool
	}{
		{"c", "", true}, {"c", "a", true}, {"d_c", "a", true}, {"nb", "a", true}, {"d_nb", "a", true},
		{"r", "cache", true}, {"r", "cache/a", true}, {"r", "code_cache/a", true}, {"r", "no_backup/a", true}, {"r", "lib/a.so", true},
		{"d_r", "cache", true}, {"d_r", "code_cache", true}, {"d_r", "no_backup", true},
		{"r", "", false}, {"r", "cachet", false}, {"r", "app_x/cache", false}, {"f", "cache/a", false}, {"f", "no_backup", false},
		{"db", "x", false}, {"sp", "x", false}, {"ef", "cache", false}, {"shared/0", "cache", false}, {"r", "files/cache", false},
	} {
		if got := NeverBackedUp(c.t, c.path); got != c.want {
			t.Errorf("%s %q: %v", c.t, c.path, got)
		}
	}
}

func TestCheckRestore(t *testing.T) {
	for _, c := range []struct {
		t    Token
		path string
		want error
	}{
		{"f", "a", nil}, {"f", "a/b/c.txt", nil}, {"f", "", nil}, {"f", ".hidden", nil}, {"r", "app_x/y", nil}, {"shared/1", "DCIM/a.jpg", nil},
		{"f", "no_backup/a", nil}, {"f", "cache/a", nil}, {"r", "cache/a", nil}, {"r", "no_backup", nil}, {"r", "no_backups/a", nil}, {"f", "a/", nil},
		{"c", "a", ErrNotRestored}, {"d_c", "a", ErrNotRestored}, {"nb", "a", ErrNotRestored}, {"d_nb", "a", ErrNotRestored},
		{"r", "no_backup/a", ErrNotRestored}, {"r", "no_backup/", ErrNotRestored}, {"d_r", "no_backup/a/b", ErrNotRestored},
		{"f", "..", ErrUnsafe}, {"f", "../a", ErrUnsafe}, {"f", "a/../b", ErrUnsafe}, {"f", "a/..", ErrUnsafe}, {"c", "../a", ErrUnsafe},
		{"f", "/a", ErrUnsafe}, {"f", "a//b", ErrUnsafe}, {"f", "//", ErrUnsafe}, {"f", ".", ErrUnsafe}, {"f", "./a", ErrUnsafe}, {"f", "a\x00b", ErrUnsafe},
		{"f", "a..b", ErrDots}, {"f", "...", ErrDots}, {"f", "a/b../c", ErrDots},
		{"x", "a", ErrUnknown}, {"", "a", ErrUnknown}, {"ef_s", "a", ErrUnknown}, {"..", "a", ErrUnknown}, {"shared/..", "a", ErrUnknown},
	} {
		if got := CheckRestore(c.t, c.path); !errors.Is(got, c.want) {
			t.Errorf("%s %q: %v, want %v", c.t, c.path, got, c.want)
		}
	}
}

func FuzzCheckRestore(f *testing.F) {
	f.Add("f", "a/b")
	f.Add("r", "no_backup/x")
	f.Add("d_r", "files/../..")
	f.Fuzz(func(t *testing.T, token, path string) {
		if err := CheckRestore(Token(token), path); err != nil && !errors.Is(err, ErrDots) {
			return
		}
		// Joined to a folder it stays inside.
		depth := 0
		for part := range strings.SplitSeq(path, "/") {
			switch part {
			case "..":
				depth--
			default:
				depth++
			}
			if depth < 0 {
				t.Fatalf("%q leads out", path)
			}
		}
		if strings.HasPrefix(path, "/") || !Token(token).Known() {
			t.Fatalf("%q %q passed", token, path)
		}
	})
}
