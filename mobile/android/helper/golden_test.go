package helper_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/helper"
	"github.com/ferry-move/ferry/mobile/backup"
)

// wire is an entity stream as an EntityOutput and an EntityInput.
type wire struct {
	*entity.Writer
}

func (w wire) WriteHeader(key string, size int64) error {
	return w.Writer.WriteHeader(entity.Key(key), size)
}
func (w wire) Delete(key string) error    { return w.Writer.Delete(entity.Key(key)) }
func (wire) TransportFlags() backup.Flags { return 0 }
func (wire) Quota() int64                 { return android.NoQuota }

type reader struct{ *entity.Reader }

func (r reader) Next() (string, int64, error) {
	h, err := r.Reader.Next()
	if h.Deleted {
		h.Size = -1
	}
	return string(h.Key), h.Size, err
}

// backUp returns the stream and the state of a pass.
func backUp(a android.Agent, old []byte) (data, state []byte, err error) {
	var d, s bytes.Buffer
	w := entity.NewWriter(&d, entity.Options{})
	err = a.Backup(context.Background(), android.BackupRequest{Old: bytes.NewReader(old), Data: wire{w}, New: &s})
	err = errors.Join(err, w.Close())
	return d.Bytes(), s.Bytes(), err
}

func restore(a android.Agent, data []byte) ([]byte, error) {
	var s bytes.Buffer
	err := a.Restore(context.Background(), android.RestoreRequest{
		Data: reader{entity.NewReader(bytes.NewReader(data), entity.Limits{})}, New: &s,
	})
	return s.Bytes(), err
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	check(tb, err)
	return b
}

// small is an app with one group of preferences and one file, and their agent.
func small(tb testing.TB) (*helper.Agent, string) {
	tb.Helper()
	dir := tb.TempDir()
	root, err := os.OpenRoot(dir)
	check(tb, err)
	tb.Cleanup(func() { root.Close() })
	s, err := helper.NewSharedPreferences(root, "kv")
	check(tb, err)
	f, err := helper.NewFiles(root, "a/b")
	check(tb, err)
	a := new(helper.Agent)
	check(tb, a.AddHelper("p", s))
	check(tb, a.AddHelper("files", f))
	for name, content := range map[string]string{"shared_prefs/kv.xml": "<map/>", "files/a/b": "hello"} {
		p := filepath.Join(dir, name)
		check(tb, os.MkdirAll(filepath.Dir(p), 0o700))
		check(tb, os.WriteFile(p, []byte(content), 0o600))
		check(tb, os.Chmod(p, 0o660))
		when := time.Unix(0x5F000000, 999)
		check(tb, os.Chtimes(p, when, when))
	}
	return a, dir
}

const (
	filesEntity = `44617461 09000000 15000000 66696c65733a612f62 00 bcbc  // "Data" 9 21 "files:a/b"
		01000000 b0810000 00000000 00000000 68656c6c6f  // version 1, 0100660, "hello"`
	prefsEntity = `44617461 04000000 16000000 703a6b76 00 bcbcbc
		01000000 b0810000 00000000 00000000 3c6d61702f3e`
	filesChunk = `18000000 486c7001 2c000000 05000000 66696c6573 000000 // header 24, "Hlp\1", 44 bytes of state, "files"
		536e6170 01000000 46696c65 2c000000 // "Snap" 1 "File" 44
		0000005f 00000000 b0810000 05000000 86a61036 03000000 612f62 ab // time, mode, size, crc, "a/b"`
	prefsChunk = `14000000 486c7001 2c000000 01000000 70 000000
		536e6170 01000000 46696c65 2c000000
		0000005f 00000000 b0810000 06000000 7908cea7 02000000 6b76 abab`
)

