package cli

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/say"
	"golang.org/x/sync/errgroup"
)

func (c *command) devices(ctx context.Context, args []string) error {
	fs := c.flags("devices")
	wait := fs.Duration("wait", 3*time.Second, "")
	loopback := fs.Bool("loopback", false, "")
	if _, err := c.parse(fs, args, 0); err != nil {
		return err
	}
	if *wait <= 0 {
		return usagef("--wait is how long to look, such as 3s.")
	}
	look, cancel := context.WithTimeout(ctx, *wait)
	defer cancel()
	var mu sync.Mutex
	var found []discovery.Candidate
	session.Watch(look, *loopback, func(cs []discovery.Candidate) {
		mu.Lock()
		defer mu.Unlock()
		found = cs
	}, func(d discovery.Diagnosis) {
		if c.json {
			c.emit(jsonDiagnosisOf(d, false))
		}
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, d := range found {
		if c.json {
			c.emit(jsonPeer{"peer", "found", d.Name, "", texts(d.Addrs)})
			continue
		}
		c.print("%s\t%s", say.Foreign(d.Name), strings.Join(texts(d.Addrs), " "))
	}
	if len(found) == 0 {
		return session.ErrNobody
	}
	return nil
}

func (c *command) plan(ctx context.Context, args []string) error {
	fs := c.flags("plan")
	from := fs.String("from", "", "")
	kinds := fs.String("kinds", "", "")
	quota := fs.String("app-quota", "", "")
	file := fs.String("password-file", "", "")
	if _, err := c.parse(fs, args, 0); err != nil {
		return err
	}
	if *from == "" {
		return usagef("--from says which folder is the old phone.")
	}
	p, err := c.openSource(ctx, *from, *quota, *file)
	if err != nil {
		return err
	}
	defer p.Close()
	wanted, err := kindsOf(p, *kinds)
	if err != nil {
		return err
	}
	plans, err := session.Plan(ctx, p, wanted)
	if err != nil {
		return err
	}
	if c.json {
		c.emit(jsonPlanOf(plans))
	}
	var items, bytes, cannot uint64
	for _, k := range plans {
		items, bytes, cannot = items+k.Items, bytes+k.Bytes, cannot+k.CannotTotal()
		if k.Items > 0 || k.Folders > 0 || k.Err != nil {
			c.print("%-12s %s", k.Info.Title, planLine(k))
		}
		if k.Err != nil {
			c.print("  cannot be read: %s", say.Error(k.Err))
			cannot++
		}
		for _, f := range k.Examples {
			if c.json {
				c.emit(jsonItemOf(session.Item{Kind: f.Kind, Key: f.Key, Reason: f.Reason}))
			}
			c.print("  cannot move: %s: %s", say.Item(k.Info, f.Key), say.Reason(f.Reason))
		}
		if more := k.CannotTotal() - uint64(len(k.Examples)); more > 0 {
			c.print("  … and %s more", say.Count(more))
		}
	}
	if wanted == nil || slices.Contains(wanted, apps.Kind) {
		if err := c.planApps(ctx, p); err != nil {
			return err
		}
	}
	c.print("%s, %s", say.Items(items), say.Bytes(int64(bytes)))
	if cannot > 0 {
		return errIncomplete
	}
	return nil
}

func (c *command) verify(_ context.Context, args []string) error {
	fs := c.flags("verify")
	rest, err := c.parse(fs, args, 1)
	if err != nil {
		return err
	}
	f, err := os.Open(rest[0])
	if err != nil {
		return &argumentError{"the receipt", err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, receipt.MaxSize+1))
	if err != nil {
		return &argumentError{"the receipt", err}
	}
	p, err := receipt.Verify(b)
	if err != nil {
		return err
	}
	if c.json {
		c.emit(jsonReceipt{"receipt", p.Complete(), p})
	}
	c.print("The receipt is good: both devices signed it.")
	c.print("  from  %s (%s)", say.Foreign(p.Sender.Name), p.Sender.Device)
	c.print("  to    %s (%s)", say.Foreign(p.Receiver.Name), p.Receiver.Device)
	c.print("  when  %s, finished %s", moment(p.Started), moment(p.Finished))
	for _, k := range p.Kinds {
		if k.Items > 0 || k.Folders > 0 {
			c.print("  %-10s %s: %s added, %s merged, %s already there, %s not moved; %s, %s", say.Foreign(string(k.Kind)),
				say.Items(k.Items), say.Count(k.Added), say.Count(k.Merged), say.Count(k.Skipped), say.Count(k.Failed), say.Bytes(int64(k.Bytes)),
				say.Folders(k.Folders))
		}
	}
	for _, d := range p.Declined {
		c.print("  %-10s %s: left out on the new phone", say.Foreign(string(d.Kind)), say.Items(d.Items))
	}
	for _, n := range p.NotMoved {
		c.print("  not moved: %s: %s", say.Path(n.Key), say.Reason(n.Reason))
	}
	for _, n := range p.Renamed {
		c.print("  renamed: %s -> %s", say.Path(n.Key), say.Path(n.Name))
	}
	if p.NotMovedMore+p.RenamedMore > 0 {
		c.print("  … and %s more", say.Count(p.NotMovedMore+p.RenamedMore))
	}
	c.print("  root  %s", p.Root)
	if !p.Complete() {
		c.print("Not everything was moved: do not erase the old phone before you have moved the rest.")
		return errIncomplete
	}
	c.print("Everything that was offered is on the new phone.")
	return nil
}

// moment is a time as a person here reads it.
func moment(t time.Time) string { return t.Local().Format("2 January 2006, 15:04:05 MST") }

// demo moves a generated phone into a folder, with two whole devices on
// loopback.
func (c *command) demo(ctx context.Context, args []string) error {
	fs := c.flags("demo")
	seed := fs.Uint64("seed", 1, "")
	into := fs.String("into", "", "")
	if _, err := c.parse(fs, args, 0); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ferry-demo-")
	if err != nil {
		return err
	}
	if *into == "" {
		*into = filepath.Join(dir, "new-phone")
	}
	phone, err := session.OpenFolder(*into, true)
	if err != nil {
		return &argumentError{"--into", err}
	}
	defer phone.Close()
	c.say("Two devices on this machine: an old phone made from seed %d, and a new one in %s.", *seed, *into)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ready := make(chan netip.AddrPort, 1)
	codes := make(chan pairing.Code, 1)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return session.Receive(gctx, session.ReceiveOptions{
			Home: filepath.Join(dir, "new-home"), Phone: phone, Place: session.PlaceOf(*into), Name: "Demo new phone", Loopback: true, Once: true,
			Accept: func(context.Context, transfer.Offer) (transfer.Decision, error) {
				return transfer.Decision{Accept: true}, nil
			},
			Events: func(ev session.Event) {
				switch ev := ev.(type) {
				case session.Ready:
					ready <- ev.Addrs[0]
				case session.Code:
					select {
					case codes <- ev.Code:
					default:
					}
				}
			},
		})
	})
	src := fakephone.New(fakephone.Config{Seed: *seed})
	f := newFace(c, src)
	var rep *transfer.Report
	g.Go(func() error {
		var at netip.AddrPort
		select {
		case at = <-ready:
		case <-gctx.Done():
			return context.Cause(gctx)
		}
		var err error
		rep, err = session.Send(gctx, session.SendOptions{
			Home: filepath.Join(dir, "old-home"), Phone: src, Name: "Demo old phone", At: []netip.AddrPort{at}, Loopback: true,
			Password: func(ctx context.Context, _ *pairing.WrongCodeError) (pairing.Password, error) {
				select {
				case code := <-codes:
					c.say("The new phone shows the code %s; it is typed on the old one.", code.Reveal())
					return code, nil
				case <-ctx.Done():
					return nil, context.Cause(ctx)
				}
			},
			Events: f.event,
		})
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if _, err := receipt.Verify(rep.Receipt); err != nil {
		return fmt.Errorf("the demo's receipt: %w", err)
	}
	c.say("Look around in %s, and delete %s when you like.", *into, dir)
	if !rep.Complete() {
		return errIncomplete
	}
	return nil
}
