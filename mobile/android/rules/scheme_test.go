package rules

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/domain"
)

func content(t testing.TB, body string) *Content {
	t.Helper()
	c, err := ParseContent(strings.NewReader("<full-backup-content>" + body + "</full-backup-content>"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func extraction(t testing.TB, body string) *Extraction {
	t.Helper()
	e, err := ParseExtraction(strings.NewReader("<data-extraction-rules>" + body + "</data-extraction-rules>"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestWhichRules has every cell of the table of [Select]. The old document lets
// only f/old through, the new one's sections f/cloud and f/transfer.
func TestWhichRules(t *testing.T) {
	oldDoc := content(t, `<include domain="file" path="old"/>`)
	const cloud = `<cloud-backup><include domain="file" path="cloud"/></cloud-backup>`
	const transfer = `<device-transfer><include domain="file" path="transfer"/></device-transfer>`
	docs := map[string]*Extraction{
		"none": nil, "both": extraction(t, cloud+transfer), "cloud": extraction(t, cloud), "transfer": extraction(t, transfer),
		"neither": extraction(t, ""), "empty": extraction(t, "<cloud-backup/><device-transfer/>"),
		"other": extraction(t, `<cross-platform-transfer platform="ios"><nonsense a="1" b="2" c="3" d="4"/></cross-platform-transfer>`),
	}
	const all = "old cloud transfer"
	for _, c := range []struct {
		d      Destination
		target int
		doc    string
		want   string
		off    string // what moves with fullBackupContent="false" in place of the old document
	}{
		{Cloud, 30, "none", "old", ""}, {Cloud, 31, "none", "old", ""},
		{Cloud, 30, "both", "cloud", "cloud"}, {Cloud, 31, "both", "cloud", "cloud"},
		{Cloud, 30, "cloud", "cloud", "cloud"}, {Cloud, 31, "cloud", "cloud", "cloud"},
		{Cloud, 30, "transfer", "old", ""}, {Cloud, 31, "transfer", "old", ""},
		{Cloud, 30, "neither", "old", ""}, {Cloud, 31, "other", "old", ""},
		{Cloud, 30, "empty", all, all}, {Cloud, 31, "empty", all, all},
		{DeviceTransfer, 30, "none", "old", ""}, {DeviceTransfer, 31, "none", all, all},
		{DeviceTransfer, 30, "both", "transfer", "transfer"}, {DeviceTransfer, 31, "both", "transfer", "transfer"},
		{DeviceTransfer, 30, "cloud", "old", ""}, {DeviceTransfer, 31, "cloud", all, all},
		{DeviceTransfer, 30, "transfer", "transfer", "transfer"}, {DeviceTransfer, 31, "transfer", "transfer", "transfer"},
		{DeviceTransfer, 30, "neither", "old", ""}, {DeviceTransfer, 31, "other", all, all},
		{DeviceTransfer, 30, "empty", all, all}, {DeviceTransfer, 31, "empty", all, all},
		{ADB, 30, "none", all, ""}, {ADB, 31, "both", all, ""}, {ADB, 30, "both", all, ""}, {ADB, 31, "none", all, ""},
		{Destination(7), 31, "none", "", ""},
	} {
		for _, app := range []App{{Content: oldDoc}, {NoFullBackup: true}} {
			app.TargetSDK, app.Extraction = c.target, docs[c.doc]
			want := c.want
			if app.NoFullBackup {
				want = c.off
			}
			s := Select(app, Query{Destination: c.d, Flags: 3})
			var saved, restored []string
			for _, name := range strings.Fields(all) {
				if s.Backup("f", name) {
					saved = append(saved, name)
				}
				if s.Restore("f", name) {
					restored = append(restored, name)
				}
			}
			if got := strings.Join(saved, " "); got != want {
				t.Errorf("%+v off=%v: backs up %q", c, app.NoFullBackup, got)
			}
			if got := strings.Join(restored, " "); got != want {
				t.Errorf("%+v off=%v: restores %q", c, app.NoFullBackup, got)
			}
		}
	}
	// After allowBackup="false" the old attributes do not exist.
	s := Select(App{TargetSDK: 30, NoBackup: true, NoFullBackup: true, Content: oldDoc}, Query{Destination: Cloud})
	if !s.Backup("f", "x") || s.BackupReason() != OK {
		t.Error("an attribute counts that the parser does not look at")
	}
}

func TestEncryption(t *testing.T) {
	for _, c := range []struct {
		body  string
		d     Destination
		flags uint32
		want  Reason
	}{
		{`<cloud-backup disableIfNoEncryptionCapabilities="true"/>`, Cloud, 0, NeedsEncryption},
		{`<cloud-backup disableIfNoEncryptionCapabilities="true"/>`, Cloud, 1, OK},
		{`<cloud-backup disableIfNoEncryptionCapabilities="false"/>`, Cloud, 0, OK},
		{`<cloud-backup disableIfNoEncryptionCapabilities="TRUE"/>`, Cloud, 0, OK},
		{`<cloud-backup/><cloud-backup disableIfNoEncryptionCapabilities="true"/><cloud-backup/>`, Cloud, 2, NeedsEncryption},
		{`<device-transfer disableIfNoEncryptionCapabilities="true"/>`, DeviceTransfer, 2, OK},
	} {
		s := Select(App{TargetSDK: 31, Extraction: extraction(t, c.body)}, Query{Destination: c.d, Flags: 0 + flags(c.flags)})
		if got := s.BackupReason(); got != c.want || s.Backup("f", "x") != (c.want == OK) {
			t.Errorf("%+v: %v", c, got)
		}
		if s.RestoreReason() != OK || !s.Restore("f", "x") || !s.Fresh() {
			t.Errorf("%+v: a restore is always allowed", c)
		}
		if starts, all := s.Includes(); len(starts) > 0 || all != (c.want == OK) {
			t.Errorf("%+v: begins at %v %v", c, starts, all)
		}
	}
}

// TestRules has the semantics of rules point by point. A "+" line moves both
// ways, a "-" line neither, a "b" line only out, an "r" line only in.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
	}{
		{"no rules", ``, `+f a
			+db x.db
			+sp x.xml
			+r app_x/y
			+ef z
			+d_f a
			-c a
			-r code_cache
			+k x
			+shared/0 DCIM`},
		{"excludes alone", `<exclude domain="file" path="a"/><exclude domain="external" path="e/f"/>`, `-f a
			-f a/b/c
			+f ab
			+f b/a
			+d_f a
			-ef e/f/g
			+ef e
			+db a`},
		{"one include is all", `<include domain="file" path="a/b"/>`, `+f a/b
			+f a/b/c
			-f a
			-f a/bc
			-f
			-db x
			-sp x
			-r x
			-ef x
			-d_f a/b`},
		{"exclude beats include", `<include domain="file" path="a"/><exclude domain="file" path="a/b"/><include domain="file" path="a/b/c"/>`, `+f a/x
			-f a/b
			-f a/b/c
			-f a/b/c/d`},
		{"whole domains", `<include domain="sharedpref"/><include domain="database" path=""/><include domain="file" path="."/><exclude domain="sharedpref" path="x.xml"/>`, `+sp a.xml
			-sp x.xml
			+db a
			+f a/b
			+f
			-ef a
			-r app_x`},
		{"slashes at the ends", `<exclude domain="file" path="/a/"/><exclude domain="file" path="./b/./c"/>`, `-f a
			-f b/c
			+f b`},
		{"impossible paths", `<exclude domain="file" path="../a"/><exclude domain="file" path="a..b"/><exclude domain="file" path="x//y"/><include domain="file" path="//"/>`, `+f a..b
			+f a
			+f x/y`},
		{"no wildcards", `<exclude domain="file" path="*"/><exclude domain="file" path="a?"/>`, `+f ab
			-f *`},
		{"unknown domains", `<include domain="cache" path="a"/><include domain="" path="a"/><include path="a"/><exclude domain="files" path="b"/>`, `+f a
			+f b
			-c a`},
		{"database files", `<exclude domain="database" path="a.db"/><exclude domain="device_database" path="b.db"/><exclude domain="database" path="dir"/><exclude domain="root" path="databases/c.db"/>`, `-db a.db
			-db a.db-journal
			-db a.db-wal
			+db a.db-shm
			-d_db b.db
			+d_db b.db-wal
			-db dir/x
			+db dir-wal
			-db c.db
			+db c.db-wal`},
		{"settings files", `<include domain="sharedpref" path="a"/><include domain="sharedpref" path="b.xml"/><include domain="device_sharedpref" path="c"/><include domain="sharedpref" path="dir"/>`, `+sp a
			+sp a.xml
			+sp b.xml
			-sp b.xml.xml
			+d_sp c
			-d_sp c.xml
			+sp dir/x
			-sp dir.xml`},
		{"root names other domains", `<exclude domain="root" path="files/a"/><exclude domain="root" path="app_x"/><exclude domain="device_root" path="shared_prefs/p.xml"/>`, `-f a
			-r files/a
			-r app_x/y
			+r app_y
			-d_sp p.xml
			+sp p.xml`},
		{"root alone is no other domain", `<include domain="root"/>`, `+r app_x
			rf a
			rdb a
			-d_f a
			-ef a`},
		{"root excluded takes all in it", `<exclude domain="root"/>`, `-r app_x
			-f a
			-db a
			+d_f a
			+ef a`},
		{"caches stay out", `<include domain="root" path="cache/x"/><include domain="root" path="no_backup"/><include domain="file" path="a"/>`, `-r app_x
			-c a
			+f a`},
		{"flags", `<include domain="file" path="enc" requireFlags="clientSideEncryption"/>
			<include domain="file" path="d2d" requireFlags="deviceToDeviceTransfer"/>
			<include domain="file" path="both" requireFlags="clientSideEncryption|deviceToDeviceTransfer"/>
			<include domain="file" path="fake" requireFlags="fakeClientSideEncryption"/>
			<include domain="file" path="other" requireFlags="moonlight"/>
			<include domain="file" path="empty" requireFlags=""/>`, `rf enc
			+f d2d
			rf both
			rf fake
			+f other
			+f empty
			-f x`},
		{"no include counts", `<include domain="database" path="a" requireFlags="clientSideEncryption"/>`, `rdb a
			rdb a-wal
			-f x
			-db x`},
		{"rules in rules", `<include domain="file" path="a"><exclude domain="file" path="a/b"/></include>`, `+f a/c
			-f a/b`},
		{"tools and namespaces", `<include xmlns:tools="http://schemas.android.com/tools" domain="file" path="a" requireFlags="" tools:ignore="x"/>`, `+f a
			-f b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			app := App{TargetSDK: 30, Content: content(t, c.body)}
			s := Select(app, Query{Destination: DeviceTransfer, Flags: 2, IsDir: func(_ domain.Token, p string) bool { return p == "dir" }})
			for line := range strings.Lines(c.want) {
				line = strings.TrimSpace(line)
				token, path, _ := strings.Cut(line[1:], " ")
				b, r := s.Backup(domain.Token(token), path), s.Restore(domain.Token(token), path)
				if wantB := line[0] == '+'; b != wantB {
					t.Errorf("backs up %s %q: %v", token, path, b)
				}
				// What is never backed up may lie in an archive; that is not for rules.
				if wantR := line[0] != '-'; r != wantR && !domain.NeverBackedUp(domain.Token(token), path) {
					t.Errorf("restores %s %q: %v", token, path, r)
				}
			}
		})
	}
}

// TestNewSectionIgnoresFlags: requireFlags means nothing there.
func TestNewSectionIgnoresFlags(t *testing.T) {
	s := Select(App{Extraction: extraction(t, `<cloud-backup><include domain="file" path="a" requireFlags="clientSideEncryption"/></cloud-backup>`)}, Query{})
	if !s.Backup("f", "a") || s.Backup("f", "b") {
		t.Error("the include does not count")
	}
}

func TestSystemExternal(t *testing.T) {
	c := content(t, `<include domain="external" path="a"/>`)
	if s := Select(App{Content: c, SystemUID: true}, Query{}); !s.Backup("f", "x") {
		t.Error("the system's own include of external storage counts")
	}
	if s := Select(App{Content: c}, Query{}); s.Backup("f", "x") || !s.Backup("ef", "a") {
		t.Error("an app's include of external storage does not count")
	}
}

func TestIncludesAndDescend(t *testing.T) {
	s := Select(App{Content: content(t, `
		<include domain="file" path="a/b/c"/>
		<include domain="file" path="a/b/c"/>
		<include domain="file" path="a/b/c/d"/>
		<include domain="file" path="x"/>
		<include domain="file" path="gone/y"/>
		<include domain="file" path="secret" requireFlags="clientSideEncryption"/>
		<include domain="root" path="shared_prefs/p.xml"/>
		<include domain="root" path="cache"/>
		<exclude domain="file" path="gone"/>`)}, Query{})
	starts, all := s.Includes()
	want := []Rule{{Domain: "f", Path: "a/b/c"}, {Domain: "f", Path: "x"}, {Domain: "sp", Path: "p.xml"}}
	if all || !reflect.DeepEqual(starts, want) {
		t.Errorf("begins at %v %v, want %v", starts, all, want)
	}
	for _, c := range []struct {
		t, path string
		want    bool
	}{
		{"f", "", true}, {"f", "a", true}, {"f", "a/b", true}, {"f", "a/b/c", true}, {"f", "a/b/c/d/e", true}, {"f", "x", true},
		{"f", "a/c", false}, {"f", "gone", false}, {"f", "gone/y", false}, {"f", "secret", false}, {"db", "", false}, {"sp", "", true}, {"r", "cache", false},
	} {
		if got := s.Descend(domain.Token(c.t), c.path); got != c.want {
			t.Errorf("below %s %q: %v", c.t, c.path, got)
		}
	}
}

func TestUnusable(t *testing.T) {
	broken := extraction(t, `<cloud-backup><nonsense/></cloud-backup><device-transfer><include domain="file" path="a"/></device-transfer>`)
	for _, c := range []struct {
		app  App
		d    Destination
		want Reason
	}{
		{App{Content: UnusableContent()}, Cloud, UnusableRules},
		{App{Content: UnusableContent()}, DeviceTransfer, UnusableRules},
		{App{Content: UnusableContent(), TargetSDK: 31}, DeviceTransfer, OK}, // not looked at
		{App{Content: UnusableContent()}, ADB, OK},
		{App{Extraction: UnusableExtraction(), TargetSDK: 31}, Cloud, UnusableRules},
		{App{Extraction: UnusableExtraction(), TargetSDK: 31}, DeviceTransfer, UnusableRules},
		{App{Extraction: broken, TargetSDK: 31}, Cloud, UnusableRules},
		{App{Extraction: broken, TargetSDK: 31}, DeviceTransfer, OK},
	} {
		s := Select(c.app, Query{Destination: c.d})
		if s.BackupReason() != c.want || s.RestoreReason() != c.want {
			t.Errorf("%+v: %v, %v", c.d, s.BackupReason(), s.RestoreReason())
		}
		if ok := c.want == OK; s.Backup("f", "a") != ok || s.Restore("f", "a") != ok || s.Descend("f", "") && !ok {
			t.Errorf("destination %d: %v", c.d, c.want)
		}
	}
}

func BenchmarkBackup(b *testing.B) {
	var body strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&body, `<exclude domain="file" path="dir%d/sub"/>`, i)
	}
	s := Select(App{Content: content(b, body.String())}, Query{})
	b.ReportAllocs()
	for b.Loop() {
		if !s.Backup(domain.Files, "dir5/other/deeper/file.txt") {
			b.Fatal("left out")
		}
	}
}
