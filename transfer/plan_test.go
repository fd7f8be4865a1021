package transfer_test

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
)

// tallying is an agent that knows what it has, and must not be asked for it.
type tallying struct {
	backup.Agent
	backup.Backup
	t     *testing.T
	count backup.Count
	err   error
}

func (c *tallying) Info() backup.Info { return backup.Info{Kind: "counted", Mixed: true} }
func (c *tallying) Close() error      { return nil }
func (c *tallying) Items(context.Context) iter.Seq2[backup.Item, error] {
	c.t.Error("its items were listed")
	return func(func(backup.Item, error) bool) {}
}
func (c *tallying) Count(context.Context) (backup.Count, error) { return c.count, c.err }

// apart separates the agent from its backup.
type apart struct{ *tallying }

func (o apart) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return o.tallying, nil
}

func TestPlanAsksWhoCounts(t *testing.T) {
	c := &tallying{t: t, count: backup.Count{
		Items: 7, Folders: 2, Bytes: 99, Cannot: map[backup.Reason]uint64{backup.NotRegular: 3},
		Examples: make([]backup.Failure, 150),
	}}
	c.count.Examples[0] = backup.Failure{Kind: "counted", Key: "k", Reason: backup.NotRegular}
	plans, err := transfer.MakePlan(t.Context(), []backup.Agent{apart{c}}, backup.Transport{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := plans[0]
	if p.Items != 7 || p.Folders != 2 || p.Bytes != 99 || p.CannotTotal() != 3 || p.Err != nil {
		t.Errorf("%+v", p)
	}
	if len(p.Examples) != 100 || !reflect.DeepEqual(p.Examples[0], transfer.Failure(c.count.Examples[0])) {
		t.Errorf("%d examples, first %+v", len(p.Examples), p.Examples[0])
	}

	c.err = errors.New("it does not know")
	if plans, err = transfer.MakePlan(t.Context(), []backup.Agent{apart{c}}, backup.Transport{}, nil); err != nil || !errors.Is(plans[0].Err, c.err) {
		t.Errorf("%+v, %v", plans, err)
	}
}
