package contacts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ferry-move/ferry/mobile/backup"
)

// genPhone puts generated files on a phone. All files hold cards only.
func genPhone(t *rapid.T, p *phone) {
	for _, name := range []string{"a.vcf", "sub/B.VCF", "c.vcf"} {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		var b strings.Builder
		if rapid.IntRange(0, 4).Draw(t, "start") == 0 {
			b.WriteString("\n")
		}
		n := rapid.IntRange(1, 6).Draw(t, "cards")
		var card string
		for i := range n {
			if card == "" || rapid.IntRange(0, 3).Draw(t, "again") != 0 {
				card = genCard(t)
			}
			b.WriteString(card)
			if end := card[len(card)-1]; end != '\n' && end != '\r' && i < n-1 {
				b.WriteString("\n")
			}
		}
		content := b.String()
		switch rapid.IntRange(0, 9).Draw(t, "layout") {
		case 0:
			content = wide(strings.ToValidUTF8(content, "?"), bom16LE, utf16LE)
		case 1:
			content = wide(strings.ToValidUTF8(content, "?"), bom16BE, utf16BE)
		case 2:
			content = bom8 + content
		}
		p.put(t, name, content)
	}
}

// rapidPhones gives a check its own two phones.
func rapidPhones(t *rapid.T) (src, dst *phone, done func()) {
	var dirs [2]string
	for i := range dirs {
		d, err := os.MkdirTemp("", "contacts")
		if err != nil {
			t.Fatalf("%v", err)
		}
		dirs[i] = d
	}
	src, dst = newPhone(t, dirs[0]), newPhone(t, dirs[1])
	return src, dst, func() {
		src.root.Close()
		dst.root.Close()
		os.RemoveAll(dirs[0])
		os.RemoveAll(dirs[1])
	}
}

func sameTree(t tb, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Fatalf("%s:\ngot  %q\nwant %q", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d files, want %d", len(got), len(want))
	}
}

// TestEmptyTarget is the first property: everything arrives byte for byte, and
// a second run, in batches of another size, changes nothing.
func TestEmptyTarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, dst, done := rapidPhones(t)
		defer done()
		genPhone(t, src)
		good, bad := src.items(t)
		first := move(t, src, dst, rapid.IntRange(1, 8).Draw(t, "batch"))
		if first[backup.Added] != len(good) {
			t.Fatalf("%v of %d", first, len(good))
		}
		if len(bad) == 0 {
			sameTree(t, dst.tree(t), src.tree(t))
		}
		before := dst.tree(t)
		second := move(t, src, dst, rapid.IntRange(1, 8).Draw(t, "batch"))
		if second[backup.Skipped] != len(good) {
			t.Fatalf("the second time: %v of %d", second, len(good))
		}
		sameTree(t, dst.tree(t), before)
	})
}

// TestUsedTarget checks that nothing is lost on either side and that a second
// run changes nothing.
func TestUsedTarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, dst, done := rapidPhones(t)
		defer done()
		genPhone(t, src)
		genPhone(t, dst)
		incoming, _ := src.items(t)
		there, _ := dst.items(t)
		count := move(t, src, dst, rapid.IntRange(1, 8).Draw(t, "batch"))
		after, _ := dst.items(t)
		if len(after) != len(there)+count[backup.Added] {
			t.Fatalf("%d cards, were %d, %v", len(after), len(there), count)
		}
		for _, old := range there {
			if !survives(t, old, after) {
				t.Fatalf("a card that was there lost something: %q\n%q", old.Value, values(after))
			}
		}
		for _, in := range incoming {
			if !arrived(t, in, after) {
				t.Fatalf("not all arrived of %q\n%q", in.Value, values(after))
			}
		}
		before := dst.tree(t)
		second := move(t, src, dst, rapid.IntRange(1, 8).Draw(t, "batch"))
		if second[backup.Skipped] != len(incoming) {
			t.Fatalf("the second time: %v of %d", second, len(incoming))
		}
		sameTree(t, dst.tree(t), before)
	})
}

func values(items []backup.Item) (out []string) {
	for _, it := range items {
		out = append(out, string(it.Value))
	}
	return out
}

// survives reports whether some card has all lines of old in their order: what
// precedes its END byte for byte.
func survives(t tb, old backup.Item, after []backup.Item) bool {
	c := mustParse(t, string(old.Value))
	core := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(string(old.Value[:c.endAt]), bom8), bom16LE), "\r\n \x00")
	for _, it := range after {
		if strings.Contains(string(it.Value), core) {
			return true
		}
	}
	return false
}

