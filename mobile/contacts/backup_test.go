package contacts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

func TestInfo(t *testing.T) {
	want := backup.Info{Kind: "contacts", Title: "Contacts", One: "contact", Many: "contacts", Entities: true, Order: 10}
	if got := tempPhone(t).agent.Info(); got != want || !got.Kind.Valid() {
		t.Errorf("got %+v", got)
	}
}

func TestItems(t *testing.T) {
	p := tempPhone(t)
	if good, bad := p.items(t); len(good)+len(bad) != 0 {
		t.Fatal("an empty phone has contacts")
	}
	a, b := vcf("VERSION:3.0", "UID:abcdef", "FN:A"), vcf("VERSION:2.1", "FN:B")
	p.put(t, "b.vcf", a+b+b+a)
	p.put(t, "a/X.VCF", "\r\n"+b)
	p.put(t, "notes.txt", a)
	if err := os.Chmod(filepath.Join(p.dir, Folder, "b.vcf"), 0o751); err != nil {
		t.Fatal(err)
	}
	good, bad := p.items(t)
	if len(bad) != 0 || len(good) != 5 {
		t.Fatalf("%d good, %d bad", len(good), len(bad))
	}
	var got []string
	for _, it := range good {
		got = append(got, it.Group+" "+string(it.Key[:5]))
	}
	want := "a/X.VCF card:, b.vcf uid:a, b.vcf card:, b.vcf card:, b.vcf card:"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if k := string(good[3].Key); k != string(good[2].Key)+"-2" {
		t.Errorf("a duplicate has the key %s", k)
	}
	if m := good[1].Mode; m != 0o640 {
		t.Errorf("mode %v", m)
	}
	if good[0].ModTime.Nanosecond()%1000 == 0 {
		t.Errorf("time %v has no nanoseconds", good[0].ModTime)
	}
	bk, err := p.agent.Backup(context.Background(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bk.Open(context.Background(), good[0], 0); !errors.Is(err, backup.Unsupported) {
		t.Errorf("open: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for range bk.Items(ctx) {
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("%d items after the end", n)
	}
}

// TestDamaged checks that what is broken is reported once and takes nothing
// else with it.
func TestDamaged(t *testing.T) {
	ok := vcf("VERSION:3.0", "FN:canary")
	tests := []struct {
		name, content string
		good          int
		bad           []backup.Reason
	}{
		{"no end", ok + "BEGIN:VCARD\r\nFN:x\r\n" + ok, 2, []backup.Reason{backup.Malformed}},
		{"cut short", ok + ok[:20], 1, []backup.Reason{backup.Malformed}},
		{"text", "canary\n" + ok + "canary\n" + ok, 2, []backup.Reason{backup.Malformed, backup.Malformed}},
		{"no card", "canary", 0, []backup.Reason{backup.Malformed}},
		{"empty card", ok + vcf("canary") + ok, 2, []backup.Reason{backup.Malformed}},
		{"zeros", ok + strings.Repeat("\x00", 4096) + "\n" + ok, 2, []backup.Reason{backup.Malformed}},
		{"only zeros", strings.Repeat("\x00", 9999), 0, []backup.Reason{backup.Malformed}},
		{"half a character of UTF-16", wide(ok, bom16LE, utf16LE) + "x", 1, []backup.Reason{backup.Malformed}},
		{"too large", ok + vcf("NOTE:"+strings.Repeat("x", backup.MaxValue)) + ok, 2, []backup.Reason{backup.TooLarge}},
		{"too large in lines", ok + vcf("NOTE:"+strings.Repeat("xxxxxxx\r\n ", backup.MaxValue/10)) + ok, 2, []backup.Reason{backup.TooLarge}},
		{"twice the same damage", "BEGIN:VCARD\n" + "BEGIN:VCARD\n" + ok, 1, []backup.Reason{backup.Malformed, backup.Malformed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tempPhone(t)
			p.put(t, "f.vcf", tt.content)
			good, bad := p.items(t)
			if len(good) != tt.good {
				t.Errorf("%d good, want %d", len(good), tt.good)
			}
			if len(bad) != len(tt.bad) {
				t.Fatalf("bad: %v", bad)
			}
			for i, err := range bad {
				if !errors.Is(err, tt.bad[i]) {
					t.Errorf("error %d: %v, want %v", i, err, tt.bad[i])
				}
				if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "f.vcf") {
					t.Errorf("the error tells too much: %v", err)
				}
			}
		})
	}
}

func TestNotRegular(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.vcf")
	if err := os.WriteFile(secret, []byte(vcf("FN:canary")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := tempPhone(t)
	p.put(t, "a.vcf", vcf("FN:A"))
	dir := filepath.Join(p.dir, Folder)
	for link, to := range map[string]string{"b.vcf": secret, "c": outside, "d.vcf": "a.vcf", "e.txt": "a.vcf"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("no links here")
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.vcf"), 0o755); err != nil {
		t.Fatal(err)
	}
	good, bad := p.items(t)
	if len(good) != 1 || len(bad) != 3 {
		t.Fatalf("%d good, bad: %v", len(good), bad)
	}
	for _, err := range bad {
		if !errors.Is(err, backup.NotRegular) {
			t.Errorf("got %v", err)
		}
	}
	// The folder itself as a link.
	q := tempPhone(t)
	if err := os.Symlink(dir, filepath.Join(q.dir, Folder)); err != nil {
		t.Fatal(err)
	}
	if good, bad := q.items(t); len(good) != 0 || len(bad) != 1 || !errors.Is(bad[0], backup.NotRegular) {
		t.Errorf("%d good, bad: %v", len(good), bad)
	}
}

// TestChangedWhileRead checks that a file that grows while it is read is
// reported.
func TestChangedWhileRead(t *testing.T) {
	p := tempPhone(t)
	p.put(t, "a.vcf", strings.Repeat(vcf("FN:A"), 3))
	bk, err := p.agent.Backup(context.Background(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	n := 0
	for _, err := range bk.Items(context.Background()) {
		if n == 0 {
			p.put(t, "a.vcf", vcf("FN:A"))
		}
		n++
		last = err
	}
	if !errors.Is(last, backup.Changed) {
		t.Errorf("after %d items: %v", n, last)
	}
}
