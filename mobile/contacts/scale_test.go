package contacts

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// TestSamples moves the files of a folder of real samples:
// FERRY_SAMPLES=…/samples, with vcard/*.vcf in it.
func TestSamples(t *testing.T) {
	dir := os.Getenv("FERRY_SAMPLES")
	if dir == "" {
		t.Skip("FERRY_SAMPLES names no folder of samples")
	}
	names, err := filepath.Glob(filepath.Join(dir, "vcard", "*.vcf"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	src, dst := tempPhone(t), tempPhone(t)
	cards := 0
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		src.put(t, filepath.Base(name), string(b))
		cards += bytes.Count(bytes.ToUpper(b), []byte("BEGIN:VCARD"))
	}
	good, bad := src.items(t)
	if len(bad) != 0 || len(good) != cards {
		t.Fatalf("%d of %d cards, bad: %v", len(good), cards, bad)
	}
	for _, it := range good {
		c := mustParse(t, string(it.Value))
		for i := range c.props {
			if c.props[i].name == "" {
				t.Errorf("%s: not understood: %q", it.Group, c.props[i].line.raw)
			}
		}
		for _, other := range good {
			checkMerge(t, string(it.Value), string(other.Value))
		}
	}
	move(t, src, dst, 3)
	sameTree(t, dst.tree(t), src.tree(t))
	if again := move(t, src, dst, 5); again[backup.Skipped] != cards {
		t.Errorf("the second time: %v", again)
	}
	sameTree(t, dst.tree(t), src.tree(t))
}

// TestHugePhoto moves and merges a card with a picture of several megabytes,
// and checks that two cards too large for one stay two.
func TestHugePhoto(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	folded := strings.Repeat(strings.Repeat("QUJD", 18)+"\r\n ", 6<<20/75)
	photo := "PHOTO;ENCODING=b;TYPE=JPEG:" + folded
	src, dst := tempPhone(t), tempPhone(t)
	src.put(t, "p.vcf", vcf("VERSION:3.0", "FN:A", "TEL:11111", photo+"QQ=="))
	move(t, src, dst, 1)
	sameTree(t, dst.tree(t), src.tree(t))
	src.put(t, "p.vcf", vcf("VERSION:3.0", "FN:A", "TEL:11111", photo+"QUE="))
	if c := move(t, src, dst, 1); c[backup.Merged] != 1 {
		t.Errorf("%v", c)
	}
	src.put(t, "p.vcf", vcf("VERSION:3.0", "FN:A", "TEL:11111", photo+"QUFB"))
	if c := move(t, src, dst, 1); c[backup.Added] != 1 {
		t.Errorf("%v", c)
	}
	if c := move(t, src, dst, 1); c[backup.Skipped] != 1 {
		t.Errorf("%v", c)
	}
}

// TestManyInBatches moves many small cards, then alike ones, in batches.
func TestManyInBatches(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	var b strings.Builder
	for i := range n {
		b.WriteString(vcf("VERSION:3.0", "UID:one and the same", fmt.Sprintf("FN:Person %d", i/2), fmt.Sprintf("TEL:+49%09d", i/2)))
	}
	src, dst := tempPhone(t), tempPhone(t)
	src.put(t, "all.vcf", b.String())
	if c := move(t, src, dst, 1000); c[backup.Added] != n {
		t.Fatalf("%v", c)
	}
	sameTree(t, dst.tree(t), src.tree(t))
	if c := move(t, src, dst, 999); c[backup.Skipped] != n {
		t.Fatalf("the second time: %v", c)
	}
}

// TestTogether uses one restore from several goroutines.
func TestTogether(t *testing.T) {
	src, dst := tempPhone(t), tempPhone(t)
	for g := range 4 {
		var b strings.Builder
		for i := range 20 {
			b.WriteString(vcf("VERSION:3.0", fmt.Sprintf("FN:P %d %d", g, i)))
		}
		src.put(t, fmt.Sprintf("%d.vcf", g), b.String())
	}
	items, _ := src.items(t)
	r := dst.restore(t)
	ctx := context.Background()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				it := items[20*g+i]
				r.Check(ctx, it, backup.Prior{})
				s, err := r.Stage(ctx, it)
				if err != nil {
					t.Error(err)
					return
				}
				if res := r.Commit(ctx, []backup.Staged{s}); res[0].Outcome != backup.Added {
					t.Errorf("%+v", res)
				}
			}
		})
	}
	wg.Wait()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	sameTree(t, dst.tree(t), src.tree(t))
}

// BenchmarkRestore restores cards of 200 bytes in batches of 8192.
func BenchmarkRestore(b *testing.B) {
	for _, n := range []int{25_000, 50_000, 100_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			items := make([]backup.Item, n)
			for i := range items {
				v := vcf("VERSION:3.0", fmt.Sprintf("FN:Person %d", i), fmt.Sprintf("TEL;TYPE=CELL:+49%09d", i), "NOTE:"+strings.Repeat("x", 106))
				items[i] = backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: backup.Key(fmt.Sprint(i)), Group: "all.vcf", Value: []byte(v)}
			}
			for b.Loop() {
				p := newPhone(b, b.TempDir())
				r := p.restore(b)
				commit(b, r, items, 8192)
				r.Close()
				r = p.restore(b) // and again, when all of it is there
				for _, res := range commit(b, r, items, 8192)[:1] {
					if res.Outcome != backup.Skipped {
						b.Fatal(res)
					}
				}
				r.Close()
				p.root.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/card")
		})
	}
}