// arrived reports whether one card holds everything of in.
func arrived(t tb, in backup.Item, after []backup.Item) bool {
	c := mustParse(t, string(in.Value))
	for _, it := range after {
		if len(mustParse(t, string(it.Value)).contents().missing(c)) == 0 {
			return true
		}
	}
	return false
}

// TestCut checks that a run that was cut and begun again ends like one that
// was not.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, dst, done := rapidPhones(t)
		defer done()
		genPhone(t, src)
		items, bad := src.items(t)
		r := dst.restore(t)
		commit(t, r, items[:rapid.IntRange(0, len(items)).Draw(t, "cut")], 3)
		if err := r.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		count := move(t, src, dst, 4)
		if count[backup.Merged] != 0 {
			t.Fatalf("merged: %v", count)
		}
		if len(bad) == 0 && count[backup.Added]+count[backup.Skipped] != len(items) {
			t.Fatalf("%v of %d", count, len(items))
		}
		after, _ := dst.items(t)
		if len(after) != len(items) {
			t.Fatalf("%d cards, want %d", len(after), len(items))
		}
	})
}

// TestOutcomes is about single cards meeting.
func TestOutcomes(t *testing.T) {
	card := func(lines ...string) string { return vcf(append([]string{"VERSION:3.0"}, lines...)...) }
	a := card("FN:A", "TEL:11111")
	a21 := vcf("VERSION:2.1", "TEL:11111", "FN:A")
	aMore := card("FN:A", "TEL:11111", "EMAIL:a@b")
	tests := []struct {
		name, there, in string
		want            string // added merged skipped
	}{
		{"the same", a, a, "0 0 1"},
		{"the same in 2.1", a, a21, "0 0 1"},
		{"more", a, aMore, "0 1 0"},
		{"less", aMore, a, "0 0 1"},
		{"duplicates arrive", "", a + a + a, "3 0 0"},
		{"one of three is there", a, a + a + a, "2 0 1"},
		{"two alike in the source", a, aMore + aMore, "1 1 0"},
		{"exact before weak", a, aMore + a, "1 0 1"},
		{"the holder moves on", aMore + card("FN:A", "TEL:11111", "NOTE:x"), a + aMore, "0 0 2"},
		{"same UID twice", card("UID:abcdef", "FN:A"), card("UID:abcdef", "FN:A", "TEL:1") + card("UID:abcdef", "FN:B", "TEL:2"), "1 1 0"},
		{"same name, other people", card("FN:A", "TEL:22222"), a, "1 0 0"},
		{"groups", a, card("FN:A", "TEL:11111", "item1.URL:x", "item1.X-ABLabel:y"), "0 1 0"},
	}
	for _, tt := range tests {
		for _, n := range []int{1, 100} {
			if tt.name == "exact before weak" && n == 1 {
				continue // a batch cannot know of the next
			}
			t.Run(fmt.Sprintf("%s in batches of %d", tt.name, n), func(t *testing.T) {
				src, dst := tempPhone(t), tempPhone(t)
				src.put(t, "s.vcf", tt.in)
				if tt.there != "" {
					dst.put(t, "d.vcf", tt.there)
				}
				for i, want := range []string{tt.want, fmt.Sprintf("0 0 %d", strings.Count(tt.in, "END:"))} {
					c := move(t, src, dst, n)
					if got := fmt.Sprintf("%d %d %d", c[backup.Added], c[backup.Merged], c[backup.Skipped]); got != want {
						t.Errorf("run %d: added, merged, skipped = %s, want %s", i+1, got, want)
					}
				}
			})
		}
	}
}

