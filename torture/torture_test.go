//go:build linux

package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// TestQuick tortures the program five times. It is asked for with
// FERRY_TORTURE_QUICK=1, since it takes half a minute and wants the machine.
func TestQuick(t *testing.T) {
	if os.Getenv("FERRY_TORTURE_QUICK") == "" {
		t.Skip("skipped: FERRY_TORTURE_QUICK is not set")
	}
	dir := t.TempDir()
	rep, err := run(t.Context(), options{runs: 5, atOnce: 2, seed: 1, dir: dir, log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Runs != 5 || rep.Failed > 0 || rep.Kills < 3 {
		t.Errorf("%+v", rep)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestOne is one run, with its kill, and its report.
func TestOne(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it builds ferry and runs it for some seconds")
	}
	dir := t.TempDir()
	rep, err := run(t.Context(), options{runs: 1, atOnce: 1, seed: 1, dir: dir, log: t.Output()})
	if err != nil || rep.Runs != 1 || rep.Failed > 0 || rep.Bytes == 0 {
		t.Fatalf("%+v, %v", rep, err)
	}
	file := filepath.Join(dir, "report.json")
	if err := rep.writeJSON(file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	var back report
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil || !reflect.DeepEqual(&back, rep) {
		t.Errorf("%v: %s", err, b)
	}
}

// TestSeed: a seed makes the same phone and the same kills each time, and each
// side is killed, at each kind of moment.
func TestSeed(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if n, err := makePhone(dir, 7); err != nil || n < 10<<20 {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	if diffs, err := differences(a, b); err != nil || len(diffs) > 0 {
		t.Errorf("%v, %v", diffs, err)
	}
	seen := map[string]bool{}
	for seed := range uint64(300) {
		kills := draw(rand.New(rand.NewPCG(seed, 0)))
		if again := draw(rand.New(rand.NewPCG(seed, 0))); !reflect.DeepEqual(kills, again) {
			t.Fatalf("%v and %v", kills, again)
		}
		for _, k := range kills {
			seen[k.Side.String()], seen[k.At.class()] = true, true
		}
	}
	for _, what := range []string{"sender", "receiver", "both", "bytes", "time", "plan", "paired", "offer", "accepted", "finish", "done"} {
		if !seen[what] {
			t.Errorf("nobody is killed: %s", what)
		}
	}
}

// TestDifferences: whatever may be wrong with a phone is found.
func TestDifferences(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"missing":  func(dir string) error { return os.Remove(filepath.Join(dir, "d/f")) },
		"content":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "d/f"), []byte("b"), 0) },
		"mode":     func(dir string) error { return os.Chmod(filepath.Join(dir, "d/f"), 0o400) },
		"a folder": func(dir string) error { return os.Remove(filepath.Join(dir, "d/empty")) },
		"a leftover": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "d/.ferry-0123456789abcdef.part"), nil, 0o600)
		},
		"time": func(dir string) error {
			return os.Chtimes(filepath.Join(dir, "d/f"), time.Time{}, time.Unix(1, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := t.TempDir(), t.TempDir()
			when := time.Unix(1_600_000_000, 1)
			for _, dir := range []string{a, b} {
				for _, err := range []error{
					os.MkdirAll(filepath.Join(dir, "d/empty"), 0o755), os.WriteFile(filepath.Join(dir, "d/f"), []byte("a"), 0o644),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
				for _, p := range []string{"d/f", "d/empty", "d"} {
					if err := os.Chtimes(filepath.Join(dir, p), when, when); err != nil {
						t.Fatal(err)
					}
				}
			}
			if diffs, err := differences(a, b); err != nil || len(diffs) > 0 {
				t.Fatalf("%v, %v", diffs, err)
			}
			if err := change(b); err != nil {
				t.Fatal(err)
			}
			if diffs, err := differences(a, b); err != nil || len(diffs) == 0 {
				t.Errorf("nothing was found, %v", err)
			}
		})
	}
}
