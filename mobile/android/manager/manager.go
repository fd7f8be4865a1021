package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/pm"
)

// Manager backs apps up and restores them. Its methods are safe for use by
// several goroutines; passes and restores wait for each other.
type Manager struct {
	transport android.Transport
	cfg       Config        // immutable
	times     Timeouts      // immutable
	disk      *disk         // immutable
	states    string        // the transport's folder; immutable
	turn      chan struct{} // holds a value while nothing runs

	// Owned by whoever has the turn.
	tokens    pm.Tokens
	processed *nameFile
	lastShown time.Time // of Progress

	mu       sync.Mutex
	closed   bool                         // guarded by mu
	disabled bool                         // guarded by mu
	apps     map[string]*App              // guarded by mu
	journal  *journal                     // guarded by mu
	has      map[string]bool              // what processed holds; guarded by mu
	lost     map[string][]<-chan struct{} // agents given up, by app; guarded by mu
}

// New opens the manager of the states in a folder, and goes on where the last
// one ended, however that was.
func New(cfg Config) (*Manager, error) {
	return open(cfg, nil)
}

func open(cfg Config, step func(string) error) (*Manager, error) {
	if cfg.Transport == nil || cfg.Dir == "" {
		return nil, errors.New("open the backup manager: a folder and a transport are needed")
	}
	dir := cfg.Transport.DirName()
	if !validPackage(dir) || slices.Contains([]string{"pending", "restoring", "stage", "processed", "ancestral", "disabled"}, dir) {
		return nil, fmt.Errorf("open the backup manager: the transport's folder: %w", ErrName)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	d := &disk{root: cfg.Dir, step: step}
	m := &Manager{
		transport: cfg.Transport, cfg: cfg, times: cfg.Timeouts.whole(), disk: d,
		states: d.path(fileName(dir)), turn: make(chan struct{}, 1),
		apps: make(map[string]*App), lost: make(map[string][]<-chan struct{}),
	}
	m.turn <- struct{}{}
	if err := m.load(); err != nil {
		return nil, fmt.Errorf("open the backup manager: %w", err)
	}
	return m, nil
}

func (m *Manager) load() error {
	if err := m.disk.mkdir(m.disk.root); err != nil {
		return err
	}
	if exists(m.disk.path("disabled")) {
		m.disabled = true
		if err := m.forget(); err != nil { // what turning it off had begun
			return err
		}
	}
	if err := m.disk.removeAll(m.disk.path("stage")); err != nil {
		return err
	}
	journal, err := openJournal(m.disk, m.disk.path("pending"))
	if err != nil {
		return err
	}
	m.journal = journal
	names, err := readSmall(m.disk.path("processed"), maxNames)
	if err != nil {
		return err
	}
	m.has = make(map[string]bool)
	for _, n := range parseNames(names) {
		m.has[n] = true
	}
	tokens, err := readSmall(m.disk.path("ancestral"), pm.MaxState)
	if err != nil {
		return err
	}
	// A file that does not parse is a file that is not there: the tokens are
	// asked for again.
	m.tokens, _ = pm.ParseTokens(tokens)
	return nil
}

// Close waits until nothing runs, agents that were given up included, and ends
// the manager. If ctx ends first it returns its error, and may be called again.
func (m *Manager) Close(ctx context.Context) error {
	select {
	case <-m.turn:
		defer func() { m.turn <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m.mu.Lock()
	m.closed = true
	m.journal.rotate()
	var wait []<-chan struct{}
	for _, l := range m.lost {
		wait = append(wait, l...)
	}
	m.mu.Unlock()
	m.processed.close()
	for _, w := range wait {
		select {
		case <-w:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// begin waits for the turn; end gives it back.
func (m *Manager) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case <-m.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		m.end()
		return ErrClosed
	}
	return nil
}

func (m *Manager) end() { m.turn <- struct{}{} }

// Register makes an app known, or replaces what is known of it. It fails with
// [ErrName].
func (m *Manager) Register(app App) error {
	if !validPackage(app.Name) {
		return fmt.Errorf("register an app: %w", ErrName)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apps[app.Name] = &app
	return nil
}

// Unregister forgets an app that was uninstalled, with its state. What the
// transport has of it stays, for the day when it is installed again.
func (m *Manager) Unregister(ctx context.Context, pkg string) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.end()
	m.mu.Lock()
	_, known := m.apps[pkg]
	delete(m.apps, pkg)
	m.mu.Unlock()
	if !known {
		return nil
	}
	return errors.Join(m.dropState(pkg), m.disk.remove(m.marker(pkg)), m.disk.remove(m.restoring(pkg)))
}

func (m *Manager) app(pkg string) *App {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apps[pkg]
}

// registered returns all apps by name.
func (m *Manager) registered() []*App {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.apps), func(a, b *App) int { return cmp.Compare(a.Name, b.Name) })
}

// DataChanged notes that an app has something new to back up
// (BackupManager.dataChanged). Once it returned nil, the note survives whatever
// happens to the program. Of an app that moves by full backup, or not at all,
// nothing is noted. It fails with [NotFound] or [ErrDisabled].
func (m *Manager) DataChanged(pkg string) error {
	app := m.app(pkg)
	if app == nil && pkg != android.MetadataPackage {
		return fmt.Errorf("note a change: %w", NotFound)
	}
	if app != nil {
		if !m.mayChange(app) {
			return nil
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return ErrClosed
	case m.disabled:
		return ErrDisabled
	}
	if err := m.journal.add(pkg); err != nil {
		return fmt.Errorf("note a change: %w", err)
	}
	return nil
}

// Pending returns the apps that the next pass takes, in its order.
func (m *Manager) Pending() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.journal.names)
}

// requeue notes apps for the next pass, ineligible ones apart.
func (m *Manager) requeue(pkgs ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, p := range pkgs {
		if err := m.journal.add(p); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Enabled reports whether backup is turned on; it is at first.
func (m *Manager) Enabled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.disabled
}

// SetEnabled turns backup on or off for this device, after what runs has ended.
// Turning it off deletes everything that the manager keeps: states, the
// pending set, markers and tokens. Turning it on brings nothing of that back:
// the next pass is the first. What the transport keeps is deleted by
// [Manager.Erase]. If it fails, backup is off, and the rest is deleted when the
// manager is opened again, at the latest.
func (m *Manager) SetEnabled(ctx context.Context, on bool) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.end()
	if on && m.Enabled() {
		return nil
	}
	off := m.disk.path("disabled")
	if !on {
		if err := m.disk.touch(off); err != nil {
			return fmt.Errorf("turn backup off: %w", err)
		}
		m.mu.Lock()
		m.disabled = true
		err := m.journal.drop()
		m.has = make(map[string]bool)
		m.mu.Unlock()
		m.tokens = pm.Tokens{}
		if err = errors.Join(err, m.forget()); err != nil {
			return fmt.Errorf("turn backup off: %w", err)
		}
		return nil
	}
	err := m.forget()
	if err == nil {
		err = m.disk.mkdir(m.disk.path("pending"))
	}
	if err == nil {
		err = m.disk.remove(off)
	}
	if err == nil {
		err = m.disk.syncDir(m.disk.root)
	}
	if err != nil {
		return fmt.Errorf("turn backup on: %w", err)
	}
	m.mu.Lock()
	m.disabled = false
	m.mu.Unlock()
	return nil
}

// forget deletes everything that is kept, but not that backup is off, and not
// which restores were cut: those apps are still to be cleared.
func (m *Manager) forget() error {
	m.processed.close()
	m.processed = nil
	for _, name := range []string{"ancestral", "ancestral.tmp", "processed"} {
		if err := m.disk.remove(m.disk.path(name)); err != nil {
			return err
		}
	}
	for _, dir := range []string{m.states, m.disk.path("pending"), m.disk.path("stage")} {
		if err := m.disk.removeAll(dir); err != nil {
			return err
		}
	}
	return m.disk.syncDir(m.disk.root)
}

// Erase has the transport erase all that it keeps for this device, drops the
// states that describe it, and notes every app for the next pass. It works with
// backup turned off, too.
func (m *Manager) Erase(ctx context.Context) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.end()
	err := m.initialize(ctx)
	if m.Enabled() {
		err = errors.Join(err, m.requeue(m.participants()...))
	}
	if err != nil {
		return fmt.Errorf("erase the set: %w", err)
	}
	return nil
}

