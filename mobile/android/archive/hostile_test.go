package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// sandbox returns a folder-phone in a folder with a secret beside it, and a
// check that nothing but the phone changed.
func sandbox(t *testing.T) (phone string, check func()) {
	t.Helper()
	outer := t.TempDir()
	write(t, outer, "secret", "s")
	phone = filepath.Join(outer, "phone")
	if err := os.Mkdir(phone, 0o700); err != nil {
		t.Fatal(err)
	}
	return phone, func() {
		t.Helper()
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) != 2 {
			t.Errorf("%d names beside the phone: %v", len(entries), err)
		}
		if b, err := os.ReadFile(filepath.Join(outer, "secret")); err != nil || string(b) != "s" {
			t.Errorf("the secret: %q %v", b, err)
		}
		for name := range snapshot(t, phone) {
			if strings.HasSuffix(name, ".part") {
				t.Error("something incomplete was left")
			}
		}
	}
}

func TestHostileEntries(t *testing.T) {
	const at = 1024 // behind the manifest
	for name, c := range map[string]struct {
		it     item
		kind   archive.Kind
		reason error
		offset int64
	}{
		"dots":             {item{name: "apps/com.a/f/../../../../secret"}, archive.KindEntry, fullbackup.BadName, at},
		"dots in shared":   {item{name: "shared/0/../../secret"}, archive.KindEntry, fullbackup.BadName, at},
		"dot package":      {item{name: "apps/../x/f"}, archive.KindEntry, fullbackup.BadName, at},
		"absolute":         {item{name: "/etc/passwd"}, archive.KindEntry, fullbackup.BadName, at},
		"double slash":     {item{name: "apps/com.a/f//x"}, archive.KindEntry, fullbackup.BadName, at},
		"symlink":          {item{name: "apps/com.a/f/l", typ: '2', link: "../../../../secret"}, archive.KindEntry, fullbackup.Link, at},
		"hard link":        {item{name: "apps/com.a/f/l", typ: '1', link: "apps/com.a/_manifest"}, archive.KindEntry, fullbackup.Link, at},
		"char device":      {item{name: "apps/com.a/f/d", typ: '3'}, archive.KindEntry, fullbackup.Device, at},
		"block device":     {item{name: "apps/com.a/f/d", typ: '4'}, archive.KindEntry, fullbackup.Device, at},
		"pipe":             {item{name: "apps/com.a/f/p", typ: '6'}, archive.KindEntry, fullbackup.Device, at},
		"outside":          {item{name: "etc/x"}, archive.KindEntry, fullbackup.Outside, at},
		"no domain":        {item{name: "apps/com.a/x"}, archive.KindEntry, fullbackup.NoDomain, at},
		"parent folder":    {item{name: "apps/com.a", typ: '5'}, archive.KindEntry, fullbackup.Parent, at},
		"odd package":      {item{name: "apps/com a/f/x"}, archive.KindEntry, fullbackup.BadPackage, at},
		"package shared":   {item{name: "apps/shared/f/x"}, archive.KindHost, nil, at},
		"package Shared":   {item{name: "apps/SHARED/_index/x"}, archive.KindHost, nil, at},
		"hidden package":   {item{name: "apps/.com.b.part/f/x"}, archive.KindHost, nil, at},
		"volume":           {item{name: "shared/x/f"}, archive.KindEntry, nil, at},
		"volume number":    {item{name: "shared/99999999999999999999/f"}, archive.KindEntry, nil, at},
		"domain _index":    {item{name: "apps/com.a/_index/x"}, archive.KindEntry, nil, at},
		"domain _manifest": {item{name: "apps/com.a/_MANIFEST/x"}, archive.KindEntry, nil, at},
		"domain _folders":  {item{name: "apps/com.a/_folders/x"}, archive.KindEntry, nil, at},
		"too deep":         {item{name: "apps/com.a/f/" + strings.Repeat("d/", 201) + "x"}, archive.KindEntry, nil, at},
		"long part":        {item{name: "apps/com.a/f/" + strings.Repeat("n", 300)}, archive.KindHost, nil, at},
		"second manifest":  {item{name: "apps/com.a/_manifest", body: manifest("com.a", 1)}, archive.KindDuplicate, nil, at},
		"no manifest":      {item{name: "apps/com.b/f/x"}, archive.KindNoManifest, nil, at},
		"large version":    {item{name: "apps/com.b/_manifest", body: manifest("com.b", 1<<31)}, archive.KindManifest, nil, at},
		"other's manifest": {item{name: "apps/com.b/_manifest", body: manifest("com.c", 1)}, archive.KindManifest, nil, at},
		"broken manifest":  {item{name: "apps/com.b/_manifest", body: "1\n"}, archive.KindManifest, nil, at},
		"long manifest":    {item{name: "apps/com.b/_manifest", body: strings.Repeat("x", 70000)}, archive.KindEntry, fullbackup.TooLarge, at},
	} {
		t.Run(name, func(t *testing.T) {
			var tb tarball
			tb.app("com.a")
			tb.add(c.it)
			tb.add(item{name: "apps/com.z/_manifest", body: manifest("com.z", 1)})
			tb.add(item{name: "apps/com.z/f/after", body: "still read"})
			phone, check := sandbox(t)
			_, f := extract(t, plain(t, tb.end()), phone)
			check()
			got := f.of(c.kind)
			if len(got) == 0 || got[0].Offset != c.offset || got[0].File != c.offset+24 || got[0].What == "" || got[0].Severity != archive.Refused && c.kind != archive.KindManifest {
				t.Fatalf("findings:\n%s", f)
			}
			if c.reason != nil && !errors.Is(got[0].Err, c.reason) {
				t.Errorf("reason %v, want %v", got[0].Err, c.reason)
			}
			if b, err := os.ReadFile(filepath.Join(phone, "apps/com.z/f/after")); err != nil || string(b) != "still read" {
				t.Errorf("what follows: %q %v", b, err)
			}
		})
	}
}

