package transporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/memory"
	"github.com/ferry-move/ferry/mobile/backup"
)

// faults are ways to be wrong, with the checks that have to notice.
var faults = []struct {
	name   string
	checks string
	make   func(b *broken, s *memory.Store)
}{
	{"its folder changes", "Identity", func(b *broken, _ *memory.Store) {
		n := 0
		b.dir = func() string { n++; return strings.Repeat("d", n) }
	}},
	{"its folder leads away", "Identity", func(b *broken, _ *memory.Store) { b.dir = func() string { return "a/../b" } }},
	{"a set has no token", "Sets", func(b *broken, _ *memory.Store) {
		b.sets = func(s []android.RestoreSet) []android.RestoreSet {
			return append(s, android.RestoreSet{Name: "a", Device: "b"})
		}
	}},
	{"a set is missing", "Sets", func(b *broken, _ *memory.Store) {
		b.sets = func([]android.RestoreSet) []android.RestoreSet { return nil }
	}},
	{"a set has other flags", "Sets", func(b *broken, _ *memory.Store) {
		b.sets = func(s []android.RestoreSet) []android.RestoreSet {
			for i := range s {
				s[i].Flags = backup.FlagDeviceToDeviceTransfer
			}
			return s
		}
	}},
	{"any token will do", "OutOfOrder", func(b *broken, _ *memory.Store) {
		b.start = func(ctx context.Context, _ int64, pkgs []string) error {
			return b.Transport.StartRestore(ctx, memory.Token, pkgs)
		}
	}},
	{"a restore never ends", "OutOfOrder", func(b *broken, _ *memory.Store) {
		b.end = func(context.Context) error { return nil }
	}},
	{"a delete marker comes back", "Complete", func(b *broken, _ *memory.Store) {
		b.set = func(s []record) []record { return append(s, del("\xEF\xBF\xBFz")) }
	}},
	{"keys come in the order of bytes", "Complete StrangeKeys", func(b *broken, _ *memory.Store) {
		b.set = func(s []record) []record {
			slices.SortFunc(s, func(a, b record) int { return strings.Compare(string(a.key), string(b.key)) })
			return s
		}
	}},
	{"the first of two wins", "Complete RandomDeltas", func(b *broken, _ *memory.Store) {
		b.data = func(all []byte) []byte { return stream(backwards(all)...) }
	}},
	{"deletions are ignored", "Delta RandomDeltas", func(b *broken, _ *memory.Store) {
		b.data = func(all []byte) []byte {
			return stream(slices.DeleteFunc(backwards(all), func(r record) bool { return r.deleted })...)
		}
	}},
	{"changes replace everything", "Delta RandomDeltas NextProcess", func(b *broken, _ *memory.Store) {
		b.flags = func(android.PassFlags) android.PassFlags { return whole }
	}},
	{"nothing is ever replaced", "Replace", func(b *broken, _ *memory.Store) {
		b.flags = func(f android.PassFlags) android.PassFlags { return f &^ whole }
	}},
	{"a set that became empty is forgotten", "LastDeleted", func(b *broken, _ *memory.Store) {
		b.perform = func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
			if flags&changes != 0 {
				names, err := (&env{tr: b.Transport}).names(ctx, pkg.Name)
				if err != nil || !slices.Contains(names, pkg.Name) {
					return errors.Join(err, android.TransportNonIncrementalBackupRequired)
				}
			}
			return b.Transport.PerformBackup(ctx, pkg, data, flags)
		}
	}},
	{"changes of nothing are taken", "NonIncrementalRequired Clear Initialize", func(b *broken, _ *memory.Store) {
		b.flags = func(f android.PassFlags) android.PassFlags { return f &^ changes }
	}},
	{"a ping replaces", "DataNotChanged", func(b *broken, _ *memory.Store) {
		b.flags = func(f android.PassFlags) android.PassFlags {
			if f&android.FlagDataNotChanged != 0 {
				return whole
			}
			return f
		}
	}},
	{"a failure erases", "KeyValueFailures", func(b *broken, _ *memory.Store) {
		b.perform = func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
			err := b.Transport.PerformBackup(ctx, pkg, data, flags)
			if err != nil {
				return errors.Join(err, b.Transport.ClearBackupData(context.WithoutCancel(ctx), pkg.Name))
			}
			return nil
		}
	}},
	{"damage is the end of the stream", "KeyValueFailures", func(b *broken, _ *memory.Store) {
		b.perform = func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
			err := b.Transport.PerformBackup(ctx, pkg, data, flags)
			if _, ok := errors.AsType[*entity.DamageError](err); ok {
				return nil
			}
			return err
		}
	}},
	{"the context is ignored", "KeyValueFailures", func(b *broken, _ *memory.Store) {
		b.perform = func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
			return b.Transport.PerformBackup(context.WithoutCancel(ctx), pkg, data, flags)
		}
	}},
	{"entities need no confirmation", "KeyValueUnconfirmed", func(b *broken, _ *memory.Store) {
		b.perform = func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
			if err := b.Transport.PerformBackup(ctx, pkg, data, flags); err != nil {
				return err
			}
			return b.Transport.FinishBackup(ctx)
		}
	}},
	{"a chunk is longer than it says", "Full", func(b *broken, _ *memory.Store) {
		b.chunk = func(ctx context.Context, w io.Writer) (int, error) {
			n, err := b.Transport.NextFullChunk(ctx, w)
			return max(0, n-1), err
		}
	}},
	{"zero is the end", "Full", func(b *broken, _ *memory.Store) {
		b.chunk = func(ctx context.Context, w io.Writer) (int, error) {
			n, err := b.Transport.NextFullChunk(ctx, w)
			if errors.Is(err, android.NoMoreData) {
				err = nil
			}
			return n, err
		}
	}},
	{"the first backup stays", "FullAgain ChangeOfForm NextProcess", func(b *broken, s *memory.Store) {
		drop := false
		b.begin = func(ctx context.Context, pkg android.Package, data io.Reader) error {
			drop = slices.Contains(s.Packages(), pkg.Name)
			return b.Transport.PerformFullBackup(ctx, pkg, data, 0)
		}
		b.finish = func(ctx context.Context) error {
			if drop {
				drop = false
				return b.Transport.CancelFullBackup(ctx)
			}
			return b.Transport.FinishBackup(ctx)
		}
	}},
	{"it reads ahead", "ReadsWhatItIsTold", func(b *broken, _ *memory.Store) {
		b.begin = func(ctx context.Context, pkg android.Package, data io.Reader) error {
			all, err := io.ReadAll(data)
			return errors.Join(err, b.Transport.PerformFullBackup(ctx, pkg, bytes.NewReader(all), 0))
		}
	}},
	{"a failed piece is forgotten", "FullFailures FullQuota", func(b *broken, _ *memory.Store) {
		b.finish = func(ctx context.Context) error { _ = b.Transport.FinishBackup(ctx); return nil }
	}},
	{"cancelling confirms", "FullFailures", func(b *broken, _ *memory.Store) {
		b.cancel = func(ctx context.Context) error { return b.Transport.FinishBackup(context.WithoutCancel(ctx)) }
	}},
	{"a full backup begins with an erasure", "FullFailures FullUnconfirmed FullQuota", func(b *broken, _ *memory.Store) {
		b.begin = func(ctx context.Context, pkg android.Package, data io.Reader) error {
			return errors.Join(b.Transport.ClearBackupData(ctx, pkg.Name), b.Transport.PerformFullBackup(ctx, pkg, data, 0))
		}
	}},
	{"any size will do", "FullOfNothing FullQuota", func(b *broken, _ *memory.Store) {
		b.check = func(int64) error { return nil }
	}},
	{"the quota is only said", "KeyValueQuota KeyValueQuotaOfDelta FullQuota", func(b *broken, s *memory.Store) {
		b.Transport, b.quota = s.Open(memory.Options{}), 64<<10
	}},
	{"the quota counts the changes only", "KeyValueQuotaOfDelta", func(b *broken, s *memory.Store) {
		b.Transport, b.quota = s.Open(memory.Options{}), 64<<10
		b.perform = func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
			all, err := io.ReadAll(data)
			if err != nil || len(all) > 64<<10 {
				return errors.Join(err, android.TransportQuotaExceeded)
			}
			return b.Transport.PerformBackup(ctx, pkg, bytes.NewReader(all), flags)
		}
	}},
	{"packages come as they are sorted", "Order", func(b *broken, _ *memory.Store) {
		b.start = func(ctx context.Context, token int64, pkgs []string) error {
			return b.Transport.StartRestore(ctx, token, slices.Sorted(slices.Values(pkgs)))
		}
	}},
	{"everything comes, asked for or not", "Order", func(b *broken, s *memory.Store) {
		b.start = func(ctx context.Context, token int64, pkgs []string) error {
			return b.Transport.StartRestore(ctx, token, append(pkgs, s.Packages()...))
		}
	}},
	{"a skipped package stays", "Skip", func(b *broken, _ *memory.Store) {
		var last android.RestoreDescription
		fetched := true
		b.next = func(ctx context.Context) (android.RestoreDescription, error) {
			if !fetched {
				return last, nil
			}
			var err error
			last, err = b.Transport.NextPackage(ctx)
			fetched = last.Package == ""
			return last, err
		}
		b.restore = func(ctx context.Context, w io.Writer) error {
			fetched = true
			return b.Transport.RestoreData(ctx, w)
		}
		b.chunk = func(ctx context.Context, w io.Writer) (int, error) {
			fetched = true
			return b.Transport.NextFullChunk(ctx, w)
		}
	}},
	{"an abort ends the restore", "Abort FailingWriter", func(b *broken, _ *memory.Store) {
		b.abort = func(ctx context.Context) error { return b.Transport.FinishRestore(ctx) }
	}},
	{"a writer's error is lost", "FailingWriter", func(b *broken, _ *memory.Store) {
		b.restore = func(ctx context.Context, w io.Writer) error { _ = b.Transport.RestoreData(ctx, w); return nil }
	}},
	{"the end begins anew", "ChunkCodes", func(b *broken, _ *memory.Store) {
		var last bytes.Buffer
		ended := false
		b.chunk = func(ctx context.Context, w io.Writer) (int, error) {
			if ended {
				return w.Write(last.Bytes())
			}
			n, err := b.Transport.NextFullChunk(ctx, io.MultiWriter(w, &last))
			ended = errors.Is(err, android.NoMoreData)
			return n, err
		}
	}},
	{"a restore ignores its context", "EndedContext", func(b *broken, _ *memory.Store) {
		b.restore = func(ctx context.Context, w io.Writer) error {
			return b.Transport.RestoreData(context.WithoutCancel(ctx), w)
		}
	}},
	{"the end needs a context", "EndedContext Abort", func(b *broken, _ *memory.Store) {
		b.end = func(ctx context.Context) error { return errors.Join(ctx.Err(), b.Transport.FinishRestore(ctx)) }
	}},
	{"nothing is erased", "Initialize Clear", func(b *broken, _ *memory.Store) {
		b.init = func(context.Context) error { return nil }
		b.erase = func(context.Context, string) error { return nil }
	}},
	{"one app takes all with it", "Clear", func(b *broken, _ *memory.Store) {
		b.erase = func(ctx context.Context, _ string) error { return b.Transport.InitializeDevice(ctx) }
	}},
	{"names lose their case", "StrangePackages", func(b *broken, _ *memory.Store) {
		b.perform = func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
			pkg.Name = strings.ToLower(pkg.Name)
			return b.Transport.PerformBackup(ctx, pkg, data, flags)
		}
	}},
	{"bad keys are repaired", "KeysOfOtherBytes", func(b *broken, _ *memory.Store) {
		b.data = func(all []byte) []byte { return bytes.ReplaceAll(all, []byte{0xFF, 0xFE}, []byte("??")) }
	}},
	{"the ten thousandth key is lost", "ManyKeys", func(b *broken, _ *memory.Store) {
		b.set = func(s []record) []record { return s[:min(len(s), 9_999)] }
	}},
	{"a large value is cut", "LargeValues", func(b *broken, _ *memory.Store) {
		b.set = func(s []record) []record {
			for i := range s {
				s[i].value = s[i].value[:min(len(s[i].value), 1<<20-1)]
			}
			return s
		}
	}},
}