// plain drops the comments of a hex dump.
func plain(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, "//")
		b.WriteString(line)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	a, dir := small(t)
	data, state, err := backUp(a, nil)
	check(t, err)
	// Prefixes ascend; the value of the first is padded for the second.
	if want := unhex(t, plain(filesEntity)+"bcbcbc"+prefsEntity); !bytes.Equal(data, want) {
		t.Errorf("stream\n%x, want\n%x", data, want)
	}
	wantState := unhex(t, plain(filesChunk)+prefsChunk)
	if !bytes.Equal(state, wantState) {
		t.Errorf("state\n%x, want\n%x", state, wantState)
	}

	// The old state's order counts, not that of the prefixes.
	n := 24 + 44
	check(t, os.WriteFile(filepath.Join(dir, "files/a/b"), []byte("HELLO"), 0o600))
	check(t, os.Remove(filepath.Join(dir, "shared_prefs/kv.xml")))
	data, swapped, err := backUp(a, append(bytes.Clone(state[n:]), state[:n]...))
	check(t, err)
	want := unhex(t, "44617461 04000000 ffffffff 703a6b76 00 bcbcbc"+strings.Replace(plain(filesEntity), "68656c6c6f", "48454c4c4f", 1))
	if !bytes.Equal(data, want) {
		t.Errorf("delta\n%x, want\n%x", data, want)
	}
	if !bytes.HasPrefix(swapped, unhex(t, "14000000 486c7001 10000000 01000000 70 000000 536e6170 00000000 46696c65 10000000")) {
		t.Errorf("the state after the delta begins with %x", swapped)
	}
}

func TestRestoreModes(t *testing.T) {
	a, dir := small(t)
	var seen []string
	a.Unknown = func(k entity.Key) { seen = append(seen, string(k)) }
	check(t, os.WriteFile(filepath.Join(dir, "shared_prefs/kv.xml.bak"), []byte("old"), 0o600))
	for mode, want := range map[string]os.FileMode{"b0810000": 0o600, "ff8f0000": 0o700, "00000000": 0o600, "40810000": 0o700} {
		e := "44617461 04000000 13000000 703a6b76 00 bcbcbc 02000000" + mode + "aaaaaaaaaaaaaaaa 786d6c"
		stray := "44617461 04000000 00000000 783a6b76 00 bcbcbc" + "44617461 03000000 00000000 3a6b76 00" + "44617461 02000000 00000000 6b76 00bc"
		other := "44617461 04000000 00000000 703a7878 00 bcbcbc" // a group that is not this app's
		state, err := restore(a, unhex(t, stray+other+e))
		check(t, err)
		p := filepath.Join(dir, "shared_prefs/kv.xml")
		info, err := os.Stat(p)
		check(t, err)
		b, err := os.ReadFile(p)
		check(t, err)
		if info.Mode().Perm() != want || string(b) != "xml" {
			t.Errorf("mode %s restored as %v, %q; want %v", mode, info.Mode().Perm(), b, want)
		}
		// No chunk headers: first the state of files, then that of p.
		if !bytes.HasPrefix(state, unhex(t, "536e6170 00000000 46696c65 10000000 536e6170 01000000")) {
			t.Errorf("state %x", state)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "shared_prefs/kv.xml.bak")); !os.IsNotExist(err) {
		t.Errorf("the copy that Android would read instead is still there: %v", err)
	}
	if len(seen) != 4*3 || seen[0] != "x:kv" || seen[1] != ":kv" || seen[2] != "kv" {
		t.Errorf("unknown keys: %q", seen)
	}
}

func TestRestoreDamage(t *testing.T) {
	a, dir := small(t)
	whole := unhex(t, prefsEntity)
	for n := 1; n < len(whole); n++ {
		if _, err := restore(a, whole[:n]); err == nil {
			t.Errorf("cut at %d: no error", n)
		}
	}
	for size := range 16 { // no room for a header
		e := fmt.Sprintf("44617461 04000000 %02x000000 703a6b76 00 bcbcbc %s", size, strings.Repeat("01", size))
		if _, err := restore(a, unhex(t, e)); err == nil {
			t.Errorf("size %d: no error", size)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "shared_prefs/kv.xml"))
	if err != nil || string(b) != "<map/>" {
		t.Errorf("what was there is %q, %v", b, err)
	}
	list, err := os.ReadDir(dir)
	check(t, err)
	if len(list) != 2 {
		t.Errorf("something is left at the top: %v", list)
	}
}