func TestDuplicatePackage(t *testing.T) {
	var tb tarball
	tb.app("com.a")
	tb.add(item{name: "apps/com.a/f/x", body: "first"})
	tb.app("com.b")
	second := int64(tb.Len())
	tb.add(item{name: "apps/com.a/f/x", body: "second"})
	tb.add(item{name: "apps/com.a/f/y", body: "second"})
	tb.app("com.c")
	phone, check := sandbox(t)
	rep, f := extract(t, plain(t, tb.end()), phone)
	check()
	if got := f.of(archive.KindDuplicate); rep.Refused != 1 || rep.Apps != 3 || len(got) != 2 || got[0].Offset != second || got[0].Package != "com.a" {
		t.Errorf("%d %d\n%s", rep.Refused, rep.Apps, f)
	}
	if b, err := os.ReadFile(filepath.Join(phone, "apps/com.a/f/x")); string(b) != "first" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := os.Lstat(filepath.Join(phone, "apps/com.a/f/y")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("from the second run: %v", err)
	}
}

// Links in a folder-phone are neither written nor read through.
func TestLinksInTheFolder(t *testing.T) {
	for name, link := range map[string]func(phone string) error{
		"shared folder": func(p string) error { return os.Symlink("..", filepath.Join(p, "DCIM")) },
		"inside":        func(p string) error { return os.Symlink("apps", filepath.Join(p, "DCIM")) },
		"dangling file": func(p string) error {
			return errors.Join(os.Mkdir(filepath.Join(p, "DCIM"), 0o700), os.Symlink("../../new", filepath.Join(p, "DCIM/img.jpg")))
		},
		"an app": func(p string) error {
			return errors.Join(os.Mkdir(filepath.Join(p, "apps"), 0o700), os.Symlink("../..", filepath.Join(p, "apps/com.example.alpha")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			phone, check := sandbox(t)
			if err := link(phone); err != nil {
				t.Skip("no links here")
			}
			rep, f := extract(t, plain(t, android()), phone)
			check()
			if rep.Refused+rep.SharedRefused == 0 {
				t.Errorf("nothing was refused\n%s", f)
			}
			if _, err := os.Lstat(filepath.Join(phone, "apps/img.jpg")); err == nil {
				t.Error("written through a link")
			}
			got, _, _ := create(t, phone)
			check()
			for _, n := range names(t, got) {
				if strings.Contains(n, "secret") {
					t.Error("read through a link")
				}
			}
		})
	}
	t.Run("apps", func(t *testing.T) {
		phone, check := sandbox(t)
		if err := os.Symlink("..", filepath.Join(phone, "apps")); err != nil {
			t.Skip("no links here")
		}
		if _, _, err := tryExtract(plain(t, android()), phone); err == nil {
			t.Error("unpacked through a link")
		}
		check()
	})
}

func TestTamperedIndex(t *testing.T) {
	var tb tarball
	tb.app("com.a")
	tb.add(item{name: "apps/com.a/f/x", body: "1"})
	file := plain(t, tb.end())
	const head = "ferry-archive-index 1\nrun 1\n"
	for name, text := range map[string]string{
		"up":            head + "f 600 = = 1 1 f ../../../secret\nend 1\n",
		"up by domain":  head + "f 600 = = 1 1 .. secret\nend 1\n",
		"long domain":   head + "f 600 = = 1 1 f/../.. secret\nend 1\n",
		"absolute":      head + "f 600 = = 1 1 f /secret\nend 1\n",
		"other's":       head + "f 600 = = 1 1 shared/0 x\nend 1\n",
		"own index":     head + "f 600 = = 1 1 - _index\nend 1\n",
		"key/value":     head + "f 600 = = 1 1 k com.a.data\nend 1\n",
		"NUL":           head + "f 600 = = 1 1 f a\\x00b\nend 1\n",
		"mode":          head + "f 10000 = = 1 1 f x\nend 1\n",
		"size":          head + "f 600 = = 9223372036854775807 1 f x\nend 1\n",
		"negative":      head + "f 600 = = -1 1 f x\nend 1\n",
		"folder's size": head + "d 700 = = 1 1 f x\nend 1\n",
		"type":          head + "l 700 = = 1 1 f x\nend 1\n",
		"fields":        head + "f 700 =\nend 1\n",
		"bomb":          head + "f 600 = = 1 1 f x\no \\0999999;\nend 1\n",
		"half a block":  head + "f 600 = = 1 1 f x\no \\0511;\nend 1\n",
		"other form":    head + "f 0600 = = 1 1 f x\nend 1\n",
		"escaped":       head + "f 600 = = 1 1 f \\x41\nend 1\n",
		"count":         head + "f 600 = = 1 1 f x\nend 2\n",
		"cut":           head + "f 600 = = 1 1 f x\n",
		"behind":        head + "f 600 = = 1 1 f x\nend 1\nx",
		"often":         head + "f 600 = = 1 1 f x\n" + strings.Repeat("f = = = = = = x\n", 20) + "end 21\n",
		"version":       "ferry-archive-index 2\nrun 1\nend 0\n",
		"run":           "ferry-archive-index 1\nrun 01\nend 0\n",
		"long line":     head + strings.Repeat("x", 1<<20),
		"empty":         "",
	} {
		t.Run(name, func(t *testing.T) {
			phone, check := sandbox(t)
			extract(t, file, phone)
			write(t, phone, "apps/com.a/_index", text)
			got, _, f := create(t, phone)
			check()
			if b := f.of(archive.KindIndex); len(b) != 1 || b[0].Package != "com.a" || b[0].Err == nil {
				t.Errorf("findings:\n%s", f)
			}
			if g := names(t, got); strings.Join(g, " ") != "apps/com.a/_manifest apps/com.a/f/x" {
				t.Errorf("%q", g)
			}
		})
	}
	t.Run("header blocks of another entry", func(t *testing.T) {
		phone, check := sandbox(t)
		extract(t, file, phone)
		other := strings.NewReplacer("\n", `\x0a`).Replace(strings.Repeat("ustar../../secret", 31)[:512])
		write(t, phone, "apps/com.a/_index", head+"f 600 = = 1 = f x\no "+other+"\nend 1\n")
		got, _, _ := create(t, phone)
		check()
		if g := names(t, got); strings.Join(g, " ") != "apps/com.a/_manifest apps/com.a/f/x" {
			t.Errorf("%q", g)
		}
	})
}

func TestTruncated(t *testing.T) {
	tar := android()
	for kind, c := range map[string]struct {
		file []byte
		last int // from here on only the second block of zeros, or the check sum, is missing
	}{
		"plain":      {plain(t, tar), 24 + len(tar) - 512},
		"compressed": {container(t, tar, ab.CreateOptions{Compress: true}), -4},
	} {
		t.Run(kind, func(t *testing.T) {
			if c.last < 0 {
				c.last += len(c.file)
			}
			step := max(1, len(c.file)/40)
			for n := 0; n < c.last; n += step {
				phone, check := sandbox(t)
				_, _, err := tryExtract(c.file[:n], phone)
				check()
				damage, ok := errors.AsType[*archive.DamageError](err)
				if ok && (damage.File > int64(n) || !strings.Contains(err.Error(), "damaged at byte ")) || !ok && !errors.Is(err, ab.ErrFormat) {
					t.Errorf("cut at %d: %v", n, err)
				}
				rep, err := archive.Check(context.Background(), bytes.NewReader(c.file[:n]), archive.CheckOptions{})
				if errors.Is(err, ab.ErrFormat) && n < 15 {
					continue
				}
				if err != nil || rep.Complete || rep.Damaged == 0 {
					t.Errorf("check, cut at %d: %v", n, err)
				}
			}
			rep, err := archive.Check(context.Background(), bytes.NewReader(c.file[:c.last]), archive.CheckOptions{})
			if err != nil || !rep.Complete || len(findings(rep.Findings).of(archive.KindEnd)) != 1 {
				t.Errorf("without its last bytes: %v", err)
			}
		})
	}
}

// What was complete before the damage stays, what was under way goes.
func TestDamageKeepsWhatIsComplete(t *testing.T) {
	var tb tarball
	tb.app("com.a")
	tb.app("com.b")
	tb.add(item{name: "apps/com.b/f/x", body: strings.Repeat("x", 4000)})
	file := plain(t, tb.Bytes()[:tb.Len()-2000])
	phone, check := sandbox(t)
	rep, _, err := tryExtract(file, phone)
	check()
	if !errors.Is(err, io.ErrUnexpectedEOF) || rep.Apps != 1 {
		t.Errorf("%d %v", rep.Apps, err)
	}
	if _, err := os.Lstat(filepath.Join(phone, "apps/com.a/_manifest")); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(phone, "apps/com.b")); err == nil {
		t.Error("an app that is not complete")
	}
}

