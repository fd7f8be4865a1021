package apps

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// over moves apps over the engine, by links that can be broken.
func over(t *testing.T, from, to *folder, link func(transfertest.Ends) transfertest.Ends) *transfertest.Rig {
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return link(transfertest.Pipe()) },
		fakephone.Config{Empty: true}, fakephone.Config{Empty: true})
	r.TuneSend = func(c *transfer.SendConfig) { c.Agents, c.NoSqueeze = []backup.Agent{from.agent()}, true } // faults count bytes
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = []backup.Agent{to.agent()} }
	return r
}

// stopping is an agent that ends its run once some items are committed.
type stopping struct {
	*Agent
	after int
	stop  context.CancelFunc
}

func (s *stopping) Restore(_ context.Context, t backup.Transport) (backup.Restore, error) {
	return &stoppingTarget{&lazyTarget{agent: s.Agent, transport: t}, s}, nil
}

type stoppingTarget struct {
	*lazyTarget
	s *stopping
}

func (s *stoppingTarget) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	n := 0 // up to what would make an app whole
	for n < len(batch) {
		if e, ok := batch[n].(*stagedEntity); ok && e.part == wholeApp {
			break
		}
		n++
	}
	results := s.lazyTarget.Commit(ctx, batch[:n])
	if s.s.after -= n; s.s.after <= 0 || n < len(batch) {
		s.s.stop()
		<-ctx.Done()
	}
	return append(results, s.lazyTarget.Commit(ctx, batch[n:])...)
}

// An app that was cut half way is not there, its parts are not sent again, and
// it is whole after the next run. A third run sends nothing but that it is.
func TestResume(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	files := example(map[string]string{"org.kv/k/_manifest": manifestOf("org.kv", 1, "cert"), "org.kv/k/org.kv.data": records(t, "a", "1", "b", "2")})
	for i := range 60 {
		files["org.example/f/many/"+strings.Repeat("x", i+1)] = strings.Repeat("y", 50_000)
	}
	from.write(files)

	r := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e })
	ctx, stop := context.WithCancel(t.Context())
	take := r.TuneTake
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = []backup.Agent{&stopping{to.agent(), 30, stop}} }
	e := r.RunOver(t.Context(), ctx, transfertest.Pipe())
	if e.SendErr == nil || e.TakeErr == nil {
		t.Fatalf("it was not cut: %v, %v", e.SendErr, e.TakeErr)
	}
	r.TuneTake = take
	for _, app := range []string{"org.example", "org.kv"} {
		if _, err := os.Stat(filepath.Join(to.dir, Folder, app)); !os.IsNotExist(err) {
			t.Errorf("%s is there after a cut: %v", app, err)
		}
	}
	e = r.Run(t.Context())
	if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
		t.Fatalf("%v, %v, %+v", e.SendErr, e.TakeErr, e.Sent.Kinds)
	}
	const all = 60*50_000 + 900_000
	if e.Sent.SentBytes > all*9/10 {
		t.Errorf("%d of %d bytes were sent again", e.Sent.SentBytes, all)
	}
	mustEqual(t, to, from)

	e = r.Run(t.Context())
	if e.SendErr != nil || e.Sent.SentBytes > 100 || e.Sent.Kinds[0].Failed > 0 {
		t.Errorf("a third run: %v, %+v", e.SendErr, e.Sent.Kinds)
	}
	mustEqual(t, to, from)

	// One file less on the old phone is one file less on the new one.
	from.remove("org.example/f/many/x")
	if e = r.Run(t.Context()); e.SendErr != nil || e.Sent.SentBytes > 100 {
		t.Errorf("a run with a file less: %v, %+v", e.SendErr, e.Sent.Kinds)
	}
	mustEqual(t, without(t, to, beforeDir), from)
}

// A large file of an app that was cut goes on where it was, from its place among
// what arrives.
func TestResumeInside(t *testing.T) {
	const size = 12 << 20
	from, to := newFolder(t), newFolder(t)
	from.write(example(map[string]string{"org.example/f/large": strings.Repeat("0123456789abcdef", size/16)}))
	r := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e })
	e := r.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), faulttest.CutAfterBytes(9<<20)))
	if e.SendErr == nil || e.TakeErr == nil {
		t.Fatal("it was not cut")
	}
	parts, err := filepath.Glob(filepath.Join(to.dir, Folder, arrivingDir, "*", "*", ".ferry-*.part"))
	deeper, _ := filepath.Glob(filepath.Join(to.dir, Folder, arrivingDir, ".ferry-*.part"))
	if parts = append(parts, deeper...); err != nil || len(parts) != 1 {
		t.Fatalf("%q are left", parts)
	}
	if e = r.Run(t.Context()); e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
		t.Fatalf("%v, %v, %+v", e.SendErr, e.TakeErr, e.Sent.Kinds)
	}
	if e.Sent.SentBytes > 7<<20 {
		t.Errorf("%d of %d bytes were sent again", e.Sent.SentBytes, size)
	}
	mustEqual(t, to, from)
}

// Whatever call to the phones' disks fails, an app is whole or not there.
func TestWholeOrNot(t *testing.T) {
	from := newFolder(t)
	from.write(example(map[string]string{"org.kv/k/_manifest": manifestOf("org.kv", 1, "cert"), "org.kv/k/org.kv.data": records(t, "a", "1")}))
	for op := faulttest.Open; op < faulttest.Op(faulttest.Ops); op++ {
		for nth := int64(1); nth < 12; nth += 2 {
			to := newFolder(t)
			r := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e })
			disk := &faulttest.Disk{Op: op, Nth: nth, Err: os.ErrPermission}
			broken := true
			tune := r.TuneTake
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				tune(c)
				if broken {
					c.Agents = disk.Agents(c.Agents)
				}
			}
			r.Run(context.WithoutCancel(t.Context()))
			for app, file := range map[string]string{"org.example": "_index", "org.kv": "k/_manifest"} {
				if _, err := os.Stat(filepath.Join(to.dir, Folder, app)); err == nil {
					if _, err := os.Stat(filepath.Join(to.dir, Folder, app, file)); err != nil {
						t.Errorf("call %d of %d fails: half of %s is there", nth, op, app)
					}
				}
			}
			broken = false
			if e := r.Run(t.Context()); e.SendErr != nil || !e.Sent.Complete() {
				t.Fatalf("call %d of %d failed before: %v, %+v", nth, op, e.SendErr, e.Sent.Kinds)
			}
			to.remove(beforeDir)
			mustEqual(t, to, from)
		}
	}
}
