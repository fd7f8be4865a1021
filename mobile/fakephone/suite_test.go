package fakephone_test

import (
	"errors"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/backup/backuptest"
	"github.com/ferry-move/ferry/mobile/fakephone"
)

// TestSuite runs the conformance suite on every kind, without and with items
// that fail.
func TestSuite(t *testing.T) {
	sizes := map[backup.Kind]fakephone.Range{
		fakephone.Photos: {Min: 0, Max: 100 << 10},
		fakephone.Videos: {Min: 200 << 10, Max: 600 << 10},
		fakephone.Music:  {Min: 1, Max: 100 << 10},
	}
	for name, c := range map[string]fakephone.Config{
		"sound":  {Seed: 1, Sizes: sizes, Secrets: 20},
		"faulty": {Seed: 2, Sizes: sizes, Videos: 12, Secrets: 40, Unreadable: 0.2, ChangeWhileReading: 0.2},
	} {
		if testing.Short() && name == "sound" {
			continue // the other has more to go wrong
		}
		for _, info := range append(fakephone.Kinds(), backup.Info{Kind: fakephone.Secrets}) {
			t.Run(name+"/"+string(info.Kind), func(t *testing.T) {
				t.Parallel()
				backuptest.Run(t, func(testing.TB) backuptest.Env { return env(c, info.Kind) })
			})
		}
	}
}

func env(c fakephone.Config, kind backup.Kind) backuptest.Env {
	src := fakephone.New(c)
	devices := map[backup.Agent]*fakephone.Device{src.Agent(kind): src}
	return backuptest.Env{
		Source: src.Agent(kind),
		NewTarget: func() backup.Agent {
			d := fakephone.New(fakephone.Config{Empty: true, Keep: 1 << 30, Secrets: c.Secrets})
			devices[d.Agent(kind)] = d
			return d.Agent(kind)
		},
		Vanish: func(it backup.Item) error {
			if !src.Remove(kind, it.Key) {
				return errors.New("it was not there")
			}
			return nil
		},
		Transport: func(a backup.Agent) (read, taken backup.Transport) { return devices[a].Transport(kind) },
	}
}

// TestSecrets: a phone has secrets only when it is told to, and says what they are.
func TestSecrets(t *testing.T) {
	if fakephone.New(fakephone.Config{}).Agent(fakephone.Secrets) != nil {
		t.Error("a usual phone has secrets")
	}
	for n, want := range map[int]int{7: 7 + 2, -1: 0} { // its folders come on top
		d := fakephone.New(fakephone.Config{Secrets: n})
		a := d.Agent(fakephone.Secrets)
		if a == nil || !a.Info().Secret || d.Len(fakephone.Secrets) != want {
			t.Errorf("%d: %d items", n, d.Len(fakephone.Secrets))
		}
	}
	for _, k := range fakephone.Kinds() {
		if k.Secret {
			t.Errorf("%s are secret", k.Kind)
		}
	}
}
