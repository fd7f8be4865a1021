package cli

import (
	"cmp"
	"context"
	"time"

	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/say"
)

// history lists earlier moves. Each receipt is checked when its turn comes.
func (c *command) history(ctx context.Context, args []string) error {
	if _, err := c.parse(c.flags("history"), args, 0); err != nil {
		return err
	}
	home, err := session.Home()
	if err != nil {
		return err
	}
	l, err := history.Open(ctx, home)
	if err != nil {
		return err
	}
	for _, d := range l.Devices {
		if c.json {
			c.emit(jsonDevice{"device", string(d.ID), d.Name, d.Last.UTC(), len(d.Runs), d.Journals})
		}
		c.print("%s (%s)", cmp.Or(say.Foreign(d.Name), "A device whose name is not known"), say.Foreign(string(d.ID)))
		if len(d.Runs) == 0 {
			c.print("  %s  something arrived from it; there is no receipt", moment(d.Last))
		}
		for _, e := range d.Runs {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			side := e.Head.Sender
			if side.Device != d.ID {
				side = e.Head.Receiver
			}
			c.run(history.Read(e), side)
		}
	}
	if len(l.Damaged) > 0 {
		c.print("Receipts that cannot be read")
	}
	for _, e := range l.Damaged {
		c.run(history.Read(e), receipt.Side{})
	}
	switch {
	case l.More > 0:
		c.say("%s older %s not listed.", say.Count(uint64(l.More)), plural(int64(l.More), "receipt is", "receipts are"))
	case len(l.Devices)+len(l.Damaged) == 0:
		c.print("There were no moves yet.")
	}
	return nil
}

// run tells one move with another device.
func (c *command) run(r history.Run, with receipt.Side) {
	if c.json {
		c.emit(jsonRunOf(r, with))
		return
	}
	way := map[history.Direction]string{history.Sent: "sent to it", history.Received: "received from it", history.Between: "between it and another"}[r.Direction]
	if r.Receipt == nil {
		c.print("  %s  %s", moment(r.When), say.Error(r.Err))
	} else {
		items, bytes, missing := r.Total()
		answer := "safe to erase the old phone, if all was offered"
		if missing > 0 || !r.Complete() {
			answer = say.Items(missing) + " not moved: do not erase the old phone"
		}
		c.print("  %s  %s: %s, %s; %s", moment(r.When), way, say.Items(items), say.Bytes(int64(bytes)), answer)
		for _, k := range r.Receipt.Kinds {
			if k.Items > 0 {
				c.print("    %-12s %s added, %s merged, %s already there, %s not moved; %s", say.Foreign(string(k.Kind)),
					say.Count(k.Added), say.Count(k.Merged), say.Count(k.Skipped), say.Count(k.Failed), say.Bytes(int64(k.Bytes)))
			}
		}
		for _, d := range r.Receipt.Declined {
			c.print("    %-12s %s: left out on the new phone", say.Foreign(string(d.Kind)), say.Items(d.Items))
		}
	}
	c.print("    receipt: %s", say.Path(r.Path))
}

type jsonDevice struct {
	Event    string    `json:"event"`
	Device   string    `json:"device"`
	Name     string    `json:"name"`
	Last     time.Time `json:"last"`
	Runs     int       `json:"runs"`
	Journals int       `json:"journals"`
}

type jsonRun struct {
	Event     string             `json:"event"`
	Receipt   string             `json:"receipt"`
	State     string             `json:"state"`
	Device    string             `json:"device"`
	Name      string             `json:"name"`
	Direction string             `json:"direction"`
	Started   *time.Time         `json:"started,omitempty"`
	Finished  time.Time          `json:"finished"`
	Complete  bool               `json:"complete"`
	Erase     string             `json:"erase"`
	Kinds     []jsonTotals       `json:"kinds"`
	Declined  []receipt.Declined `json:"declined"`
	Error     string             `json:"error,omitempty"`
	Next      string             `json:"next,omitempty"`
}

func jsonRunOf(r history.Run, with receipt.Side) jsonRun {
	p := say.Error(r.Err)
	j := jsonRun{
		Event: "run", Receipt: r.Path, State: r.State.String(), Device: string(with.Device), Name: with.Name, Direction: r.Direction.String(),
		Finished: r.When.UTC(), Complete: r.Complete(), Erase: r.Erase().String(), Kinds: []jsonTotals{}, Declined: []receipt.Declined{},
		Error: p.What, Next: p.Next,
	}
	if t := r.Head.Started.UTC(); !t.IsZero() {
		j.Started = &t
	}
	if r.Receipt != nil {
		j.Kinds, j.Declined = jsonTotalsOf(r.Receipt.Kinds), append(j.Declined, r.Receipt.Declined...)
	}
	return j
}