// TestTimes checks who decides over a file's time.
func TestTimes(t *testing.T) {
	src, dst := tempPhone(t), tempPhone(t)
	src.put(t, "a.vcf", vcf("FN:A"))
	src.put(t, "b.vcf", vcf("FN:B"))
	dst.put(t, "b.vcf", vcf("FN:other"))
	move(t, src, dst, 10)
	stat := func(p *phone, name string) time.Time {
		info, err := os.Stat(filepath.Join(p.dir, Folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	if got, want := stat(dst, "a.vcf"), stat(src, "a.vcf"); !got.Equal(want) {
		t.Errorf("a new file has %v, want %v", got, want)
	}
	if got := stat(dst, "b.vcf"); time.Since(got) > time.Hour {
		t.Errorf("a file that was there and changed has %v", got)
	}
	if got := dst.get(t, "b.vcf"); got != vcf("FN:other")+vcf("FN:B") {
		t.Errorf("%q", got)
	}
}

// TestPlaces checks where cards go whose own file cannot take them.
func TestPlaces(t *testing.T) {
	card := vcf("VERSION:3.0", "FN:A")
	tests := []struct {
		name, group, there, want string
		content                  string
	}{
		{"its own", "x/y.vcf", "", "x/y.vcf", card},
		{"no end there", "a.vcf", "BEGIN:VCARD\r\nFN:B\r\n", "a-2.vcf", card},
		{"text there", "a.vcf", vcf("FN:B") + "hello", "a-2.vcf", card},
		{"UTF-16 there", "a.vcf", wide(vcf("FN:B"), bom16LE, utf16LE), "a-2.vcf", card},
		{"no line end there", "a.vcf", "BEGIN:VCARD\nFN:B\nEND:VCARD", "a.vcf", "BEGIN:VCARD\nFN:B\nEND:VCARD\r\n" + card},
		{"a file for a folder", "a.vcf/b.vcf", vcf("FN:B"), "contacts.vcf", card},
		{"outside", "../a.vcf", "", "contacts.vcf", card},
		{"absolute", "/etc/a.vcf", "", "contacts.vcf", card},
		{"no vCard file", "a.exe", "", "contacts.vcf", card},
		{"zero byte", "a\x00.vcf", "", "contacts.vcf", card},
		{"no name", "", "", "contacts.vcf", card},
		{"not clean", "x//y.vcf", "", "contacts.vcf", card},
		{"too long", strings.Repeat("x", 300) + ".vcf", "", "contacts.vcf", card},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dst := tempPhone(t)
			if tt.there != "" {
				dst.put(t, "a.vcf", tt.there)
			}
			it := backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: "k", Group: tt.group, Value: []byte(card)}
			r := dst.restore(t)
			defer r.Close()
			if res := commit(t, r, []backup.Item{it}, 1)[0]; res.Outcome != backup.Added {
				t.Fatalf("%+v", res)
			}
			if got := dst.get(t, tt.want); got != tt.content {
				t.Errorf("%q", got)
			}
			if len(tt.there) > 0 && tt.want != "a.vcf" && dst.get(t, "a.vcf") != tt.there {
				t.Error("what was there changed")
			}
		})
	}
}

