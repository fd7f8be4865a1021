package manager

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/pm"
)

func (m *Manager) state(pkg string) string { return filepath.Join(m.states, fileName(pkg)+".state") }
func (m *Manager) fresh(pkg string) string { return filepath.Join(m.states, fileName(pkg)+".new") }
func (m *Manager) marker(pkg string) string {
	return filepath.Join(m.states, "backing-up", fileName(pkg))
}
func (m *Manager) restoring(pkg string) string { return m.disk.path("restoring", fileName(pkg)) }

// staged makes a file for an entity stream, which may be larger than memory.
func (m *Manager) staged(pkg string) (*os.File, error) {
	dir := m.disk.path("stage")
	if err := m.disk.mkdir(dir); err != nil {
		return nil, err
	}
	return m.disk.create(m.disk.path("stage", fileName(pkg)+".data"))
}

func (m *Manager) unstage(f *os.File) {
	_ = f.Close()
	_ = m.disk.remove(f.Name()) // else it is removed when the manager opens
}

// hasState reports whether there is a state with something in it.
func (m *Manager) hasState(pkg string) bool {
	info, err := os.Stat(m.state(pkg))
	return err == nil && info.Size() > 0
}

// dropState makes the next pass a complete one.
func (m *Manager) dropState(pkg string) error {
	if !exists(m.state(pkg)) && !exists(m.fresh(pkg)) {
		return nil
	}
	for _, f := range []string{m.state(pkg), m.fresh(pkg)} {
		if err := m.disk.remove(f); err != nil {
			return err
		}
	}
	return m.disk.syncDir(m.states)
}

// initialize has the transport erase its set, and begins anew. The states go
// first: a set may be there without states, but never states without a set.
func (m *Manager) initialize(ctx context.Context) error {
	if err := m.resetStates(); err != nil {
		return err
	}
	if err := m.transport.InitializeDevice(ctx); err != nil {
		return err
	}
	return m.transport.FinishBackup(ctx)
}

// resetStates deletes what describes the current set (AOSP
// UserBackupManagerService.resetBackupState). The state of the list of apps is
// deleted first, because its absence alone is enough.
func (m *Manager) resetStates() error {
	if err := m.dropState(android.MetadataPackage); err != nil {
		return err
	}
	if err := m.disk.removeAll(m.states); err != nil {
		return err
	}
	m.processed.close()
	m.processed = nil
	if err := m.disk.remove(m.disk.path("processed")); err != nil {
		return err
	}
	m.mu.Lock()
	clear(m.has)
	m.mu.Unlock()
	m.tokens.Current = 0
	return m.writeTokens()
}

// participants are the apps that move by key/value.
func (m *Manager) participants() []string {
	var names []string
	for _, a := range m.registered() {
		if method, err := m.decide(a); err == nil && method == KeyValue {
			names = append(names, a.Name)
		}
	}
	return names
}

func (m *Manager) writeTokens() error {
	if m.tokens.Ancestral == 0 && m.tokens.Current == 0 && m.tokens.Packages == nil {
		return m.disk.remove(m.disk.path("ancestral"))
	}
	b, err := pm.AppendTokens(nil, m.tokens)
	if err != nil {
		return fmt.Errorf("remember the sets: %w", err)
	}
	return m.disk.write(m.disk.path("ancestral"), b)
}

// stored notes that the current set has an app, and which set that is.
func (m *Manager) stored(ctx context.Context, pkg string) error {
	m.mu.Lock()
	had := m.has[pkg]
	m.has[pkg] = true
	m.mu.Unlock()
	if !had {
		if m.processed == nil {
			m.processed = &nameFile{d: m.disk, path: m.disk.path("processed")}
		}
		if err := m.processed.add(pkg); err != nil {
			m.processed.close()
			return err
		}
	}
	if m.tokens.Current != 0 {
		return nil
	}
	token, err := m.transport.CurrentSet(ctx)
	if err != nil || token == 0 {
		return nil // the transport may know later
	}
	m.tokens.Current = pm.Token(token)
	return m.writeTokens()
}

// marked lists the apps with a marker, which were backed up once.
func (m *Manager) marked() ([]string, error) {
	return m.listed(filepath.Join(m.states, "backing-up"))
}

func (m *Manager) listed(dir string) ([]string, error) {
	files, err := m.disk.names(dir)
	if err != nil {
		return nil, err
	}
	var pkgs []string
	for _, f := range files {
		if pkg, ok := packageOf(f); ok {
			pkgs = append(pkgs, pkg)
		}
	}
	return pkgs, nil
}

func (m *Manager) mark(pkg string) error {
	if exists(m.marker(pkg)) {
		return nil
	}
	if err := m.disk.mkdir(filepath.Join(m.states, "backing-up")); err != nil {
		return err
	}
	return m.disk.touch(m.marker(pkg))
}
