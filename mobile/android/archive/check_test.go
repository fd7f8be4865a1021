package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/android/domain"
)

func TestList(t *testing.T) {
	var f findings
	list, err := archive.List(context.Background(), bytes.NewReader(container(t, android(), ab.CreateOptions{Compress: true})), archive.Options{Problem: f.add})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list.Packages {
		got = append(got, p.Name)
	}
	if want := []string{"com.example.alpha", "com.example.empty", "org.example.beta", "com.android.wallpaper"}; !slices.Equal(got, want) {
		t.Errorf("packages %q", got)
	}
	a := list.Packages[0]
	if !a.HasManifest || a.VersionCode != 3 || a.SDK != 33 || a.Installer != "com.android.vending" || a.HasAPK || a.Certificates != 1 ||
		!a.Widgets || !a.KeyValue || a.Entities != 2 || a.Folders != 18 || a.Files != 9*3+5+1 || a.Offset != 0 {
		t.Errorf("%+v", a)
	}
	if got := a.Places[2]; got != (archive.Place{Domain: domain.Files, Count: archive.Count{Files: 8, Folders: 2, Bytes: 700 + 1 + 4 + 3 + 8 + 3 + 700}}) {
		t.Errorf("%+v", got)
	}
	if got := list.Packages[2].Places; len(got) != 1 || got[0].Domain != "" || got[0].Files != 1 {
		t.Errorf("%+v", got)
	}
	if kv := list.Packages[3]; kv.VersionCode != 3 || !kv.KeyValue || kv.Entities != 2 {
		t.Errorf("%+v", kv)
	}
	if len(list.Shared) != 2 || list.Shared[0].Domain != domain.Shared(0) || list.Shared[0].Count != (archive.Count{Files: 5, Folders: 2, Bytes: 3000 + 10 + 13 + 1}) {
		t.Errorf("%+v", list.Shared)
	}
	if !list.Repacked || list.Container != (ab.Header{Version: 5, Compressed: true}) || !list.End.Clean() || list.Bare || list.Problems != 1 {
		t.Errorf("%+v\n%s", list.Summary, f)
	}
}

func TestCheckFindsEverything(t *testing.T) {
	var tb tarball
	at := map[string]int64{}
	mark := func(name string) { at[name] = int64(tb.Len()) }
	tb.app("com.a")
	mark("checksum")
	tb.add(item{name: "apps/com.a/f/sum", sum: 1})
	tb.add(item{name: "apps/com.a/f/dirty", body: "x"})
	mark("fill")
	at["fill"] -= 511
	tb.Bytes()[tb.Len()-1] = 'x'
	mark("meta")
	tb.add(item{name: "apps/com.a/_meta", body: "1\ncom.a\n\x00"})
	mark("dropped")
	tb.add(item{name: "apps/com.a/c/x"})
	mark("odd")
	tb.add(item{name: "apps/com.a/f/" + strings.Repeat("n", 60), mode: 0o100600}) // type bits: the mode has seven digits
	mark("folder")
	tb.add(item{name: "apps/com.a/f/ro", typ: '5', mode: 0o500})
	mark("link")
	tb.add(item{name: "apps/com.a/f/l", typ: '2', link: "x"})
	mark("none")
	tb.add(item{name: "apps/com.b/f/x"})
	tb.add(item{name: "apps/com.c/k/_manifest", body: manifest("com.c", 1)})
	data := int64(tb.Len()) + 512
	tb.add(item{name: "apps/com.c/k/com.c.data", body: records("a", "1234") + "Dat"})
	tar := tb.end()
	mark("end")
	tar = append(tar, make([]byte, 512)...)
	tar = append(tar, "more"...)

	rep, err := archive.Check(context.Background(), bytes.NewReader(plain(t, tar)), archive.CheckOptions{})
	if err != nil || !rep.Complete {
		t.Fatal(rep, err)
	}
	f := findings(rep.Findings)
	for _, w := range []struct {
		kind     archive.Kind
		severity archive.Severity
		pkg      string
		offset   int64
	}{
		{archive.KindEntry, archive.Damage, "com.a", at["checksum"]},
		{archive.KindHeader, archive.Damage, "", at["fill"]},
		{archive.KindWidgets, archive.Damage, "com.a", at["meta"]},
		{archive.KindDropped, archive.Note, "com.a", at["dropped"]},
		{archive.KindDropped, archive.Note, "com.a", at["folder"]},
		{archive.KindHeader, archive.Note, "com.a", at["odd"]},
		{archive.KindEntry, archive.Refused, "com.a", at["link"]},
		{archive.KindNoManifest, archive.Refused, "com.b", at["none"]},
		{archive.KindKeyValue, archive.Damage, "com.c", data + int64(len(records("a", "1234")))},
		{archive.KindEnd, archive.Damage, "", at["end"] - 512},
	} {
		if !slices.ContainsFunc(f, func(g archive.Finding) bool {
			return g.Kind == w.kind && g.Severity == w.severity && g.Package == w.pkg && g.Offset == w.offset && g.File == w.offset+24
		}) {
			t.Errorf("missing: %+v", w)
		}
	}
	if len(f) != 10 || rep.Damaged != 5 || rep.Refused != 2 || rep.Notes != 3 || rep.Problems != 10 || rep.Clean() {
		t.Errorf("%d %d %d\n%s", rep.Damaged, rep.Refused, rep.Notes, f)
	}
	few, err := archive.Check(context.Background(), bytes.NewReader(plain(t, tar)), archive.CheckOptions{Findings: 3})
	if err != nil || len(few.Findings) != 3 || few.Problems != 10 || few.Damaged != 5 {
		t.Errorf("%+v %v", few, err)
	}
}

