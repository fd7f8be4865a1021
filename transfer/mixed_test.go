package transfer_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
)

// mixed is an agent of files and entities. Its source yields groups: files,
// some of which fail, and an entity that closes the group. Its target notes
// what was in when an entity was committed.
type mixed struct {
	t             *testing.T
	groups, files int

	mu       sync.Mutex
	ended    map[string]int     // files of a group that are in; guarded by mu
	closed   int                // groups; guarded by mu
	released map[backup.Key]int // guarded by mu
	late     []backup.Key       // opened after they were released; guarded by mu
}

func (m *mixed) Info() backup.Info {
	return backup.Info{Kind: "mixed", Title: "Mixed", One: "thing", Many: "things", Mixed: true}
}
func (m *mixed) Backup(context.Context, backup.Transport) (backup.Backup, error)   { return m, nil }
func (m *mixed) Restore(context.Context, backup.Transport) (backup.Restore, error) { return m, nil }
func (m *mixed) Close() error                                                      { return nil }

// size gives every group empty, small, and large files.
func (m *mixed) size(i int) int64 { return []int64{0, 10, 300, wire.BlockSize + 7}[i%4] }

// fate of the i-th file: 1 cannot be listed, 2 cannot be opened, 3 is there.
func fate(i int) int { return i % 9 }

func (m *mixed) Items(context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		for g := range m.groups {
			for i := range m.files {
				it := backup.Item{Type: backup.TypeFile, Key: backup.Key(fmt.Sprintf("%d/%d", g, i)), Size: m.size(i)}
				var err error
				if fate(i) == 1 {
					err = backup.Unreadable
				}
				if !yield(it, err) {
					return
				}
			}
			if !yield(backup.Item{Type: backup.TypeEntity, Key: backup.Key(fmt.Sprint(g)), Value: []byte("whole")}, nil) {
				return
			}
		}
	}
}

func (m *mixed) Open(_ context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.released[it.Key] > 1 { // once it was planned
		m.late = append(m.late, it.Key)
	}
	_, i, _ := strings.Cut(string(it.Key), "/")
	var n int
	fmt.Sscan(i, &n)
	if fate(n) == 2 {
		return nil, backup.Vanished
	}
	return io.NopCloser(bytes.NewReader(make([]byte, it.Size-off))), nil
}

func (m *mixed) Release(it backup.Item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.released[it.Key]++
}

func (m *mixed) Check(_ context.Context, it backup.Item, _ backup.Prior) backup.Answer {
	g, i, isFile := strings.Cut(string(it.Key), "/")
	var n int
	fmt.Sscan(i, &n)
	if !isFile || fate(n) != 3 {
		return backup.Answer{Verdict: backup.Need}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended[g]++
	return backup.Answer{Verdict: backup.Have, Digest: backup.Digest{1}}
}

type stagedMixed struct{ it backup.Item }

func (stagedMixed) Discard() error                             { return nil }
func (stagedMixed) WriteAt(p []byte, _ int64) (n int, _ error) { return len(p), nil }

func (m *mixed) Stage(_ context.Context, it backup.Item) (backup.Staged, error) {
	return stagedMixed{it}, nil
}

func (m *mixed) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	results := make([]backup.Result, len(batch))
	for i, s := range batch {
		results[i] = backup.Result{Outcome: backup.Added}
		it := s.(stagedMixed).it
		if it.Type == backup.TypeFile {
			g, _, _ := strings.Cut(string(it.Key), "/")
			m.ended[g]++
			continue
		}
		want := 0
		for f := range m.files {
			if x := fate(f); x != 1 && x != 2 {
				want++
			}
		}
		if got := m.ended[string(it.Key)]; got != want {
			m.t.Errorf("group %s is closed with %d files in, not %d", it.Key, got, want)
		}
		m.closed++
	}
	return results
}

// TestMixed: an entity is committed after all that was listed before it,
// whatever becomes of that; and the source hears once when an item is over.
func TestMixed(t *testing.T) {
	m := &mixed{t: t, groups: 40, files: 150, ended: map[string]int{}, released: map[backup.Key]int{}}
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{Empty: true}, fakephone.Config{Empty: true})
	r.TuneSend = func(c *transfer.SendConfig) { c.Agents = []backup.Agent{m} }
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = []backup.Agent{m} }
	e := r.Run(t.Context())
	if e.SendErr != nil || e.TakeErr != nil || m.closed != m.groups {
		t.Fatalf("%v, %v, %d groups closed", e.SendErr, e.TakeErr, m.closed)
	}
	if len(m.late) > 0 {
		t.Errorf("%d items were opened after their release, %s first", len(m.late), m.late[0])
	}
	listed := 0
	for it, err := range m.Items(t.Context()) {
		if err == nil {
			listed++
			if m.released[it.Key] != 2 { // of the plan, and of the move
				t.Fatalf("%s was released %d times", it.Key, m.released[it.Key])
			}
		}
	}
	if len(m.released) != listed {
		t.Errorf("%d items were released, %d listed", len(m.released), listed)
	}
}
