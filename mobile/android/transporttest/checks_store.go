package transporttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
)

// identity: what the manager keys its states with stays the same.
func identity(ctx context.Context, e *env) error {
	name, dir, flags := e.tr.Name(), e.tr.DirName(), e.tr.Flags()
	if name == "" {
		return errors.New("the transport has no name")
	}
	if dir == "" || dir == "." || dir == ".." || strings.ContainsAny(dir, "/\\:\x00") || len(dir) > 200 {
		return fmt.Errorf("%q is no plain file name", dir)
	}
	if err := e.put(ctx, app, put("a", "1")); err != nil {
		return err
	}
	same := func() error {
		if e.tr.Name() != name || e.tr.DirName() != dir || e.tr.Flags() != flags {
			return errors.New("the transport's name, folder or flags are not what they were")
		}
		return nil
	}
	return all(same, e.reopen, same)
}

// sets: once there is something to restore it can be found.
func sets(ctx context.Context, e *env) error {
	if err := e.put(ctx, app, put("a", "1")); err != nil {
		return err
	}
	if err := e.reopen(); err != nil {
		return err
	}
	got, err := e.tr.RestoreSets(ctx)
	if err != nil {
		return fmt.Errorf("RestoreSets: %w", err)
	}
	if len(got) == 0 {
		return errors.New("there is data and no set")
	}
	seen := map[int64]bool{0: true}
	for _, s := range got {
		if seen[s.Token] {
			return fmt.Errorf("token %d is zero or comes twice", s.Token)
		}
		seen[s.Token] = true
		if s.Name == "" || s.Device == "" {
			return errors.New("a set has no name or no device")
		}
		if s.Flags != e.tr.Flags() {
			return errors.New("a set has other flags than the transport")
		}
	}
	if own, err := e.tr.CurrentSet(ctx); err != nil || own != 0 && !seen[own] {
		return fmt.Errorf("CurrentSet: %d and %w", own, err)
	}
	return e.same(ctx)
}

func initialize(ctx context.Context, e *env) error {
	return all(
		func() error { return e.three(ctx) },
		func() error { return e.tr.InitializeDevice(ctx) },
		func() error { return e.tr.FinishBackup(ctx) },
		func() error {
			e.want = map[string]content{}
			e.more = append(e.more, android.MetadataPackage)
			return e.same(ctx)
		},
		func() error {
			err := e.perform(ctx, app, bytesOf(stream(put("a", "1"))), changes)
			return refused("changes after InitializeDevice", err, android.TransportNonIncrementalBackupRequired)
		},
		func() error { return e.put(ctx, android.MetadataPackage, metadata...) },
		func() error { return e.put(ctx, other, put("a", "1")) },
		func() error { return e.same(ctx) },
	)
}

func clearOne(ctx context.Context, e *env) error {
	drop := func(pkg string) error {
		if err := e.tr.ClearBackupData(ctx, pkg); err != nil {
			return fmt.Errorf("ClearBackupData: %w", err)
		}
		if err := e.tr.FinishBackup(ctx); err != nil {
			return fmt.Errorf("FinishBackup after ClearBackupData: %w", err)
		}
		delete(e.want, pkg)
		return e.same(ctx)
	}
	return all(
		func() error { return e.three(ctx) },
		func() error { return drop(app) },
		func() error {
			err := e.perform(ctx, app, bytesOf(stream(put("a", "1"))), changes)
			return refused("changes after ClearBackupData", err, android.TransportNonIncrementalBackupRequired)
		},
		func() error { return drop(other) },
		func() error { return drop("com.example.none") },
		func() error { return drop(app) },
		func() error { return e.put(ctx, app, put("a", "1")) },
		func() error { return e.same(ctx) },
	)
}

// nextProcess: passes of different processes are like passes of one.
func nextProcess(ctx context.Context, e *env) error {
	return all(
		func() error { return e.put(ctx, app, put("a", "1"), put("b", "2")) },
		func() error { return e.full(ctx, other, tree("a")...) },
		e.reopen,
		func() error { return e.keyValue(ctx, app, changes, del("a"), put("c", "3")) },
		e.reopen,
		func() error { return e.full(ctx, other, tree("b")...) },
		e.reopen,
		func() error { return e.same(ctx) },
	)
}

// strangePackages: every name is one app of its own, or is refused.
func strangePackages(ctx context.Context, e *env) error {
	long := strings.Repeat("n", 1000)
	names := []string{
		"com.example.Notes", "com.example.NOTES", app, "..", ".", "a/b", "a", "a/", "/a", "../a", "../../a", "a/../b",
		"a\\b", "c:a", "con", "aux.b", "com1", "a.", "a ", " a", "A", "%61", "%", "%2e%2e", "a\x00b", "a\x00", "\xff\xfe", "\xc3\xa4",
		"a\u0308", "*", "?", "~", "-", "CON", "partial", "set", "@end", long, long + "1",
	}
	for i, name := range names {
		var err error
		if i%2 == 0 {
			err = e.put(ctx, name, put("name", strconv.Quote(name)))
		} else {
			err = e.archiveOf(ctx, name)
		}
		if err != nil && !errors.Is(err, android.TransportPackageRejected) {
			return fmt.Errorf("package %q: %w", cut(name), err)
		}
	}
	if err := e.perform(ctx, "", bytesOf(stream(put("a", "1"))), whole); err == nil {
		return errors.New("an app without a name is taken")
	}
	return e.same(ctx)
}

