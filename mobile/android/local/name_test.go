package local

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestFolderName(t *testing.T) {
	for pkg, want := range map[string]string{
		"com.example.notes":       "com.example.notes",
		"com.example.Notes_2":     "com.example.%4eotes_2",
		"@pm@":                    "%40pm%40",
		"":                        "",
		".":                       "%2e",
		"..":                      "%2e%2e",
		"...":                     "%2e.%2e",
		"../a":                    "%2e.%2fa",
		"a/b\\c":                  "a%2fb%5cc",
		"a.":                      "a%2e",
		"a\x00":                   "a%00",
		"%2e":                     "%252e",
		"%h":                      "%25h",
		"\xff":                    "%ff",
		"con":                     "%63on",
		"con.example":             "%63on.example",
		"com1.example":            "%63om1.example",
		"com":                     "com",
		"console.app":             "console.app",
		strings.Repeat("a", 180):  strings.Repeat("a", 180),
		strings.Repeat("a", 1000): "%h41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3",
	} {
		if got := folderName(pkg); got != want {
			t.Errorf("folderName(%.40q) = %q, want %q", pkg, got, want)
		}
	}
}

func FuzzFolderName(f *testing.F) {
	for _, s := range []string{"com.example", "..", "a/b", "CON", "aux.x", "%41", "\xff.", strings.Repeat("é", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pkg string) {
		name := folderName(pkg)
		if len(name) > maxFolder || name == "" != (pkg == "") || isDevice(name) ||
			strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") ||
			strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-%") != "" || strings.ToLower(name) != name {
			t.Fatalf("folderName(%q) = %q", pkg, name)
		}
		if strings.HasPrefix(name, "%h") {
			return
		}
		var back strings.Builder // no two names share a folder
		for rest := name; rest != ""; {
			plain, escaped, found := strings.Cut(rest, "%")
			back.WriteString(plain)
			if rest = ""; found {
				b, err := hex.DecodeString(escaped[:2])
				if err != nil {
					t.Fatal(err)
				}
				back.Write(b)
				rest = escaped[2:]
			}
		}
		if back.String() != pkg {
			t.Fatalf("folderName(%q) = %q, which is %q", pkg, name, back.String())
		}
	})
}

func TestParseGeneration(t *testing.T) {
	for name, want := range map[string]generation{
		"1-0-00000000.entities":                       {1, 0, 0, entities},
		"12-345-0a0b0c0d.tar":                         {12, 345, 0x0a0b0c0d, archive},
		"9223372036854775807-1-ffffffff.tar":          {1<<63 - 1, 1, 0xffffffff, archive},
		"1-9223372036854775807-ffffffff.tar":          {1, 1<<63 - 1, 0xffffffff, archive},
		"":                                            {},
		"0-1-00000000.tar":                            {},
		"01-1-00000000.tar":                           {},
		"+1-1-00000000.tar":                           {},
		"1--1-00000000.tar":                           {},
		"1-1-0.tar":                                   {},
		"1-1-0000000A.tar":                            {},
		"1-1-00000000.tar.gz":                         {},
		"1-1-00000000.zip":                            {},
		"1-1-00000000":                                {},
		"1-1-00000000.":                               {},
		"9223372036854775808-1-00000000.tar":          {},
		"1-9223372036854775808-00000000.tar":          {},
		"1-1-100000000.tar":                           {},
		"99999999999999999999999999-1-00000000.tar":   {},
		"1-1-00000000-1.tar":                          {},
		" 1-1-00000000.tar":                           {},
		"1-1-00000000.entities/../../x":               {},
		"1-1-00000000.tar\x00":                        {},
		strings.Repeat("1", 4096) + "-1-00000000.tar": {},
	} {
		if got, ok := parseGeneration(name); ok != (want != generation{}) || ok && got != want {
			t.Errorf("parseGeneration(%.50q) = %v, %v", name, got, ok)
		}
	}
}

func FuzzParseGeneration(f *testing.F) {
	f.Add("12-345-0a0b0c0d.tar")
	f.Add("1-0-00000000.entities")
	f.Fuzz(func(t *testing.T, name string) {
		if g, ok := parseGeneration(name); ok && (g.String() != name || g.number == 0 || g.size < 0) {
			t.Fatalf("%q is %v", name, g)
		}
	})
}

func FuzzParseSet(f *testing.F) {
	f.Add([]byte("ferry local backup 1\n5\n"))
	f.Add([]byte("ferry local backup 2\nx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		token, err := parseSet(b)
		if (err == nil) != (token > 0) || err == nil && !strings.HasSuffix(string(b), "\n") {
			t.Fatalf("%q is %d, %v", b, token, err)
		}
	})
}
