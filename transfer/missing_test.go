package transfer

import (
	"errors"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
)

// TestMissingTakesOffWhatArrived has a full disk twelve photos of 2 MiB into a move:
// what is safe, and what earlier runs brought, need not fit any more.
func TestMissingTakesOffWhatArrived(t *testing.T) {
	const photo = 2 << 20
	for _, tt := range []struct {
		name           string
		earlier, found int64 // by the journal; and what of it had its turn
		ended, free    int64
		want           int64
	}{
		{"three are safe", 0, 0, 3, 0, 9*photo + fullReserve},
		{"there is some space", 0, 0, 3, photo, 8*photo + fullReserve},
		{"eight came earlier, one had its turn", 8 * photo, photo, 1, 0, 4*photo + fullReserve},
		{"eight came earlier, all had their turn", 8 * photo, 8 * photo, 8, 0, 4*photo + fullReserve},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &receiver{meter: new(Meter), earlier: tt.earlier}
			r.cfg.Free = func() (int64, error) { return tt.free, nil }
			r.meter.setKinds([]KindProgress{{Kind: "photos", Items: 12, Bytes: 12 * photo}})
			for range tt.ended {
				r.meter.ended(0, backup.Item{Kind: "photos", Type: backup.TypeFile, Size: photo}, 0, false)
			}
			r.found.Store(tt.found)
			r.full.waits = map[*wait]struct{}{{need: photo}: {}}
			if got, of := r.missing(); got != tt.want || of != ShortSpace {
				t.Errorf("%d bytes are missing, want %d", got, tt.want)
			}
		})
	}
}

// TestShortage tells apart what a full disk lacks.
func TestShortage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		waits []wait
		files int64
		want  Shortage
		least int64
	}{
		{"space", []wait{{need: 1000}}, 5, ShortSpace, fullReserve},
		{"ferry's own folder", []wait{{own: true}}, 5, ShortOwn, 1 << 20},
		{"both", []wait{{need: 1000}, {own: true}}, 5, ShortSpace, fullReserve},
		{"files", []wait{{need: 1000}}, 0, ShortFiles, 1},
	} {
		r := &receiver{meter: new(Meter)}
		r.cfg.Free = func() (int64, error) { return 0, nil }
		r.cfg.FreeFiles = func() (int64, error) { return tt.files, nil }
		r.full.waits = map[*wait]struct{}{}
		for i := range tt.waits {
			r.full.waits[&tt.waits[i]] = struct{}{}
		}
		if n, of := r.missing(); of != tt.want || n < tt.least {
			t.Errorf("%s: %d bytes of %v", tt.name, n, of)
		}
	}
}

// TestRefusedForSpace tells the old phone how much is lacking, whether it looks at the
// answer or at the stop behind it first.
func TestRefusedForSpace(t *testing.T) {
	s := &sender{room: 1000, cfg: SendConfig{Plans: []KindPlan{{Bytes: 1500}, {Bytes: 2500}}}}
	refused := func(kind wire.StopKind, remote bool) int64 {
		var e *StopError
		errors.As(s.lacking(errors.Join(&StopError{Kind: kind, Remote: remote})), &e)
		return e.Missing
	}
	if n := refused(wire.StopNoSpace, true); n != 3000 {
		t.Errorf("%d bytes are lacking", n)
	}
	if n := refused(wire.StopRefused, true); n != 0 {
		t.Errorf("a person's refusal: %d bytes are lacking", n)
	}
	if s.room = 0; refused(wire.StopNoSpace, true) != 0 {
		t.Error("a new phone that does not say it lacks something")
	}
}
