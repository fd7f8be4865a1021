package manager

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/pm"
)

// metadataAgent backs up the list of apps (AOSP PackageManagerBackupAgent.java).
// It always writes the format's version, so the transport is given something in
// each pass. Entries of apps that are gone stay, for the day when they are
// installed again.
type metadataAgent struct {
	device pm.Global
	home   *pm.Home
	apps   []*App // by name
}

// metadata returns the agent over the apps that can be backed up.
func (m *Manager) metadata() *App {
	a := &metadataAgent{device: m.cfg.Device, home: m.cfg.Home}
	for _, app := range m.registered() {
		if _, err := m.decide(app); err == nil && len(app.Signatures) > 0 {
			a.apps = append(a.apps, app)
		}
	}
	return &App{
		Package: android.Package{Name: android.MetadataPackage, System: true, HasAgent: true},
		Agent:   func() android.Agent { return a },
	}
}

// Backup implements [android.Agent].
func (a *metadataAgent) Backup(_ context.Context, b android.BackupRequest) error {
	old, usable, err := readState(b.Old)
	if err != nil {
		return err
	}
	if usable = usable && old.Global == a.device; !usable {
		old = pm.State{} // another system: everything is stored again
	}
	known := make(map[string]int64, len(old.Packages))
	for _, p := range old.Packages {
		known[p.Name] = p.Version
	}

	now := pm.State{Home: a.home, Global: a.device}
	if err := put(b.Data, pm.AncestralKey, pm.AppendAncestral(nil)); err != nil {
		return err
	}
	if !usable {
		v, err := a.device.Append(nil)
		if err != nil {
			return fmt.Errorf("describe the system: %w", err)
		}
		if err := put(b.Data, pm.GlobalKey, v); err != nil {
			return err
		}
	}
	if err := a.backupHome(b.Data, old.Home); err != nil {
		return err
	}
	for _, app := range a.apps {
		version, stored := known[app.Name]
		if !stored || version != app.Version {
			v, err := pm.App{Version: app.Version, Signers: hashes(app.Signatures)}.Append(nil)
			if err != nil {
				continue // it cannot be restored, and the others can
			}
			if err := put(b.Data, entity.Key(app.Name), v); err != nil {
				return err
			}
		}
		delete(known, app.Name)
		now.Packages = append(now.Packages, pm.PackageVersion{Name: app.Name, Version: app.Version})
	}
	state, err := pm.AppendState(nil, now)
	if err != nil {
		return fmt.Errorf("remember the apps: %w", err)
	}
	_, err = b.New.Write(state)
	return err
}

func (a *metadataAgent) backupHome(data android.EntityOutput, old *pm.Home) error {
	switch {
	case a.home == nil && old == nil:
		return nil
	case a.home == nil:
		return data.Delete(string(pm.HomeKey))
	case old != nil && old.Component == a.home.Component && old.Version == a.home.Version && slices.Equal(old.Signers, a.home.Signers):
		return nil
	}
	v, err := a.home.Append(nil)
	if err != nil {
		return fmt.Errorf("describe the home screen: %w", err)
	}
	return put(data, pm.HomeKey, v)
}

// Restore implements [android.Agent]; the list of apps is read by the restore
// itself.
func (*metadataAgent) Restore(context.Context, android.RestoreRequest) error { return nil }

// readState reads the last state; one that cannot be used is none.
func readState(r io.Reader) (s pm.State, usable bool, err error) {
	if r == nil {
		return s, false, nil
	}
	b, err := io.ReadAll(io.LimitReader(r, pm.MaxState+1))
	if err != nil {
		return s, false, fmt.Errorf("read the state: %w", cause(err))
	}
	s, err = pm.ParseState(b)
	return s, err == nil && len(b) > 0 && !s.Old, nil
}

func put(data android.EntityOutput, key entity.Key, value []byte) error {
	if err := data.WriteHeader(string(key), int64(len(value))); err != nil {
		return err
	}
	_, err := data.Write(value)
	return err
}

func hashes(s [][32]byte) []pm.Hash {
	h := make([]pm.Hash, len(s))
	for i := range s {
		h[i] = s[i]
	}
	return h
}

func installed(p android.Package) pm.Installed {
	return pm.Installed{System: p.System, Current: hashes(p.Signatures), Past: hashes(p.Past)}
}