// ClearBackupData has the transport erase what it keeps of one app, and drops
// the app's state (BackupManagerService.clearBackupData).
func (m *Manager) ClearBackupData(ctx context.Context, pkg string) error {
	if !validPackage(pkg) {
		return fmt.Errorf("erase an app's data: %w", ErrName)
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.end()
	// The state goes first: without it the next pass is a complete one.
	if err := errors.Join(m.dropState(pkg), m.disk.remove(m.marker(pkg))); err != nil {
		return fmt.Errorf("erase an app's data: %w", err)
	}
	err := m.transport.ClearBackupData(ctx, pkg)
	if err == nil {
		err = m.transport.FinishBackup(ctx)
	}
	if err != nil {
		return fmt.Errorf("erase an app's data: %w", err)
	}
	return nil
}

// RestoreToken returns the set that an app's data would be restored from
// (BackupManager.getAvailableRestoreToken): the current one if the app was ever
// backed up to it, else the one that this phone was set up from; 0 = none.
func (m *Manager) RestoreToken(ctx context.Context, pkg string) (int64, error) {
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	defer m.end()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.has[pkg] && m.tokens.Current != 0 {
		return int64(m.tokens.Current), nil
	}
	return int64(m.tokens.Ancestral), nil
}

// giveUp remembers an agent that does not return.
func (m *Manager) giveUp(pkg string, returned <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost[pkg] = append(m.lost[pkg], returned)
}

// stuck reports whether an app's agent has still not returned.
func (m *Manager) stuck(pkg string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost[pkg] = slices.DeleteFunc(m.lost[pkg], func(returned <-chan struct{}) bool {
		select {
		case <-returned:
			return true
		default:
			return false
		}
	})
	if len(m.lost[pkg]) > 0 {
		return true
	}
	delete(m.lost, pkg)
	return false
}

func (m *Manager) event(id EventID, pkg string, err error) {
	if m.cfg.Monitor != nil {
		m.cfg.Monitor(Event{ID: id, Package: pkg, Err: err})
	}
}

func (m *Manager) progress(pkg string, expected, transferred int64) {
	if m.cfg.Progress == nil {
		return
	}
	now := m.cfg.Now()
	if done := transferred == expected; !done && now.Sub(m.lastShown) < 100*time.Millisecond {
		return
	}
	m.lastShown = now
	m.cfg.Progress(Progress{Package: pkg, Expected: expected, Transferred: transferred})
}
