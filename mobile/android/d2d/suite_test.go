package d2d_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/d2d"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/transporttest"
	"github.com/ferry-move/ferry/mobile/backup"
)

// link stands for all that lies between the two phones: what the sink was given
// is what the source has.
type link struct {
	order []string
	apps  map[string]*packet
	open  *packet
}

type packet struct {
	pkg      android.Package
	form     android.RestoreType
	entities map[entity.Key][]byte
	files    []android.SourceFile
	content  [][]byte
}

func (l *link) Begin(_ context.Context, pkg android.Package, form android.RestoreType) error {
	l.open = &packet{pkg: pkg, form: form, entities: map[entity.Key][]byte{}}
	return nil
}

func (l *link) Entity(_ context.Context, key entity.Key, value []byte) error {
	l.open.entities[key] = value
	return nil
}

func (l *link) File(ctx context.Context, f android.SourceFile) error {
	var content []byte
	if f.Open != nil {
		r, err := f.Open(ctx, 0)
		if err != nil {
			return err
		}
		defer r.Close()
		if content, err = io.ReadAll(r); err != nil {
			return err
		}
	}
	l.open.files, l.open.content = append(l.open.files, f), append(l.open.content, content)
	return nil
}

func (l *link) End(context.Context) error {
	name := l.open.pkg.Name
	if _, ok := l.apps[name]; !ok {
		l.order = append(l.order, name)
	}
	l.apps[name], l.open = l.open, nil
	return nil
}

func (l *link) Drop(context.Context) { l.open = nil }

func (l *link) Packages(context.Context) (out []d2d.Arrived, err error) {
	for _, name := range l.order {
		p := l.apps[name]
		sigs := p.pkg.Signatures
		if len(sigs) == 0 {
			sigs = [][32]byte{{1}}
		}
		out = append(out, d2d.Arrived{Name: name, Version: p.pkg.Version, Signatures: sigs, Form: p.form})
	}
	return out, nil
}

func (l *link) Entities(_ context.Context, pkg string) (io.ReadCloser, error) {
	var keys []entity.Key
	for k := range l.apps[pkg].entities {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, entity.Key.Compare)
	var b bytes.Buffer
	w := entity.NewWriter(&b, entity.Options{System: true})
	for _, k := range keys {
		v := l.apps[pkg].entities[k]
		if err := w.WriteHeader(k, int64(len(v))); err != nil {
			return nil, err
		}
		if _, err := w.Write(v); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(&b), w.Close()
}

func (l *link) Files(_ context.Context, pkg string) iter.Seq2[android.RestoredFile, error] {
	return func(yield func(android.RestoredFile, error) bool) {
		p := l.apps[pkg]
		for i, f := range p.files {
			if !yield(android.RestoredFile{FileInfo: f.FileInfo, Data: bytes.NewReader(p.content[i])}, nil) {
				return
			}
		}
	}
}

func newTransport(l *link, quota int64) *d2d.Transport {
	return d2d.New(d2d.Options{Sink: l, Source: l, Quota: quota})
}

func TestSuite(t *testing.T) {
	// One quota holds for both forms; TestOverQuota has what the suite cannot.
	transporttest.Run(t, transporttest.Capabilities{Volatile: true, PassThrough: true, OwnMetadata: true, FixedQuota: true},
		func(testing.TB, transporttest.Quota) transporttest.Opener {
			l := &link{apps: map[string]*packet{}}
			return func() (android.Transport, error) { return newTransport(l, 0), nil }
		})
}

// More than the quota is refused when it is announced, and if it comes all the
// same; then nothing of the app counts.
func TestOverQuota(t *testing.T) {
	l := &link{apps: map[string]*packet{}}
	tr := newTransport(l, 10_000)
	app := android.Package{Name: "org.example"}
	if err := tr.PerformFullBackup(t.Context(), app, nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := tr.CheckFullBackupSize(t.Context(), 10_001); !errors.Is(err, android.TransportQuotaExceeded) {
		t.Errorf("announced: %v", err)
	}
	f := android.SourceFile{
		FileInfo: android.FileInfo{Domain: "f", Path: "a", Type: backup.TypeFile, Size: 6000},
		Open: func(context.Context, int64) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(make([]byte, 6000))), nil
		},
	}
	if err := tr.BackupEntry(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := tr.BackupEntry(t.Context(), f); !errors.Is(err, android.TransportQuotaExceeded) {
		t.Errorf("sent: %v", err)
	}
	if err := tr.FinishBackup(t.Context()); !errors.Is(err, android.TransportQuotaExceeded) {
		t.Errorf("finished: %v", err)
	}
	var b bytes.Buffer
	w := entity.NewWriter(&b, entity.Options{})
	if err := w.WriteHeader("key", 10_001); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 10_001)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tr.PerformBackup(t.Context(), app, &b, android.FlagNonIncremental); !errors.Is(err, android.TransportQuotaExceeded) {
		t.Errorf("entities: %v", err)
	}
	if len(l.apps) != 0 || l.open != nil {
		t.Errorf("something is left: %v, %v", l.apps, l.open)
	}
}

// The quota is what the new phone has room for, and never more than is allowed.
func TestQuota(t *testing.T) {
	for _, tt := range []struct {
		quota int64
		free  func() (int64, error)
		want  int64
	}{
		{0, nil, d2d.DefaultQuota},
		{5, nil, 5},
		{0, func() (int64, error) { return 1000, nil }, 1000},
		{500, func() (int64, error) { return 1000, nil }, 500},
		{0, func() (int64, error) { return 0, errors.New("nobody knows") }, d2d.DefaultQuota},
	} {
		tr := d2d.New(d2d.Options{Quota: tt.quota, Free: tt.free})
		if got := tr.Quota("org.example", true); got != tt.want {
			t.Errorf("quota %d: %d; want %d", tt.quota, got, tt.want)
		}
	}
}

// What Android looks at to see that data comes from the owner's other device.
func TestIsDeviceToDevice(t *testing.T) {
	tr := newTransport(&link{apps: map[string]*packet{}}, 0)
	if tr.Flags() != 2 {
		t.Errorf("flags %d", tr.Flags())
	}
	sets, err := tr.RestoreSets(t.Context())
	if err != nil || len(sets) != 1 || sets[0].Device != "D2D" || sets[0].Flags != 2 {
		t.Errorf("%+v, %v", sets, err)
	}
}

// Each side has only its half.
func TestOneSided(t *testing.T) {
	none := d2d.New(d2d.Options{})
	if err := none.PerformFullBackup(t.Context(), android.Package{Name: "org.example"}, nil, 0); !errors.Is(err, d2d.ErrOneSided) {
		t.Errorf("a backup without a sink: %v", err)
	}
	if err := none.StartRestore(t.Context(), d2d.Token, []string{"org.example"}); !errors.Is(err, d2d.ErrOneSided) {
		t.Errorf("a restore without a source: %v", err)
	}
	if sets, err := none.RestoreSets(t.Context()); err != nil || len(sets) != 0 {
		t.Errorf("%v, %v", sets, err)
	}
}
