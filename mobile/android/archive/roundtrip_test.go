package archive_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
)

func diff(t testing.TB, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	t.Fatalf("tar differs at %d (block at %d) of %d, want %d bytes", i, i&^511, len(got), len(want))
}

func TestRoundTripIsTheSameTar(t *testing.T) {
	tar := android()
	for name, file := range map[string][]byte{
		"plain":      plain(t, tar),
		"compressed": container(t, tar, ab.CreateOptions{Version: 3, Compress: true}),
		"bare":       tar,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			rep, f := extract(t, file, dir)
			if rep.Apps != 5 || rep.Refused != 0 || len(f) != 1 || f[0].Kind != archive.KindRepacked {
				t.Fatalf("apps %d, refused %d\n%s", rep.Apps, rep.Refused, f)
			}
			got, made, f := create(t, dir)
			if len(f) > 0 || made.Gone != 0 || made.Packages != 4 {
				t.Errorf("%+v\n%s", made, f)
			}
			diff(t, got, tar)
			if left, _ := filepath.Glob(filepath.Join(dir, "apps", ".*")); len(left) > 0 {
				t.Errorf("left: %d", len(left))
			}
		})
	}
}

func TestEncryptedRoundTrip(t *testing.T) {
	tar, dir := android(), t.TempDir()
	file := container(t, tar, ab.CreateOptions{Compress: true, Password: []byte("geheim"), Rounds: 10})
	_, err := archive.Extract(context.Background(), bytes.NewReader(file), dir, archive.ExtractOptions{Options: archive.Options{
		Password: func() ([]byte, error) { return []byte("geheim"), nil }}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := archive.Create(context.Background(), &b, dir, archive.CreateOptions{
		Container: ab.CreateOptions{Compress: true, Password: []byte("neu"), Rounds: 10}}); err != nil {
		t.Fatal(err)
	}
	diff(t, inflated(t, b.Bytes(), "neu"), tar)
}

func TestKeyValueBeforeFiles(t *testing.T) {
	var tb tarball
	tb.add(item{name: "apps/com.a/k/_manifest", body: manifest("com.a", 1), uid: 1000})
	tb.add(item{name: "apps/com.a/k/com.a.data", body: records("k", "v"), mtime: 4})
	tb.app("com.a")
	tb.add(item{name: "apps/com.a/f/x", body: "x", mtime: 4})
	tar := tb.end()
	dir := t.TempDir()
	rep, f := extract(t, plain(t, tar), dir)
	if rep.Apps != 2 || len(f) > 0 {
		t.Errorf("%d\n%s", rep.Apps, f)
	}
	got, _, _ := create(t, dir)
	diff(t, got, tar)
}

func TestExtractedFolder(t *testing.T) {
	dir := t.TempDir()
	extract(t, plain(t, android()), dir)
	got := snapshot(t, dir)
	for name, want := range map[string]string{
		"apps/com.example.alpha/f/zz":                         "drwx------ 1600000002",
		"apps/com.example.alpha/f/zz/inner":                   "drwx------ 1599999903",
		"apps/com.example.alpha/f/zz/inner/a":                 "-rw------- 1600000007 ",
		"apps/com.example.alpha/sp/ sp ace\n\\=-":             "-rw------- 1600000006 x",
		"apps/com.example.alpha/f/grüße/日本.txt":               "-rw------- 1 pax",
		"apps/com.example.alpha/_manifest":                    "-rw------- 0 " + manifest("com.example.alpha", 7),
		"apps/com.android.wallpaper/k/_manifest":              "-rw------- 0 " + manifest("com.android.wallpaper", 3),
		"DCIM":                                                "drwx------ 1400000000",
		"DCIM/img.jpg":                                        "-rw------- 1400000001 " + strings.Repeat("p", 1500),
		"shared-0/apps/com.example.alpha/f/x":                 "-rw------- 3 not an app",
		"shared-0/Contacts/a.vcf":                             "-rw------- 3 not a contact",
		".hidden":                                             "-rw------- 3 h",
		"shared-1/Music/s.mp3":                                "-rw------- 3 song",
		"apps/com.example.alpha/k/com.example.alpha.data":     "-rw------- 1700000000 " + records("key", "value", "other", "12345678"),
		"apps/com.android.wallpaper/k/com.example.alpha.data": "",
	} {
		if got[name] != want {
			t.Errorf("%q: %q, want %q", name, got[name], want)
		}
	}
}

func TestExtractTwiceChangesNothing(t *testing.T) {
	dir := t.TempDir()
	file := plain(t, android())
	extract(t, file, dir)
	before := snapshot(t, dir)
	rep, f := extract(t, file, dir)
	after := snapshot(t, dir)
	delete(before, "apps") // its time: what is staged lies in it
	delete(after, "apps")
	if !maps.Equal(before, after) || rep.Same != 5 || rep.Apps != 0 || rep.Refused != 0 || rep.Written.Files != 0 {
		t.Errorf("same %d, apps %d, refused %d, written %+v\n%s", rep.Same, rep.Apps, rep.Refused, rep.Written, f)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "apps/com.example.alpha/f/zz/inner/b", "mine")
	write(t, dir, "DCIM/img.jpg", "mine")
	write(t, dir, "Zoo/img.jpg", strings.Repeat("p", 1500))
	before := snapshot(t, dir)
	rep, f := extract(t, plain(t, android()), dir)
	after := snapshot(t, dir)
	for _, name := range []string{"apps/com.example.alpha/f/zz/inner/b", "DCIM/img.jpg", "Zoo/img.jpg"} {
		if before[name] != after[name] {
			t.Errorf("%s: %q", name, after[name])
		}
	}
	// Alpha's files and its key/value data; the photo.
	if got := f.of(archive.KindExists); rep.Refused != 2 || rep.SharedRefused != 1 || rep.SharedSame != 3 || len(got) != 3 || got[0].Offset != 0 {
		t.Errorf("refused %d, shared %d, same %d\n%s", rep.Refused, rep.SharedRefused, rep.SharedSame, f)
	}
	if _, err := os.Lstat(filepath.Join(dir, "apps/com.example.alpha/_manifest")); err == nil {
		t.Error("something was added to an app's folder that was there")
	}
}

func TestChangesBetweenExtractAndCreate(t *testing.T) {
	var tb tarball
	tb.app("com.a")
	tb.add(item{name: "apps/com.a/f/2", body: "two", mode: 0o4755, uid: 77, mtime: 100})
	tb.add(item{name: "apps/com.a/f/1", body: "one", mode: 0o4755, uid: 77, mtime: 100})
	tb.add(item{name: "apps/com.a/sp/p.xml", body: "<map/>", uid: 77, mtime: 100})
	dir := t.TempDir()
	extract(t, plain(t, tb.end()), dir)
	app := filepath.Join(dir, "apps/com.a")
	if err := os.Remove(filepath.Join(app, "f/1")); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(555, 0)
	change := func(name, body string) {
		write(t, app, name, body)
		if err := os.Chtimes(filepath.Join(app, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	change("f/2", "changed")
	change("f/new", "n")
	change("f/dir/b", "b")
	change("f/dir/a", "a")
	change("db/x.db", "db")
	change("ef/e", "e")
	change("cache/x", "an unknown domain")
	change("c/x", "never")
	if err := os.Symlink("f/2", filepath.Join(app, "f/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(app, "f/dir"), at, at); err != nil {
		t.Fatal(err)
	}
	got, made, f := create(t, dir)

	var want tarball
	want.app("com.a")
	want.add(item{name: "apps/com.a/f/2", body: "changed", mode: 0o4755, uid: 77, mtime: 555})
	want.add(item{name: "apps/com.a/f/dir", typ: '5', uid: 10000, mtime: 555})
	want.add(item{name: "apps/com.a/f/dir/a", body: "a", uid: 10000, mtime: 555})
	want.add(item{name: "apps/com.a/f/dir/b", body: "b", uid: 10000, mtime: 555})
	want.add(item{name: "apps/com.a/f/new", body: "n", uid: 10000, mtime: 555})
	want.add(item{name: "apps/com.a/db/x.db", body: "db", uid: 10000, mtime: 555})
	want.add(item{name: "apps/com.a/sp/p.xml", body: "<map/>", uid: 77, mtime: 100})
	want.add(item{name: "apps/com.a/ef/e", body: "e", uid: 10000, mtime: 555})
	want.add(item{name: "apps/com.a/cache/x", body: "an unknown domain", uid: 10000, mtime: 555})
	if made.Gone != 1 || len(f.of(archive.KindLeftOut)) != 2 {
		t.Errorf("%+v\n%s", made, f)
	}
	if g, w := names(t, got), names(t, want.end()); !slices.Equal(g, w) {
		t.Fatalf("order\n%q\n%q", g, w)
	}
	diff(t, got, want.Bytes())
}

func TestFileBecomesFolder(t *testing.T) {
	var tb tarball
	tb.app("com.a")
	tb.add(item{name: "apps/com.a/f/x", body: "1"})
	tb.add(item{name: "apps/com.a/f/y", typ: '5'})
	dir := t.TempDir()
	extract(t, plain(t, tb.end()), dir)
	f := filepath.Join(dir, "apps/com.a/f")
	for _, n := range []string{"x", "y"} {
		if err := os.Remove(filepath.Join(f, n)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, f, "x/in", "2")
	write(t, f, "y", "3")
	got, made, _ := create(t, dir)
	want := []string{"apps/com.a/_manifest", "apps/com.a/f/x", "apps/com.a/f/x/in", "apps/com.a/f/y"}
	if g := names(t, got); !slices.Equal(g, want) || made.Gone != 2 {
		t.Errorf("%q, gone %d", g, made.Gone)
	}
}

func TestHandMadeFolder(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"obb", "ef", "d_sp", "sp", "d_db", "db", "d_f", "f", "d_r", "r", "a", "zz"} {
		write(t, dir, "apps/com.b/"+d+"/file", d)
	}
	write(t, dir, "apps/com.b/_manifest", manifest("com.b", 1))
	write(t, dir, "apps/com.a/_manifest", manifest("com.a", 1))
	write(t, dir, "apps/com.kv/_manifest", manifest("com.kv", 1))
	write(t, dir, "apps/com.kv/k/com.kv.data", records("a", "b"))
	write(t, dir, "apps/com.none/f/x", "no manifest")
	write(t, dir, "apps/.com.x.part/f/x", "staged")
	for _, n := range []string{"Zoo/z", "Alarms/a", "Download/d", "DCIM/p", "Music/m", "top.txt",
		"Contacts/c.vcf", "Calendar/c", "messages/m", ".ferry/x", "shared-1/x", "shared-0/Contacts/c.txt", "shared-0/lost"} {
		write(t, dir, n, n)
	}
	got, made, f := create(t, dir)
	want := []string{"apps/com.a/_manifest", "apps/com.b/_manifest"}
	for _, d := range []string{"a", "r", "d_r", "f", "d_f", "db", "d_db", "sp", "d_sp", "ef", "obb", "zz"} {
		want = append(want, "apps/com.b/"+d+"/file")
	}
	for _, n := range []string{"DCIM", "DCIM/p", "Music", "Music/m", "Download", "Download/d", "Alarms", "Alarms/a", "Zoo", "Zoo/z", "top.txt", "Contacts", "Contacts/c.txt"} {
		want = append(want, "shared/0/"+n)
	}
	want = append(want, "shared/1/x", "apps/com.kv/k/_manifest", "apps/com.kv/k/com.kv.data")
	if g := names(t, got); !slices.Equal(g, want) {
		t.Errorf("got  %q\nwant %q", g, want)
	}
	if made.Refused != 1 || made.Packages != 3 || len(f.of(archive.KindNoManifest)) != 1 || len(f.of(archive.KindLeftOut)) != 1 {
		t.Errorf("%+v\n%s", made, f)
	}
	again, _, _ := create(t, dir)
	diff(t, again, got)
	rep, err := archive.Check(context.Background(), bytes.NewReader(plain(t, got)), archive.CheckOptions{})
	if err != nil || !rep.Complete || rep.Damaged != 0 || rep.Refused != 0 {
		t.Errorf("%+v %v", rep, err)
	}
}

func TestCreateTakesWhatItIsToldTo(t *testing.T) {
	dir := t.TempDir()
	extract(t, plain(t, android()), dir)
	var b bytes.Buffer
	_, err := archive.Create(context.Background(), &b, dir, archive.CreateOptions{Take: func(p string) bool { return p == "com.example.empty" }})
	if err != nil {
		t.Fatal(err)
	}
	if g := names(t, inflated(t, b.Bytes(), "")); !slices.Equal(g, []string{"apps/com.example.empty/_manifest"}) {
		t.Errorf("%q", g)
	}
}

func TestSamples(t *testing.T) {
	base := os.Getenv("FERRY_SAMPLES")
	if base == "" {
		t.Skip("FERRY_SAMPLES does not name the folder of real archives")
	}
	for name, size := range map[string]int{"backup_file_with_long_name": 5120, "backup_telephony_no_password": 26112} {
		t.Run(name, func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join(base, "android", name))
			if err != nil {
				t.Fatal(err)
			}
			ctx := context.Background()
			list, err := archive.List(ctx, bytes.NewReader(file), archive.Options{})
			if err != nil || len(list.Packages) != 1 || list.Problems != 0 || !list.Packages[0].HasManifest || list.Inflated != int64(size) {
				t.Fatalf("%+v %v", list, err)
			}
			rep, err := archive.Check(ctx, bytes.NewReader(file), archive.CheckOptions{})
			if err != nil || !rep.Clean() || len(rep.Findings) > 0 {
				t.Fatalf("%v\n%s", err, findings(rep.Findings))
			}
			dir := t.TempDir()
			extract(t, file, dir)
			got, _, _ := create(t, dir)
			diff(t, got, inflated(t, file, ""))
		})
	}
}