// TestUnreadable: what is there and cannot be read is not deleted from the
// backup.
func TestUnreadable(t *testing.T) {
	a, dir := small(t)
	_, state, err := backUp(a, nil)
	check(t, err)
	p := filepath.Join(dir, "shared_prefs/kv.xml")
	check(t, os.Remove(p))
	check(t, os.Mkdir(p, 0o700))
	data, _, err := backUp(a, state)
	if !errors.Is(err, backup.NotRegular) || len(data) > 0 && bytes.Contains(data, unhex(t, "ffffffff")) {
		t.Errorf("a folder in its place: %x, %v", data, err)
	}
	check(t, os.Remove(p))
	check(t, os.Symlink("/etc/hostname", p))
	if _, _, err = backUp(a, state); !errors.Is(err, backup.NotRegular) || strings.Contains(err.Error(), "kv") {
		t.Errorf("a link in its place: %v", err)
	}
}

// TestFourBytes: a state that native code wrote names a key in other bytes, and
// its deletion would delete what was just stored.
func TestFourBytes(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	check(t, err)
	defer root.Close()
	f, err := helper.NewFiles(root, "𝔘")
	check(t, err)
	a := new(helper.Agent)
	check(t, a.AddHelper("f", f))
	check(t, os.Mkdir(filepath.Join(dir, "files"), 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "files/𝔘"), []byte("x"), 0o600))
	_, state, err := backUp(a, nil)
	check(t, err)
	// 6 bytes with 2 of padding become 4; the sizes shrink by 4.
	native := bytes.Replace(state, unhex(t, "06000000 eda0b5 edb498 abab"), unhex(t, "04000000 f09d9498"), 1)
	native = bytes.Replace(native, unhex(t, "30000000"), unhex(t, "2c000000"), 2)
	if len(native) != len(state)-4 {
		t.Fatalf("state %x", state)
	}
	data, _, err := backUp(a, native)
	if err != nil || len(data) > 0 {
		t.Errorf("%x, %v", data, err)
	}
}

// shrinking is a file helper's file that changes while it is read.
type shrinking struct {
	wire
	then func()
}

func (s shrinking) WriteHeader(key string, size int64) error {
	s.then()
	return s.wire.WriteHeader(key, size)
}

func TestChangesWhileRead(t *testing.T) {
	for what, c := range map[string]struct{ content, want string }{
		"shrinks": {"he", "he\x00\x00\x00"},
		"grows":   {"hello world", "hello"},
	} {
		a, dir := small(t)
		p := filepath.Join(dir, "files/a/b")
		check(t, os.Remove(filepath.Join(dir, "shared_prefs/kv.xml")))
		var d, s bytes.Buffer
		w := entity.NewWriter(&d, entity.Options{})
		out := shrinking{wire{w}, func() { check(t, os.WriteFile(p, []byte(c.content), 0o600)) }}
		check(t, a.Backup(t.Context(), android.BackupRequest{Data: out, New: &s}))
		check(t, w.Close())
		if !bytes.HasSuffix(d.Bytes(), []byte(c.want)) {
			t.Errorf("a file that %s: %q", what, d.Bytes())
		}
		again, _, err := backUp(a, s.Bytes())
		if err != nil || !bytes.HasSuffix(again, []byte(c.content)) {
			t.Errorf("a file that %s is not stored again: %q, %v", what, again, err)
		}
	}
}

