package archived_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/archived"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// whole is an archive with something of everything.
func whole(t testing.TB) *tarball {
	const a = "com.example.alpha"
	b := newTar(t).app(a, "").file(a, "", "_meta", "1\n"+a+"\n\x01\xff\xed\x01\x00\x00\x00\x03abc")
	for _, d := range []string{"r", "d_r", "f", "d_f", "db", "d_db", "sp", "d_sp", "ef"} {
		b.dir(a, d, "zz").dir(a, d, "zz/inner").file(a, d, "zz/inner/b", strings.Repeat(d, 700)).file(a, d, "zz/inner/a", "").file(a, d, "x y", "x")
	}
	b.dir(a, "f", "grüße").file(a, "f", "grüße/日本.txt", "pax").dir(a, "f", "empty")
	b.file(a, "f", "large", strings.Repeat("0123456789abcdef", 60_000))
	b.app("com.example.empty", "")
	b.app("org.example.beta", "").file("org.example.beta", "ef_s0", "vendor", "v").file("org.example.beta", "a", "base.apk", "apk").file("org.example.beta", "obb", "main.obb", "o")
	b.dir("", "shared/0", "DCIM").file("", "shared/0", "DCIM/a.jpg", "photo").file("", "shared/0", "DCIM/b.MP4", strings.Repeat("video", 200_000))
	b.dir("", "shared/0", "Music").file("", "shared/0", "Music/s.mp3", "song").file("", "shared/0", "Documents/d.pdf", "paper")
	b.file("", "shared/0", "top.txt", "top").file("", "shared/0", "Zoo/z", "zoo").file("", "shared/0", "Download/d", "d").file("", "shared/0", "Recordings/r", "r")
	b.file("", "shared/0", "apps/com.example.alpha/f/x", "not an app").file("", "shared/0", "contacts/a.vcf", "not a contact")
	b.file("", "shared/0", "Shared-7/x", "no volume").file("", "shared/1", "Music/card.mp3", "on a card").dir("", "shared/1", "Music")
	b.records("com.android.wallpaper", "key", "value", "other", "12345678", "empty", "")
	b.records(a, "beside", "files")
	return b
}

var password = []byte("päss word")

func containers() map[string]ab.CreateOptions {
	return map[string]ab.CreateOptions{
		"plain": {}, "deflated": {Compress: true}, "encrypted": {Compress: true, Password: password, Rounds: 10}, "old": {Version: 1, Password: password, Rounds: 10},
	}
}

func ask() ([]byte, error) { return password, nil }

// extracted unpacks an archive the other way.
func extracted(t testing.TB, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := t.TempDir()
	if _, err := archive.Extract(t.Context(), f, dir, archive.ExtractOptions{Options: archive.Options{Password: ask}}); err != nil {
		t.Fatal(err)
	}
	return tree(t, dir)
}

// What is sent is what is extracted, and sending again changes nothing.
func TestSameAsExtract(t *testing.T) {
	for name, o := range containers() {
		t.Run(name, func(t *testing.T) {
			path := whole(t).save(o)
			d := open(t, path, archived.Options{Password: ask})
			dir, want := t.TempDir(), extracted(t, path)
			for range 2 {
				if tally := move(t, d, dir); tally.Failed != 0 {
					t.Fatalf("%+v", tally)
				}
				mustEqual(t, tree(t, dir), want)
			}
		})
	}
}

func TestBareTar(t *testing.T) {
	d := open(t, saved(t, whole(t).tar()), archived.Options{})
	if len(d.Agents()) != 8 {
		t.Errorf("%d agents", len(d.Agents()))
	}
}

// The same over the engine that has a network.
func TestTransfer(t *testing.T) {
	path := whole(t).save(ab.CreateOptions{Compress: true})
	d := open(t, path, archived.Options{})
	dir, want := t.TempDir(), extracted(t, path)
	to := folderPhone(t, dir)
	rig := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{Empty: true}, fakephone.Config{Empty: true})
	rig.TuneSend = func(c *transfer.SendConfig) { c.Agents = d.Agents() }
	rig.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = to; c.Free = nil }
	for i := range 2 {
		e := rig.Run(t.Context())
		if e.SendErr != nil || e.TakeErr != nil {
			t.Fatal(e.SendErr, e.TakeErr)
		}
		for _, k := range e.Sent.Kinds {
			if k.Failed != 0 || i == 1 && k.Added != 0 {
				t.Errorf("run %d: %+v", i, k)
			}
		}
		mustEqual(t, tree(t, dir), want)
	}
}

