package agenttest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/backup"
)

// surroundings are what lies around an agent's folder.
type surroundings struct {
	root, outside string
	before        map[string]string
}

// surround puts something beside root that must stay as it is.
func surround(root string) (*surroundings, error) {
	s := &surroundings{root: root, outside: filepath.Join(filepath.Dir(root), "outside")}
	if err := os.MkdirAll(filepath.Join(s.outside, "dir"), 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{"victim", "dir/victim"} {
		if err := os.WriteFile(filepath.Join(s.outside, filepath.FromSlash(name)), []byte("as it was"), 0o644); err != nil {
			return nil, err
		}
	}
	var err error
	s.before, err = s.look()
	return s, err
}

// look describes everything around the folder.
func (s *surroundings) look() (map[string]string, error) {
	seen := map[string]string{}
	err := filepath.WalkDir(filepath.Dir(s.root), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == s.root {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			what += info.ModTime().String() + string(b)
		}
		seen[p] = what
		return nil
	})
	return seen, err
}

// untouched says what changed around the folder, and what appeared in it that
// belongs to no domain.
func (s *surroundings) untouched() error {
	now, err := s.look()
	if err != nil {
		return err
	}
	if err := differ(s.before, now, false); err != nil {
		return fmt.Errorf("around the folder: %w", err)
	}
	return nil
}

// strangers returns what lies at the top of the folder.
func (s *surroundings) strangers() ([]string, error) {
	list, err := os.ReadDir(s.root)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

// evil are paths that lead, or look as if they led, elsewhere.
var evil = []string{
	"..", "../outside/new", "../../outside/new", "../outside/victim", "a/../../../outside/new", "/outside", "/etc/ferry-test", "//x", "a//b",
	".", "./x", "a/./b", "a/", "/", "x\x00y", "..\\outside\\new", "C:\\x", "\\\\host\\x", "\xff\xfe", "a/..", "...", strings.Repeat("d/", 3000) + "x",
	strings.Repeat("n", 300), strings.Repeat("n", 5000),
}

// checkHostile: no key and no value makes an agent write outside its folder.
func checkHostile(ctx context.Context, env Env) error {
	if env.Root == nil {
		return errNotChecked
	}
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	target := env.NewTarget()
	s, err := surround(env.Root(target))
	if err != nil {
		return err
	}
	try := func(r record) error {
		_, _ = restore(ctx, target, []record{r}, new(faults)) // it may refuse, and it may not
		if err := s.untouched(); err != nil {
			return fmt.Errorf("after %.80q: %w", r.key, err)
		}
		return nil
	}
	list := setOf(p.list).records()
	list = list[:min(len(list), 5)]
	for _, r := range list {
		prefix, _, colon := strings.Cut(r.key, ":")
		for _, e := range append(slices.Clone(evil), "", ":", ":x") {
			if err := try(record{key: e, value: r.value}); err != nil {
				return err
			}
			if colon {
				if err := try(record{key: prefix + ":" + e, value: r.value}); err != nil {
					return err
				}
			}
		}
		for n := 0; n < len(r.value); n += max(1, len(r.value)/50) {
			if err := try(record{key: r.key, value: r.value[:n]}); err != nil {
				return err
			}
			flipped := []byte(r.value)
			flipped[n] ^= 0x80
			if err := try(record{key: r.key, value: string(flipped)}); err != nil {
				return err
			}
		}
		if err := try(record{key: r.key, gone: true}); err != nil {
			return err
		}
	}
	return nil
}

// checkLinks: links that wait in the folder lead no agent outside.
func checkLinks(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	list := setOf(p.list).records()
	return links(env, func(a android.Agent) error {
		_, err := restore(ctx, a, list, new(faults))
		return err
	}, func(a android.Agent) { _, _ = backUp(ctx, a, nil) })
}

// checkFileLinks is checkLinks for files.
func checkFileLinks(ctx context.Context, env Env) error {
	es, err := entries(ctx, env.Source)
	if err != nil {
		return err
	}
	return links(env, func(a android.Agent) error { return put(ctx, a, es, new(faults)) },
		func(a android.Agent) {
			l, _ := list(ctx, a)
			for _, f := range l {
				if f.Open != nil {
					_, _ = content(ctx, f, 0)
				}
			}
		})
}

// links fills targets, puts a link in the place of each file and each folder,
// and fills, backs up and clears them again.
func links(env Env, fill func(android.Agent) error, read func(android.Agent)) error {
	if env.Root == nil {
		return errNotChecked
	}
	for _, plant := range []struct {
		folders bool
		to      string
	}{{false, "victim"}, {false, "new"}, {true, "dir"}, {true, "."}, {true, "new"}} {
		target := env.NewTarget()
		root := env.Root(target)
		if err := fill(target); err != nil {
			return err
		}
		s, err := surround(root)
		if err != nil {
			return err
		}
		var places []string
		err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err == nil && p != root && d.IsDir() == plant.folders {
				places = append(places, p)
			}
			return err
		})
		if err != nil {
			return err
		}
		places = places[:min(len(places), 8)]
		slices.Reverse(places) // what is in a folder before the folder
		for _, p := range places {
			if err := os.RemoveAll(p); err != nil {
				return err
			}
			if err := os.Symlink(filepath.Join(s.outside, plant.to), p); err != nil {
				return err
			}
			read(target)
			_ = fill(target) // it may refuse, and it may not
			if err := s.untouched(); err != nil {
				return fmt.Errorf("a link to %q was followed: %w", plant.to, err)
			}
		}
		if c, ok := target.(android.Cleaner); ok {
			_ = c.Clear(context.Background())
			if err := s.untouched(); err != nil {
				return fmt.Errorf("clearing followed a link to %q: %w", plant.to, err)
			}
		}
	}
	return nil
}