func TestStageRefuses(t *testing.T) {
	r := tempPhone(t).restore(t)
	defer r.Close()
	tests := []struct {
		name   string
		typ    backup.Type
		value  string
		reason backup.Reason
	}{
		{"a file", backup.TypeFile, vcf("FN:A"), backup.Unsupported},
		{"nothing", backup.TypeEntity, "", backup.Malformed},
		{"text", backup.TypeEntity, "hello", backup.Malformed},
		{"two cards", backup.TypeEntity, vcf("FN:A") + vcf("FN:B"), backup.Malformed},
		{"a card and text", backup.TypeEntity, vcf("FN:A") + "x", backup.Malformed},
		{"no end", backup.TypeEntity, "BEGIN:VCARD\nFN:A\n", backup.Malformed},
		{"too large", backup.TypeEntity, strings.Repeat("x", backup.MaxValue+1), backup.TooLarge},
	}
	for _, tt := range tests {
		_, err := r.Stage(context.Background(), backup.Item{Kind: Kind, Type: tt.typ, Value: []byte(tt.value)})
		if !errors.Is(err, tt.reason) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	ctx := context.Background()
	src, dst := tempPhone(t), tempPhone(t)
	src.put(t, "a.vcf", vcf("FN:A")+vcf("FN:A")+vcf("FN:B"))
	dst.put(t, "b.vcf", vcf("FN:A"))
	items, _ := src.items(t)
	r := dst.restore(t)
	defer r.Close()
	d := digestOf(items[0].Value)
	got := r.Check(ctx, items[0], backup.Prior{})
	if got.Verdict != backup.Have || got.Digest != d {
		t.Fatalf("%+v", got)
	}
	if again := r.Check(ctx, items[0], backup.Prior{}); again.Verdict != backup.Have {
		t.Errorf("the second time: %+v", again)
	}
	for _, it := range items[1:] {
		if got := r.Check(ctx, it, backup.Prior{}); got.Verdict != backup.Need {
			t.Errorf("%+v", got)
		}
	}
	// It comes all the same: it is not added again.
	for i, want := range []backup.Outcome{backup.Skipped, backup.Added, backup.Added} {
		if res := commit(t, r, items[i:i+1], 1)[0]; res.Outcome != want {
			t.Errorf("item %d: %+v", i, res)
		}
	}
	// Before the content, as an engine asks.
	r2 := dst.restore(t)
	defer r2.Close()
	bare := items[2]
	bare.Value = nil
	if got := r2.Check(ctx, bare, backup.Prior{}); got.Verdict != backup.Need {
		t.Errorf("%+v", got)
	}
	bare.Digest = digestOf(items[2].Value)
	if got := r2.Check(ctx, bare, backup.Prior{}); got.Verdict != backup.Have {
		t.Errorf("%+v", got)
	}
	bare.Size = backup.MaxValue + 1
	if got := r2.Check(ctx, bare, backup.Prior{}); got.Verdict != backup.Refuse || !errors.Is(got.Err, backup.TooLarge) {
		t.Errorf("%+v", got)
	}
}

// TestChangedTarget changes files of the target behind the restore's back.
func TestChangedTarget(t *testing.T) {
	a, b, c := vcf("FN:A", "TEL:11111"), vcf("FN:Bob", "TEL:22222"), vcf("FN:C", "TEL:33333")
	aMore := vcf("FN:A", "TEL:11111", "NOTE:x")
	tests := []struct {
		name, before, after, in string
		want                    backup.Outcome
		content                 string
	}{
		{"the match is gone", a, b, a, backup.Added, b + a},
		{"the match moved", a + b, c + b, b, backup.Skipped, c + b},
		{"to merge with moved", a, c + a, aMore, backup.Merged, c + vcf("FN:A", "TEL:11111", "NOTE:x")},
		{"a match appeared", a, a + b, b, backup.Skipped, a + b},
		{"the file is gone", a, "", a, backup.Added, a},
		{"a file appeared", "", b, c, backup.Added, b + c},
		{"it grew", a, a + b, c, backup.Added, a + b + c},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tempPhone(t)
			if tt.before != "" {
				p.put(t, "f.vcf", tt.before)
			}
			r := p.restore(t)
			defer r.Close()
			if tt.after != "" {
				p.put(t, "f.vcf", tt.after)
			} else if err := os.Remove(filepath.Join(p.dir, Folder, "f.vcf")); err != nil {
				t.Fatal(err)
			}
			it := backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: "k", Group: "f.vcf", Value: []byte(tt.in)}
			if res := commit(t, r, []backup.Item{it}, 1)[0]; res.Outcome != tt.want {
				t.Errorf("%+v", res)
			}
			if got := p.get(t, "f.vcf"); got != tt.content {
				t.Errorf("got  %q\nwant %q", got, tt.content)
			}
		})
	}
}

// TestChangedBetweenBatches checks that cards of this restore are no matches
// even after their file was read again.
func TestChangedBetweenBatches(t *testing.T) {
	p := tempPhone(t)
	a, b := vcf("FN:A"), vcf("FN:B")
	item := func(key, v string) backup.Item {
		return backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: backup.Key(key), Group: "f.vcf", Value: []byte(v)}
	}
	r := p.restore(t)
	defer r.Close()
	commit(t, r, []backup.Item{item("1", a)}, 1)
	p.put(t, "f.vcf", b+p.get(t, "f.vcf"))
	if res := commit(t, r, []backup.Item{item("2", a)}, 1)[0]; res.Outcome != backup.Added {
		t.Errorf("%+v", res)
	}
	if got := p.get(t, "f.vcf"); got != b+a+a {
		t.Errorf("%q", got)
	}
}

func TestCanceledAndClosed(t *testing.T) {
	p := tempPhone(t)
	ctx, cancel := context.WithCancel(context.Background())
	r := p.restore(t)
	it := backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: "k", Group: "f.vcf", Value: []byte(vcf("FN:A"))}
	s, err := r.Stage(ctx, it)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if res := r.Commit(ctx, []backup.Staged{s}); res[0].Outcome != backup.Failed || !errors.Is(res[0].Err, context.Canceled) {
		t.Errorf("%+v", res)
	}
	if _, err := p.agent.Restore(ctx, backup.Transport{}); !errors.Is(err, context.Canceled) {
		t.Errorf("restore: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if res := r.Commit(context.Background(), []backup.Staged{s}); res[0].Outcome != backup.Failed {
		t.Errorf("%+v", res)
	}
	if n := len(p.tree(t)); n != 0 {
		t.Errorf("%d files", n)
	}
}