// A flipped bit anywhere in a deflated archive is noticed, unless it unpacks to
// the same.
func TestCheckNoticesFlippedBits(t *testing.T) {
	tar := android()
	file := container(t, tar, ab.CreateOptions{Compress: true})
	for i := 24; i < len(file); i += 7 {
		bad := slices.Clone(file)
		bad[i] ^= 1 << (i % 8)
		rep, err := archive.Check(context.Background(), bytes.NewReader(bad), archive.CheckOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if rep.Damaged > 0 {
			continue
		}
		r, err := ab.Open(bytes.NewReader(bad), ab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, tar) {
			t.Errorf("bit %d of byte %d", i%8, i)
		}
	}
}

func TestWhatIsNoArchive(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"empty":   {nil, ab.ErrFormat},
		"text":    {[]byte(strings.Repeat("hello ", 1000)), ab.ErrFormat},
		"zeros":   {make([]byte, 4096), ab.ErrFormat},
		"version": {[]byte("ANDROID BACKUP\n9\n0\nnone\n"), ab.ErrVersion},
		"locked":  {container(t, android(), ab.CreateOptions{Password: []byte("x"), Rounds: 10}), ab.ErrNoPassword},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := archive.Check(context.Background(), bytes.NewReader(c.file), archive.CheckOptions{}); !errors.Is(err, c.want) {
				t.Error(err)
			}
			dir := t.TempDir()
			if _, _, err := tryExtract(c.file, dir); !errors.Is(err, c.want) || len(snapshot(t, dir)) != 1 {
				t.Error(err)
			}
		})
	}
}

func TestEndOfTheContainer(t *testing.T) {
	file := container(t, android(), ab.CreateOptions{Compress: true})
	for name, c := range map[string][]byte{"no check sum": file[:len(file)-4], "bytes behind": append(slices.Clone(file), "more"...)} {
		rep, err := archive.Check(context.Background(), bytes.NewReader(c), archive.CheckOptions{})
		if err != nil || !rep.Complete || rep.Damaged > 0 || len(findings(rep.Findings).of(archive.KindEnd)) != 1 {
			t.Errorf("%s: %v\n%s", name, err, findings(rep.Findings))
		}
	}
}

func TestWalkPassesContentThrough(t *testing.T) {
	tar := android()
	stop := errors.New("enough")
	for _, cut := range []int{0, 1, 1 << 20} { // of each file: nothing, a byte, all
		n := 0
		sum, err := archive.Walk(context.Background(), bytes.NewReader(plain(t, tar)), archive.Options{}, func(e *archive.Entry) error {
			if e.Offset%512 != 0 || e.Data <= e.Offset || !bytes.Contains(tar[e.Offset:e.Data], []byte("ustar")) || e.File != e.Data+24 {
				t.Fatalf("offsets %d %d %d", e.Offset, e.Data, e.File)
			}
			b := make([]byte, min(int64(cut), e.Size))
			if len(b) > 0 {
				if m, err := e.Read(b); err != nil || !bytes.Equal(b[:m], tar[e.Data:][:m]) {
					t.Fatalf("content of entry %d: %v", n, err)
				}
			}
			if n++; e.Path == "img.jpg" {
				return stop
			}
			return nil
		})
		if err != nil || sum.Entries != int64(n) || sum.Inflated != int64(len(tar)) {
			t.Errorf("%+v %v", sum, err)
		}
	}
	if _, err := archive.Walk(context.Background(), bytes.NewReader(tar), archive.Options{}, func(*archive.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}