// A transfer that is cut again and again ends with the same.
func TestTransferCut(t *testing.T) {
	d := open(t, whole(t).save(ab.CreateOptions{Compress: true}), archived.Options{})
	dir, want := t.TempDir(), extracted(t, whole(t).save(ab.CreateOptions{}))
	to := folderPhone(t, dir)
	rig := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{Empty: true}, fakephone.Config{Empty: true})
	rig.TuneSend = func(c *transfer.SendConfig) { c.Agents = d.Agents() }
	rig.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = to; c.Free = nil }
	for n := int64(20_000); ; n += 150_000 {
		link := faulttest.CutAfterBytes(n)
		e := rig.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), link))
		if link.Broken() {
			continue
		}
		if e.SendErr != nil || e.TakeErr != nil || n == 20_000 {
			t.Fatal(n, e.SendErr, e.TakeErr)
		}
		break
	}
	mustEqual(t, tree(t, dir), want)
}

func TestListing(t *testing.T) {
	d := open(t, whole(t).save(ab.CreateOptions{}), archived.Options{})
	var kinds []string
	for _, a := range d.Agents() {
		kinds = append(kinds, string(a.Info().Kind))
	}
	if got := strings.Join(kinds, " "); got != "documents photos videos music recordings downloads apps files" {
		t.Errorf("kinds %s", got)
	}
	for kind, want := range map[backup.Kind]string{
		"photos": "DCIM/\nDCIM/a.jpg 5",
		"videos": "DCIM/b.MP4 1000000",
		"music":  "Music/\nMusic/s.mp3 4",
		"files": "top.txt 3\nZoo/z 3\nshared-0/apps/com.example.alpha/f/x 10\nshared-0/contacts/a.vcf 13\n" +
			"shared-0/Shared-7/x 9\nshared-1/Music/card.mp3 9\nshared-1/Music/",
	} {
		if got := strings.Join(listing(t, source(t, d, kind, d2d)), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", kind, got, want)
		}
	}
	all := listing(t, source(t, d, "apps", d2d))
	beta := all[slices.Index(all, `com.example.empty = "2 1\n"`)+1:]
	want := `org.example.beta/_manifest 57
org.example.beta/ef_s0/
org.example.beta/ef_s0/vendor 1
org.example.beta/a/
org.example.beta/a/base.apk 3
org.example.beta/obb/main.obb 1
org.example.beta = "2 6\n"
com.android.wallpaper/k/
com.android.wallpaper/k/_manifest 62
com.android.wallpaper:key = "value"
com.android.wallpaper:other = "12345678"
com.android.wallpaper:empty = ""
com.android.wallpaper = "1 5\n"
com.example.alpha/k/
com.example.alpha/k/_manifest 58
com.example.alpha/k/com.example.alpha.data 25
com.example.alpha = "2 54\n"`
	if got := strings.Join(beta, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSetDigestIsTheGroup(t *testing.T) {
	big := strings.Repeat("x", 9<<20)
	d := open(t, newTar(t).records("com.small", "k", "v").records("com.large", "a", big, "b", big).save(ab.CreateOptions{}), archived.Options{})
	b := source(t, d, "apps", d2d)
	groups := map[string]string{}
	for it, err := range b.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if pkg, _, ok := strings.Cut(string(it.Key), ":"); ok {
			groups[pkg] = it.Group
		}
		b.(backup.Releaser).Release(it)
	}
	if len(groups["com.small"]) != 32 || groups["com.large"] != "" {
		t.Errorf("%q", groups)
	}
}

// A stream of records that no longer has its delete markers is a full set.
func TestDeletedRecords(t *testing.T) {
	deleted := []byte("Data\x01\x00\x00\x00\xff\xff\xff\xffk\x00\xbc\xbc")
	tb := newTar(t).app("com.a", "k").file("com.a", "k", "com.a.data", string(deleted)+stream(t, "l", "v"))
	got := listing(t, source(t, open(t, tb.save(ab.CreateOptions{}), archived.Options{}), "apps", d2d))
	want := []string{"com.a/k/", "com.a/k/_manifest 46", `com.a:l = "v"`, `com.a = "1 3\n"`}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestPasswordIsAskedOnce(t *testing.T) {
	path := whole(t).save(ab.CreateOptions{Password: password, Rounds: 10})
	asked := 0
	d := open(t, path, archived.Options{Password: func() ([]byte, error) {
		asked++
		p := bytes.Clone(password)
		return p, nil
	}})
	for _, a := range d.Agents() {
		listing(t, source(t, d, a.Info().Kind, d2d))
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