// archiveOf makes a full backup under any name; its stream has a plain one.
func (e *env) archiveOf(ctx context.Context, name string) error {
	if _, ok := e.tr.(android.EntryBackuper); ok {
		return e.put(ctx, name, put("name", strconv.Quote(name)))
	}
	tar, err := tarOf(app, []file{document("name", strconv.Quote(name))})
	if err != nil {
		return err
	}
	e.more = append(e.more, name)
	if err := e.tr.PerformFullBackup(ctx, android.Package{Name: name}, bytesOf(tar), 0); err != nil {
		return err
	}
	if err := e.tr.SendBackupData(ctx, len(tar)); err != nil {
		return errors.Join(err, e.tr.CancelFullBackup(ctx))
	}
	if err := e.tr.FinishBackup(ctx); err != nil {
		return err
	}
	e.want[name] = content{form: android.RestoreFull, tar: tar}
	return nil
}

// strangeKeys: a key is bytes, and no name of anything.
func strangeKeys(ctx context.Context, e *env) error {
	var records []record
	for i, k := range []string{
		"a", "a/b", "a/", "/a", "..", ".", "../../a", "a\\b", "C:", "con", " ", "a ", "a\n", "\x7f", "%2e", "%",
		"\xC0\x80", "a\xC0\x80b", "A", "\xC3\xA4", "a\xCC\x88", "\xEF\xBF\xBD", "\xED\xA0\x80", "\xED\xB0\x80",
		"\xED\xA0\xBD\xED\xB8\x80", "\xF0\x9F\x98\x81", "\xEE\x80\x80", "\xEF\xBC\x80", "\xEF\xBF\xAD\xEF\xBF\xADwidget",
		strings.Repeat("k", 1000), strings.Repeat("k", 1001), strings.Repeat("\xE2\x82\xAC", 333),
	} {
		records = append(records, put(k, strconv.Itoa(i)))
	}
	shuffled := slices.Clone(records)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if err := e.put(ctx, app, shuffled...); err != nil {
		return err
	}
	if err := e.same(ctx); err != nil || e.PassThrough {
		return err
	}
	for i, r := range records {
		if i%3 == 0 {
			records[i] = del(string(r.key))
		}
	}
	records = append(records, put("\xF0\x9F\x98\x80", "a key that was there in its other form"))
	return all(
		func() error { return e.keyValue(ctx, app, changes, records...) },
		func() error { return e.same(ctx) },
	)
}

// brokenKeys: what is no text in Java is refused, or comes back as it was.
func brokenKeys(ctx context.Context, e *env) error {
	for _, key := range []string{"\xff\xfe", "a\x00b", "\xC3", "\x80", "\xE2\x82"} {
		b := stream(put(strings.Repeat("k", len(key)), "value"))
		copy(b[12:], key)
		if err := e.perform(ctx, other, bytesOf(b), whole); err != nil {
			continue
		}
		if err := e.tr.FinishBackup(ctx); err != nil {
			return fmt.Errorf("FinishBackup of key %q: %w", key, err)
		}
		e.want[other] = content{form: android.RestoreKeyValue, set: []record{{key: entity.Key(key), value: "value"}}}
	}
	return e.same(ctx)
}

func manyKeys(ctx context.Context, e *env) error {
	rnd := rand.New(rand.NewPCG(5, 6))
	records := make([]record, 10_000)
	for i, n := range rnd.Perm(len(records)) {
		records[i] = put("key "+strconv.Itoa(n), strconv.Itoa(i))
	}
	if err := e.put(ctx, app, records...); err != nil {
		return err
	}
	if err := e.same(ctx); err != nil || e.PassThrough {
		return err
	}
	return all(
		func() error {
			return e.keyValue(ctx, app, changes, del("key 5000"), put("key 0", ""), put("key 9999", "x"))
		},
		func() error { return e.same(ctx) },
	)
}

func largeValues(ctx context.Context, e *env) error {
	big := func(c string) string { return strings.Repeat(c, 1<<20) }
	if err := e.put(ctx, app, put("c", big("c")), put("a", big("a")), put("b", "small"), put("d", big("d"))); err != nil {
		return err
	}
	if err := e.same(ctx); err != nil || e.PassThrough {
		return err
	}
	return all(
		func() error { return e.keyValue(ctx, app, changes, put("b", big("b")), del("c")) },
		func() error { return e.same(ctx) },
	)
}