func TestBlob(t *testing.T) {
	store := blobs{"k": []byte("hello")}
	b, err := helper.NewBlob(0x01020304, store, "k", "none")
	check(t, err)
	a := new(helper.Agent)
	check(t, a.AddHelper("b", b))
	data, state, err := backUp(a, nil)
	check(t, err)
	if !bytes.Contains(data, unhex(t, "623a6b 00 01020304 78")) || !bytes.HasSuffix(data, unhex(t, "44617461 06000000 ffffffff 623a6e6f6e65 00 bc")) {
		t.Errorf("stream %x", data)
	}
	// int32 version, int32 2, "k" sum, "none" -1
	if !bytes.Contains(state, unhex(t, "62000000 01020304 00000002 0001 6b 00000000")) || !bytes.HasSuffix(state, unhex(t, "0004 6e6f6e65 ffffffffffffffff")) {
		t.Errorf("state %x", state)
	}
	older, err := helper.NewBlob(0x01020303, blobs{}, "k")
	check(t, err)
	old := new(helper.Agent)
	check(t, old.AddHelper("b", older))
	if _, err := restore(old, data); err == nil {
		t.Error("a newer blob is taken")
	}
	clear(store)
	after, err := restore(a, data)
	check(t, err)
	if string(store["k"]) != "hello" || !bytes.Equal(after, unhex(t, "01020304 00000000")) {
		t.Errorf("restored %q, state %x", store, after)
	}
	for n := range len(data) - 1 {
		clear(store)
		if _, err := restore(a, data[:n]); len(store) > 0 && string(store["k"]) != "hello" {
			t.Errorf("cut at %d: %q, %v", n, store, err)
		}
	}
}

func TestNames(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	check(t, err)
	defer root.Close()
	for _, n := range []string{"", ".", "..", "../x", "../../x/y", "a\x00b", "\xff", "a/", strings.Repeat("n/", 300) + "x"} {
		if _, err := helper.NewFiles(root, n); !errors.Is(err, helper.ErrName) {
			t.Errorf("file %q: %v", n, err)
		}
	}
	for _, n := range []string{"", "a/b", "../x", "\xff"} {
		if _, err := helper.NewSharedPreferences(root, n); !errors.Is(err, helper.ErrName) {
			t.Errorf("group %q: %v", n, err)
		}
	}
	if _, err := helper.NewFiles(root, "a", "a"); !errors.Is(err, helper.ErrName) {
		t.Errorf("twice: %v", err)
	}
	if _, err := helper.NewFiles(root, "../databases/x"); err != nil {
		t.Errorf("a database: %v", err)
	}
	a := new(helper.Agent)
	check(t, a.AddHelper("taken", nothing{}))
	for _, p := range []string{"", "a:b", ":", "\xff", "taken", "\uffee", strings.Repeat("p", 40_000)} {
		if err := a.AddHelper(p, nothing{}); !errors.Is(err, helper.ErrPrefix) {
			t.Errorf("prefix %.20q: %v", p, err)
		}
	}
}

// nothing is a helper without data.
type nothing struct{}

func (nothing) Backup(context.Context, android.BackupRequest) error { return nil }
func (nothing) RestoreEntity(context.Context, helper.Entity) error  { return nil }
func (nothing) WriteState(io.Writer) error                          { return nil }

// FuzzRestore: no stream and no state makes an agent panic or leave its folder.
func FuzzRestore(f *testing.F) {
	f.Add(unhex(f, prefsEntity), unhex(f, plain(filesChunk)))
	a, dir := small(f)
	f.Fuzz(func(t *testing.T, data, state []byte) {
		_, _ = restore(a, data)
		check(t, os.WriteFile(filepath.Join(dir, "shared_prefs/kv.xml"), []byte("x"), 0o600))
		if _, _, err := backUp(a, state); err != nil {
			t.Fatal(err)
		}
		list, err := os.ReadDir(dir)
		check(t, err)
		if len(list) > 2 {
			t.Fatalf("something is left at the top: %v", list)
		}
	})
}
