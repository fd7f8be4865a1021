package apps

import (
	"context"
	"os"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Options are what [New] needs to know. The zero value works.
type Options struct {
	// Quota is how many bytes one app may move. 0 = d2d.DefaultQuota.
	Quota int64
	// Free returns how many bytes can be written. nil = nobody knows.
	Free func() (int64, error)
}

// Agent is the agent of a folder's apps.
type Agent struct {
	root *os.Root // the phone's; immutable
	opts Options  // immutable
	sets sets
}

// New returns the agent of the phone at root, which stays the caller's to close
// after everything that the agent opened.
func New(root *os.Root, opts Options) *Agent {
	return &Agent{root: root, opts: opts}
}

// Info implements [backup.Agent].
func (*Agent) Info() backup.Info {
	return backup.Info{Kind: Kind, Title: "Apps", One: "app item", Many: "app items", Mixed: true, Order: 80}
}

// Backup implements [backup.Agent].
func (a *Agent) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	return a.openSource(ctx, t)
}

// Restore implements [backup.Agent].
func (a *Agent) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	if t.Look {
		return a.look()
	}
	return &lazyTarget{agent: a, transport: t}, nil
}
