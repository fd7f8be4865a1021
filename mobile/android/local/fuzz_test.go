package local

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/memory"
)

// FuzzPerformBackup gives two passes to this transport, with batches of hardly
// anything, and to the one in memory: both take the same and give the same
// back.
func FuzzPerformBackup(f *testing.F) {
	many := bytes.Repeat(slices.Concat(two, []byte("\xBC\xBC"), one, gap), 20)
	f.Add(slices.Concat(one, gap, two), del)
	f.Add(many, slices.Concat(del, two))
	f.Add(two, many[:len(many)-5])
	f.Add([]byte{}, []byte("Data"))
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		ctx := t.Context()
		tr := openTest(t, Options{})
		tr.batch = 3 * recordBytes
		model := new(memory.Store).Open(memory.Options{})
		for i, data := range [][]byte{base, delta} {
			err := keyValue(ctx, tr, app, android.FlagNonIncremental>>i, data)
			want := model.PerformBackup(ctx, android.Package{Name: app}, bytes.NewReader(data), android.FlagNonIncremental>>i)
			if want == nil {
				want = model.FinishBackup(ctx)
			}
			if (err == nil) != (want == nil) {
				t.Fatalf("pass %d: %v, in memory %v", i, err, want)
			}
			if _, ok := errors.AsType[android.Code](err); err != nil && !ok {
				t.Fatalf("pass %d: an error without a code: %v", i, err)
			}
		}
		got, err := restored(ctx, tr, app)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := model.StartRestore(ctx, memory.Token, []string{app}); err != nil {
			t.Fatal(err)
		}
		if d, err := model.NextPackage(ctx); err != nil {
			t.Fatal(err)
		} else if d.Type == android.RestoreKeyValue {
			if err := model.RestoreData(ctx, &want); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("restored %q, in memory %q", got, want.Bytes())
		}
		r := entity.NewReader(bytes.NewReader(got), entity.Limits{})
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzSendBackupData sends pieces of any length: what was confirmed is what
// was announced.
func FuzzSendBackupData(f *testing.F) {
	f.Add([]byte("tar"), []byte{1, 2}, true)
	f.Add([]byte("tar"), []byte{1, 200}, true)
	f.Add([]byte{}, []byte{0}, false)
	f.Fuzz(func(t *testing.T, data, pieces []byte, finish bool) {
		ctx := t.Context()
		tr := openTest(t, Options{QuotaFull: 1000})
		if err := full(ctx, tr, app, tar); err != nil {
			t.Fatal(err)
		}
		want, sent, failed := tar, 0, false
		if err := tr.PerformFullBackup(ctx, android.Package{Name: app}, bytes.NewReader(data), 0); err != nil {
			t.Fatal(err)
		}
		for _, n := range pieces {
			err := tr.SendBackupData(ctx, int(int8(n)))
			sent += int(int8(n))
			failed = failed || int8(n) < 0 || sent > min(len(data), 1000)
			if (err != nil) != failed {
				t.Fatalf("after %d of %d bytes: %v", sent, len(data), err)
			}
		}
		if finish {
			if !failed && sent > 0 {
				want = data[:sent]
			}
			if err := tr.FinishBackup(ctx); (err == nil) != (!failed && sent > 0) {
				t.Fatalf("FinishBackup of %d bytes: %v", sent, err)
			}
		} else if err := tr.CancelFullBackup(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := restored(ctx, tr, app)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("restored %d bytes, %v; want %d", len(got), err, len(want))
		}
	})
}
