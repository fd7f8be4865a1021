package archived_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/archived"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
)

const app = "com.example.app"

// What does not move is told once, and the rest does.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		build func(*tarball)
		quota int64
		want  []string // of the app
	}{
		"no manifest":        {build: func(b *tarball) { b.file(app, "f", "a", "a") }, want: []string{app + ": malformed"}},
		"a late manifest":    {build: func(b *tarball) { b.file(app, "f", "a", "a").app(app, "") }, want: []string{app + ": malformed"}},
		"only caches":        {build: func(b *tarball) { b.file(app, "c", "a", "a") }, want: []string{app + ": malformed"}},
		"another's manifest": {build: func(b *tarball) { b.file(app, "", "_manifest", manifest("com.other")) }, want: []string{app + ": malformed"}},
		"no manifest at all": {build: func(b *tarball) { b.file(app, "", "_manifest", "x") }, want: []string{app + ": malformed"}},
		"over the quota":     {build: func(b *tarball) { b.app(app, "").file(app, "f", "a", strings.Repeat("a", 5000)) }, quota: 5000, want: []string{app + ": over_quota"}},
		"within it":          {build: func(b *tarball) { b.app(app, "").file(app, "f", "a", "a") }, quota: 1024, want: []string{app + "/_manifest 56", app + "/f/a 1", app + ` = "2 2` + `\n"`}},
		"records over it":    {build: func(b *tarball) { b.records(app, "k", "12345") }, quota: 4, want: []string{app + ": over_quota"}},
		"again after others": {build: func(b *tarball) {
			b.app(app, "").file(app, "f", "a", "a").app("com.z", "").app(app, "").file(app, "f", "b", "b")
		}, want: []string{app + ": malformed"}},
		"damaged records": {build: func(b *tarball) { b.app(app, "k").file(app, "k", app+".data", "Data\x01\x00\x00") }, want: []string{app + ": damaged"}},
		"a value too large": {build: func(b *tarball) {
			b.app(app, "k").file(app, "k", app+".data", "Data\x01\x00\x00\x00\x01\x00\x00\x01k\x00\xbc\xbc")
		}, want: []string{app + ": too_large"}},
		"a key too long":       {build: func(b *tarball) { b.records(app, strings.Repeat("k", 4090), "v") }, want: []string{app + ": bad_name"}},
		"too deep":             {build: func(b *tarball) { b.app(app, "").file(app, "f", strings.Repeat("d/", 126)+"x", "x") }, want: []string{app + ": bad_name"}},
		"a manifest too large": {build: func(b *tarball) { b.raw("apps/"+app+"/_manifest", '0', 65<<10) }, want: []string{app + ": too_large"}},
		"an odd type":          {build: func(b *tarball) { b.app(app, "").raw("apps/"+app+"/f/odd", 'M', 0) }, want: []string{app + ": malformed"}},
		"another tar's folder": {build: func(b *tarball) { b.app(app, "").raw("apps/"+app+"/f/", '5', 0).file(app, "f", "a", "") }, want: []string{app + "/_manifest 56", app + "/f/a 0", app + ` = "2 2` + `\n"`}},
		"a link":               {build: func(b *tarball) { b.app(app, "").raw("apps/"+app+"/f/link", '2', 0) }, want: []string{app + "/_manifest 56", app + ` = "2 1` + `\n"`, app + "/f/link: not_regular"}},
		"out of the folder":    {build: func(b *tarball) { b.raw("apps/"+app+"/f/../../x", '0', 9).app(app, "") }, want: []string{app + "/f/../../x: bad_name", app + "/_manifest 56", app + ` = "2 1` + `\n"`}},
		"what only we write":   {build: func(b *tarball) { b.app(app, "").file(app, "_INDEX", "a", "a") }, want: []string{app + "/_manifest 56", app + ` = "2 1` + `\n"`, app + "/_INDEX/a: bad_name"}},
		"caches": {build: func(b *tarball) {
			b.app(app, "").file(app, "c", "a", "").file(app, "d_c", "a", "").file(app, "nb", "a", "").file(app, "d_nb", "a", "").file(app, "r", "cache/a", "").file(app, "r", "no_backup/a", "").file(app, "d_r", "no_backup/a", "")
		}, want: []string{app + "/_manifest 56", app + ` = "2 1` + `\n"`}},
		"the same file twice":  {build: func(b *tarball) { b.app(app, "").file(app, "f", "a", "one").file(app, "f", "a", "two") }, want: []string{app + "/_manifest 56", app + "/f/a 3", app + ` = "2 2` + `\n"`}},
		"another file":         {build: func(b *tarball) { b.app(app, "").file(app, "f", "a", "one").file(app, "f", "a", "other") }, want: []string{app + "/_manifest 56", app + "/f/a 3", app + ` = "2 2` + `\n"`, app + "/f/a: changed"}},
		"folders passed over":  {build: func(b *tarball) { b.app(app, "").file(app, "f", "a/b/c", "").dir(app, "f", "a").dir(app, "f", "a/z") }, want: []string{app + "/_manifest 56", app + "/f/a/", app + "/f/a/b/", app + "/f/a/b/c 0", app + "/f/a/z/", app + ` = "2 5` + `\n"`}},
		"records with a cache": {build: func(b *tarball) { b.app(app, "").file(app, "c", "x", "x").records(app) }, want: []string{app + "/_manifest 56", app + "/k/", app + "/k/_manifest 56", app + ` = "1 3` + `\n"`}},
		"files behind records": {build: func(b *tarball) { b.records(app, "k", "v").app(app, "").file(app, "f", "a", "") }, want: []string{app + "/k/", app + "/k/_manifest 56", app + "/k/" + app + ".data 17", app + "/_manifest 56", app + "/f/a 0", app + ` = "2 5` + `\n"`}},
		"damaged beside files": {build: func(b *tarball) {
			b.app(app, "").file(app, "f", "a", "").app(app, "k").file(app, "k", app+".data", "?")
		}, want: []string{app + "/_manifest 56", app + "/f/a 0", app + "/k/", app + "/k/_manifest 56", app + "/k/" + app + ".data 1", app + ` = "2 5` + `\n"`}},
		"no records": {build: func(b *tarball) { b.app(app, "k").file(app, "k", "other", "x") }, want: []string{app + "/k/", app + "/k/_manifest 56", app + "/k/other 1", app + ` = "2 3` + `\n"`}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTar(t).app("com.a", "")
			c.build(b)
			d := open(t, b.app("com.zz", "").save(ab.CreateOptions{}), archived.Options{Quota: c.quota})
			got := listing(t, source(t, d, "apps", d2d))
			mustCount(t, d, d2d)
			for _, other := range []string{"com.a", "com.zz"} {
				if !slices.Contains(got, other+` = "2 1\n"`) {
					t.Errorf("%s was not closed", other)
				}
			}
			got = slices.DeleteFunc(got, func(l string) bool { return !strings.HasPrefix(l, app) })
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// Names that are no app's, and places that are nobody's.
func TestNobodys(t *testing.T) {
	b := newTar(t).app("shared", "").app("1st", "").app(strings.Repeat("a", 224), "")
	b.raw("apps/b@d/f/x", '0', 0).raw("elsewhere", '0', 0).raw("shared/0/DCIM/link.jpg", '2', 0).raw("shared/0/apps/pipe", '6', 0)
	b.file("", "shared/64", "x", "").file("", "shared/00", "y", "").file("", "shared/0", strings.Repeat("d/", 128)+"z", "")
	d := open(t, b.save(ab.CreateOptions{}), archived.Options{})
	mustCount(t, d, d2d)
	for kind, want := range map[backup.Kind][]string{
		"apps":   {"shared: bad_name", "1st: bad_name", strings.Repeat("a", 224) + ": bad_name", "b@d/f/x: bad_name"},
		"photos": {"DCIM/link.jpg: not_regular"},
		"files":  {"elsewhere: bad_name", "shared-0/apps/pipe: not_regular", "x: bad_name", "y: bad_name", strings.Repeat("d/", 128) + "z: bad_name"},
	} {
		if got := listing(t, source(t, d, kind, d2d)); !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

// The new phone's room is a quota too.
func TestTransportQuota(t *testing.T) {
	d := open(t, newTar(t).app(app, "").file(app, "f", "a", "a").save(ab.CreateOptions{}), archived.Options{})
	tr := backup.Transport{Quota: 1023}
	if got := listing(t, source(t, d, "apps", tr)); !slices.Equal(got, []string{app + ": over_quota"}) {
		t.Errorf("%q", got)
	}
	mustCount(t, d, tr)
}

func TestCount(t *testing.T) {
	mustCount(t, open(t, whole(t).save(ab.CreateOptions{Compress: true}), archived.Options{}), d2d)
	b := newTar(t)
	for i := range 150 {
		b.file("com.a"+strings.Repeat("b", i), "f", "x", "").raw("shared/0/x"+strings.Repeat("y", i%50), '1', 0)
	}
	d := open(t, b.save(ab.CreateOptions{}), archived.Options{})
	mustCount(t, d, d2d)
	n, err := source(t, d, "apps", d2d).(backup.Counter).Count(t.Context())
	if err != nil || n.Items != 150 || n.Cannot[backup.Malformed] != 150 || len(n.Examples) != 100 {
		t.Errorf("%d items, %v, %d examples, %v", n.Items, n.Cannot, len(n.Examples), err)
	}
}

// uncounted hides that a backup can count.
type uncounted struct{ backup.Agent }

func (u uncounted) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	b, err := u.Agent.Backup(ctx, t)
	if err != nil {
		return nil, err
	}
	return struct {
		backup.Backup
		backup.Releaser
	}{b, b.(backup.Releaser)}, nil
}

// mustCount checks that what is counted is what is listed.
func mustCount(t *testing.T, d *archived.Device, tr backup.Transport) {
	t.Helper()
	var slow []backup.Agent
	for _, a := range d.Agents() {
		slow = append(slow, uncounted{a})
	}
	quick, err := transfer.MakePlan(t.Context(), d.Agents(), tr, nil)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := transfer.MakePlan(t.Context(), slow, tr, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range quick {
		l := listed[i]
		if q.Items != l.Items || q.Folders != l.Folders || q.Bytes != l.Bytes || !maps.Equal(q.Cannot, l.Cannot) || q.Err != nil || l.Err != nil || !slices.Equal(q.Examples, l.Examples) {
			t.Errorf("%s counted\n%+v\nand listed\n%+v", q.Info.Kind, q, l)
		}
	}
}

func TestOpenFails(t *testing.T) {
	secret := []byte("the secret name")
	whole := newTar(t).app(app, "").file(app, "f", "a", strings.Repeat("abc", 5000)).tar()
	encrypted := newTar(t).app(app, "").save(ab.CreateOptions{Password: password, Rounds: 10})
	dir := t.TempDir()
	for name, c := range map[string]struct {
		path string
		o    archived.Options
		want error
	}{
		"missing":        {filepath.Join(dir, string(secret)), archived.Options{}, fs.ErrNotExist},
		"a folder":       {dir, archived.Options{}, archived.ErrNotFile},
		"another file":   {saved(t, []byte("hello")), archived.Options{}, ab.ErrFormat},
		"no password":    {encrypted, archived.Options{}, ab.ErrNoPassword},
		"wrong password": {encrypted, archived.Options{Password: func() ([]byte, error) { return secret, nil }}, ab.ErrPassword},
		"nobody answers": {encrypted, archived.Options{Password: func() ([]byte, error) { return nil, errors.ErrUnsupported }}, errors.ErrUnsupported},
		"too many apps":  {newTar(t).app("com.a", "").app("com.b", "").save(ab.CreateOptions{}), archived.Options{Limits: archive.Limits{Packages: 1}}, archive.ErrLimit},
	} {
		d, err := archived.Open(t.Context(), c.path, c.o)
		if !errors.Is(err, c.want) || d != nil {
			t.Errorf("%s: %v, %v", name, d, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q says too much", name, err)
		}
	}
	for n := 1600; n < len(whole)-1024; n += 700 {
		_, err := archived.Open(t.Context(), saved(t, whole[:n]), archived.Options{})
		if _, ok := errors.AsType[*archive.DamageError](err); !ok {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func TestNothingIsWritten(t *testing.T) {
	path := whole(t).save(ab.CreateOptions{})
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, path, archived.Options{})
	if n, err := d.Free(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%d bytes are free, %v", n, err)
	}
	for _, a := range d.Agents() {
		if r, err := a.Restore(t.Context(), d2d); r != nil || backup.ReasonOf(err) != backup.Unwritable {
			t.Errorf("%s: %v", a.Info().Kind, err)
		}
	}
	if after, err := os.Stat(path); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("the archive changed")
	}
}