func TestFreeSpaceIsRespected(t *testing.T) {
	var tb tarball
	tb.app("com.a")
	tb.app("com.b")
	tb.add(item{name: "apps/com.b/f/x", size: 8 << 30, noBody: true}) // it lies
	phone, check := sandbox(t)
	_, err := archive.Extract(context.Background(), bytes.NewReader(plain(t, tb.Bytes())), phone, archive.ExtractOptions{
		Free: func() (int64, error) { return 1 << 20, nil }})
	check()
	if !errors.Is(err, archive.ErrNoSpace) {
		t.Error(err)
	}
	if got := snapshot(t, phone); got["apps/com.a/_manifest"] == "" || got["apps/com.b"] != "" {
		t.Errorf("%d", len(got))
	}
}

func TestInterruptedRunIsCleanedUp(t *testing.T) {
	phone, check := sandbox(t)
	write(t, phone, "apps/.com.example.alpha.part/f/junk", "of a run that was killed")
	extract(t, plain(t, android()), phone)
	check()
	got, _, _ := create(t, phone)
	diff(t, got, android())
}

func TestContextEndsIt(t *testing.T) {
	file := plain(t, android())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	phone, check := sandbox(t)
	_, err := archive.Extract(ctx, bytes.NewReader(file), phone, archive.ExtractOptions{})
	check()
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	extract(t, file, phone)
	if _, err := archive.Create(ctx, io.Discard, phone, archive.CreateOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// shrinker cuts a file when the first bytes come out.
type shrinker struct {
	bytes.Buffer
	cut func()
}

func (s *shrinker) Write(p []byte) (int, error) {
	if s.cut != nil {
		s.cut()
		s.cut = nil
	}
	return s.Buffer.Write(p)
}

func TestFileShrinksWhileItIsRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "apps/com.a/_manifest", manifest("com.a", 1))
	write(t, dir, "apps/com.a/f/a", strings.Repeat("a", 1<<20))
	write(t, dir, "apps/com.a/f/b", "next")
	var f findings
	w := &shrinker{cut: func() {
		if err := os.Truncate(filepath.Join(dir, "apps/com.a/f/a"), 300<<10); err != nil {
			t.Error(err)
		}
	}}
	if _, err := archive.Create(context.Background(), w, dir, archive.CreateOptions{Problem: f.add}); err != nil {
		t.Fatal(err)
	}
	if got := f.of(archive.KindChanged); len(got) != 1 || got[0].Severity != archive.Damage {
		t.Errorf("%s", f)
	}
	sizes := map[string]int64{}
	_, err := archive.Walk(context.Background(), bytes.NewReader(w.Bytes()), archive.Options{}, func(e *archive.Entry) error {
		sizes[e.Path] = e.Size
		return nil
	})
	if want := map[string]int64{"_manifest": int64(len(manifest("com.a", 1))), "a": 1 << 20, "b": 4}; err != nil || !maps.Equal(sizes, want) {
		t.Errorf("%v %v", sizes, err)
	}
}

func TestOddFilesInTheFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "apps/com.a/_manifest", manifest("com.a", 1))
	write(t, dir, "apps/com.a/f/x", "x")
	write(t, dir, "apps/com.b/_manifest", strings.Repeat("m", 70000))
	write(t, dir, "apps/com.c/_manifest", "no manifest")
	write(t, dir, "apps/com.d/_manifest", manifest("com.other", 1))
	write(t, dir, "apps/com.e/_manifest", manifest("com.e", 1<<40))
	write(t, dir, "apps/stray", "a file")
	if err := os.MkdirAll(filepath.Join(dir, "apps/not a name"), 0o700); err != nil {
		t.Fatal(err)
	}
	got, made, f := create(t, dir)
	want := "apps/com.a/_manifest apps/com.a/f/x apps/com.c/_manifest apps/com.d/_manifest apps/com.e/_manifest"
	if g := names(t, got); strings.Join(g, " ") != want || made.Refused != 1 || len(f.of(archive.KindManifest)) != 4 || len(f.of(archive.KindLeftOut)) != 2 {
		t.Errorf("%q %+v\n%s", g, made, f)
	}
}

func TestMemoryOfAManyAppsList(t *testing.T) {
	var tb tarball
	for _, n := range []string{"com.a", "com.b", "com.c"} {
		tb.app(n)
	}
	_, err := archive.List(context.Background(), bytes.NewReader(tb.Bytes()), archive.Options{Limits: archive.Limits{Packages: 2}})
	if !errors.Is(err, archive.ErrLimit) {
		t.Error(err)
	}
	_, err = archive.List(context.Background(), bytes.NewReader(tb.Bytes()), archive.Options{Limits: archive.Limits{Entries: 2}})
	if d, ok := errors.AsType[*archive.DamageError](err); !ok || d.Offset != 2048 {
		t.Error(err)
	}
	_, err = archive.List(context.Background(), bytes.NewReader(plain(t, tb.end())), archive.Options{Limits: archive.Limits{Inflated: 2000}})
	if !errors.Is(err, ab.ErrTooLarge) {
		t.Error(err)
	}
}
