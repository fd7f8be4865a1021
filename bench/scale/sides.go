//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ferry-move/ferry/app/memory"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
)

// task is one move.
type task struct {
	// Items is how many small files there are, or Sparse how large the one
	// file is.
	Items  int
	Sparse int64
	// Dir is where the sides keep their own files.
	Dir     string
	Meeting meeting
}

// meeting is how the old phone gets to the new one.
type meeting struct {
	Addr string
	Code string
}

// largest is the size in bytes of the largest of the small files.
const largest = 1 << 10

// new takes one move in, and says how to get here and what arrived.
func (t *task) new(ctx context.Context) error {
	memory.Bound(memory.Budget)
	out := json.NewEncoder(os.Stdout)
	var counted tally
	var place meeting
	var told error
	err := session.Receive(ctx, session.ReceiveOptions{
		Home: filepath.Join(t.Dir, "new"), Phone: &counted, Place: "scale", Name: "new", Loopback: true, Once: true,
		Accept: func(context.Context, transfer.Offer) (transfer.Decision, error) {
			return transfer.Decision{Accept: true}, nil
		},
		Events: func(e session.Event) {
			switch e := e.(type) {
			case session.Ready:
				for _, a := range e.Addrs {
					if a.Addr().Is4() {
						place.Addr = a.String()
					}
				}
			case session.Code:
				if place.Code == "" {
					place.Code = e.Code.Reveal()
					told = out.Encode(place)
				}
			}
		},
	})
	return errors.Join(err, told, out.Encode(count{counted.items.Load(), counted.bytes.Load()}))
}

// old sends everything, and says what that took.
func (t *task) old(ctx context.Context) error {
	memory.Bound(memory.Budget)
	dev, err := t.phone()
	if err != nil {
		return err
	}
	defer dev.Close()
	kinds := []backup.Kind{fakephone.Documents, fakephone.Files}
	var f figures
	began := time.Now()
	plans, err := session.Plan(ctx, dev, kinds)
	if err != nil {
		return err
	}
	f.Planning = time.Since(began).Seconds()
	for _, p := range plans {
		f.Items += int64(p.Items)
		f.Bytes += int64(p.Bytes)
	}
	addr, err := netip.ParseAddrPort(t.Meeting.Addr)
	if err != nil {
		return err
	}
	var p pace
	var failed error
	rep, err := session.Send(ctx, session.SendOptions{
		Home: filepath.Join(t.Dir, "old"), Phone: dev, Name: "old", At: []netip.AddrPort{addr}, Loopback: true, Kinds: kinds,
		Password: func(_ context.Context, wrong *pairing.WrongCodeError) (pairing.Password, error) {
			if wrong != nil {
				return nil, wrong
			}
			return pairing.ParseCode(t.Meeting.Code)
		},
		Events: func(e session.Event) {
			switch e := e.(type) {
			case session.Accepted:
				p.watch(e.Meter)
			case session.Item:
				failed = errors.Join(failed, fmt.Errorf("%s: %s", e.Key, e.Reason))
			}
		},
	})
	p.end()
	if err != nil {
		return err
	}
	if !rep.Complete() || failed != nil {
		return errors.Join(errors.New("not everything moved"), failed)
	}
	f.Moving = rep.Elapsed.Seconds()
	f.Flat = p.flat()
	return json.NewEncoder(os.Stdout).Encode(f)
}

func (t *task) phone() (mobile.Device, error) {
	if t.Sparse > 0 {
		return phone.OpenFolder(filepath.Join(t.Dir, "phone"), phone.FolderOptions{})
	}
	return fakephone.New(fakephone.Config{
		Seed: 1, Files: t.Items, Contacts: -1, Documents: -1, Photos: -1, Videos: -1, Music: -1, Recordings: -1, Downloads: -1,
		Sizes: map[backup.Kind]fakephone.Range{fakephone.Files: {Min: 1, Max: largest}},
	}), nil
}

// pace notes how many items were done when.
type pace struct {
	quit, ended chan struct{}
	once        sync.Once
	at          []time.Duration
	done        []uint64
}

const paceStep = 20 * time.Millisecond

func (p *pace) watch(m *transfer.Meter) {
	p.once.Do(func() {
		p.quit, p.ended = make(chan struct{}), make(chan struct{})
		go func() {
			defer close(p.ended)
			tick := time.NewTicker(paceStep)
			defer tick.Stop()
			for {
				s := m.Snapshot()
				p.at, p.done = append(p.at, s.Elapsed), append(p.done, s.DoneItems)
				select {
				case <-p.quit:
					return
				case <-tick.C:
				}
			}
		}()
	})
}

func (p *pace) end() {
	if p.quit != nil {
		close(p.quit)
		<-p.ended
	}
}

// flat compares the second tenth of all items with the last but one: the first
// holds the start, and the last the end.
func (p *pace) flat() float64 {
	if len(p.done) == 0 {
		return 0
	}
	all := p.done[len(p.done)-1]
	reach := func(part uint64) time.Duration {
		for i, n := range p.done {
			if n >= all*part/10 {
				return p.at[i]
			}
		}
		return 0
	}
	first, last := reach(2)-reach(1), reach(9)-reach(8)
	if first < 10*paceStep || last < 10*paceStep {
		return 0
	}
	return first.Seconds() / last.Seconds()
}