// backwards returns the records of a stream from the last to the first.
func backwards(b []byte) (out []record) {
	r := entity.NewReader(bytes.NewReader(b), entity.Limits{})
	for h, err := range r.All() {
		if err != nil {
			panic(err)
		}
		v, _ := r.AppendData(nil, h.Size)
		out = append(out, record{h.Key, string(v), h.Deleted})
	}
	slices.Reverse(out)
	return out
}

// TestFaults breaks a transport in every way, and each has to be noticed.
func TestFaults(t *testing.T) {
	idle := map[string]check{}
	for _, ch := range checks {
		idle[ch.name] = ch
	}
	byName := maps.Clone(idle)
	for _, f := range faults {
		for _, name := range strings.Fields(f.checks) {
			ch, ok := byName[name]
			if !ok {
				t.Fatalf("no check %q", name)
			}
			delete(idle, name)
			s := new(memory.Store)
			err := ch.run(t.Context(), Capabilities{}, func() (android.Transport, error) {
				b := &broken{Transport: s.Open(memory.Options{QuotaFull: ch.quota.Full, QuotaKV: ch.quota.KeyValue})}
				f.make(b, s)
				return b, nil
			})
			if err == nil {
				t.Errorf("%s does not notice that %s", name, f.name)
			} else {
				t.Logf("%s: %s: %v", f.name, name, err)
			}
		}
	}
	for name := range idle {
		t.Errorf("no fault for check %s", name)
	}
}