// checkHostileFiles: no name makes an agent write outside a domain of its
// folder, and names that lead elsewhere are refused.
func checkHostileFiles(ctx context.Context, env Env) error {
	if env.Root == nil {
		return errNotChecked
	}
	es, err := entries(ctx, env.Source)
	if err != nil {
		return err
	}
	domains := map[string]bool{}
	for _, e := range es {
		domains[e.Domain] = true
	}
	ours := slices.Sorted(maps.Keys(domains))
	strange := append([]string{"", ".", "..", "/", "../outside", "f/..", "f/../../outside", "c", "d_c", "nb", "d_nb", "a", "k", "shared/0", "shared/../..", "ef_s1", "\x00"}, ours...)

	target := env.NewTarget()
	s, err := surround(env.Root(target))
	if err != nil {
		return err
	}
	had, err := s.strangers()
	if err != nil {
		return err
	}
	r, ok := target.(android.FileRestorer)
	if !ok {
		return errors.New("the agent takes no files in")
	}
	for _, dom := range strange {
		for _, p := range append(slices.Clone(evil), "victim", "") {
			for _, typ := range []backup.Type{backup.TypeFile, backup.TypeDirectory, 0, 3, 99} {
				f := android.RestoredFile{
					FileInfo: android.FileInfo{Domain: dom, Path: p, Type: typ, Size: 4, Mode: 0o6777},
					Data:     &body{new(faults), []byte("evil")},
				}
				if typ == backup.TypeDirectory {
					f.Size = 0
				}
				err := r.RestoreFile(ctx, f)
				if err == nil && domains[dom] && escapes(p) {
					err = errors.New("it is taken")
				} else {
					err = s.untouched()
				}
				if err != nil {
					return fmt.Errorf("%q in domain %q: %w", p, dom, err)
				}
			}
		}
	}
	if err := finish(ctx, target); err != nil {
		return err
	}
	if err := s.untouched(); err != nil {
		return err
	}
	names, err := s.strangers()
	if err != nil {
		return err
	}
	for _, n := range names {
		if !slices.Contains(had, n) && !slices.Contains(ours, n) && !domain.Token(n).Known() {
			return fmt.Errorf("%q appeared, which is no domain", n)
		}
	}
	return nil
}

// escapes reports whether a path leads above where it begins, or begins
// elsewhere.
func escapes(p string) bool {
	return strings.HasPrefix(p, "/") || slices.Contains(strings.Split(p, "/"), "..")
}
