package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
)

// oneFile is a kind with one file of so many zeros. A test may make each of
// its calls slow.
type oneFile struct{ size int64 }

func (oneFile) Info() backup.Info { return backup.Info{Kind: "documents"} }
func (o oneFile) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return o, nil
}
func (oneFile) Restore(context.Context, backup.Transport) (backup.Restore, error) {
	return nil, backup.Unsupported
}
func (oneFile) Close() error { return nil }

func (o oneFile) Items(context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		yield(backup.Item{Kind: "documents", Type: backup.TypeFile, Key: "Documents/one", Size: o.size}, nil)
	}
}

func (o oneFile) Open(context.Context, backup.Item, int64) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zeros{}, o.size)), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func readFull(r io.Reader, n int) { io.CopyN(io.Discard, r, int64(n)) }

// slow is a kind whose every call takes its time.
type slow struct {
	backup.Agent
	by time.Duration
}

func (s slow) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	time.Sleep(s.by)
	b, err := s.Agent.Backup(ctx, t)
	return slowBackup{b, s.by}, err
}

func (s slow) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	time.Sleep(s.by)
	r, err := s.Agent.Restore(ctx, t)
	return slowRestore{r, s.by}, err
}

type slowBackup struct {
	backup.Backup
	by time.Duration
}

func (s slowBackup) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	time.Sleep(s.by)
	return s.Backup.Open(ctx, it, off)
}

type slowRestore struct {
	backup.Restore
	by time.Duration
}

func (s slowRestore) Check(ctx context.Context, it backup.Item, p backup.Prior) backup.Answer {
	time.Sleep(s.by)
	return s.Restore.(backup.Checker).Check(ctx, it, p)
}

func (s slowRestore) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	time.Sleep(s.by)
	return s.Restore.Stage(ctx, it)
}

func (s slowRestore) Commit(ctx context.Context, b []backup.Staged) []backup.Result {
	time.Sleep(s.by)
	return s.Restore.Commit(ctx, b)
}

func (s slowRestore) Finish(ctx context.Context) error { time.Sleep(s.by); return nil }

// TestSlow: a session outlives a slow plan, a person who thinks for an hour,
// and a disk that stands still for minutes in any of its calls. The file
// changes while it is read, so that it is settled while its place is made.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{
			Seed: 3, Documents: 6, Contacts: 3, Photos: -1, Videos: -1, Music: -1, Recordings: -1, Downloads: -1, Files: -1, ChangeWhileReading: 0.4,
			Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: 2 * wire.BlockSize, Max: 4 * wire.BlockSize}},
		}, fakephone.Config{Empty: true})
		r.Plain = true
		r.TuneSend = func(c *transfer.SendConfig) {
			for i, a := range c.Agents {
				c.Agents[i] = slow{a, time.Minute}
			}
		}
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			for i, a := range c.Agents {
				c.Agents[i] = slow{a, 5 * time.Minute}
			}
			c.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
				time.Sleep(time.Hour)
				return transfer.Decision{Accept: true}, nil
			}
		}
		e := r.Run(t.Context())
		if e.SendErr != nil || e.TakeErr != nil || !bytes.Equal(e.Sent.Receipt, e.Taken.Receipt) || e.Sent.Receipt == nil {
			t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
		}
		var failed, added uint64
		for _, k := range e.Sent.Kinds {
			failed, added = failed+k.Failed, added+k.Added
		}
		if failed == 0 || added == 0 {
			t.Errorf("%d failed, %d were added", failed, added)
		}
	})
}

// TestSilence: C18. A device that says nothing any more, with its link
// standing, is noticed within five seconds at every stage of a session.
func TestSilence(t *testing.T) {
	waits := func(f *fake) {
		for range f.in { // until the real side hangs up
		}
	}
	for name, script := range map[string]func(*fake){
		"before hello":     func(f *fake) {},
		"before the offer": func(f *fake) { f.say(f.hello()) },
		"during the move":  func(f *fake) { f.opens() },
		"with a frame begun": func(f *fake) {
			f.opens()
			f.c.Write([]byte{0, 0, 0, 9, 4})
		},
		"with an item under way": func(f *fake) {
			f.opens()
			f.say(&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 7)}})
			hear[*wire.Want](f)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			e, _ := receiving(t, nil, func(f *fake) { script(f); waits(f) })
			if !errors.Is(e.err, transfer.ErrLinkLost) || e.after > 5*time.Second {
				t.Errorf("receiver, %s: %v after %v", name, e.err, e.after)
			}
		})
	}
	for name, script := range map[string]func(*fake){
		"before hello":    func(f *fake) {},
		"during the move": func(f *fake) { f.answers() },
		"at the end":      func(f *fake) { f.answers(); f.takes(f.listed()); hear[*wire.Totals](f) },
	} {
		synctest.Test(t, func(t *testing.T) {
			e := sending(t, nil, func(f *fake) { script(f); waits(f) })
			if !errors.Is(e.err, transfer.ErrLinkLost) || e.after > 5*time.Second {
				t.Errorf("sender, %s: %v after %v", name, e.err, e.after)
			}
		})
	}
}

// TestTrickle: a link so slow that one frame takes longer than the patience of
// the heartbeat is slow, not dead.
func TestTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dst := receiving(t, nil, func(f *fake) {
			f.opens()
			b, err := wire.Append(nil, &wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 7)}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range b {
				time.Sleep(3 * time.Second)
				f.c.Write(b[i : i+1])
			}
			hear[*wire.Want](f)
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
		if dst.Len("documents") != 0 {
			t.Error("something arrived")
		}
	})
}

// TestStall: lanes that never open, or never go on, end nothing while the
// sender lives; cancelling does.
func TestStall(t *testing.T) {
	for name, script := range map[string]func(*fake){
		"no lane": func(f *fake) { f.opens() },
		"a lane that says nothing": func(f *fake) {
			f.opens()
			f.openLane()
		},
		"a block that does not end": func(f *fake) {
			f.opens()
			f.block(wire.BlockHeader{Item: 77}, nil) // of no item
			f.lane.Write([]byte{0x42, 0, 0})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			k, l := newKey(t), transfertest.Pipe()
			f := newFake(t, k, l, l.SendControl)
			done := make(chan error)
			go func() {
				_, err := transfer.Receive(ctx, transfer.ReceiveConfig{
					Self: transfer.Self{Key: k}, Peer: f.key.ID(), Control: l.ReceiveControl, Lanes: l.Accept,
					Agents: fakephone.New(fakephone.Config{Empty: true}).Agents(),
					Accept: func(context.Context, transfer.Offer) (transfer.Decision, error) {
						return transfer.Decision{Accept: true}, nil
					},
				})
				done <- err
			}()
			f.play(func(f *fake) {
				f.pinging()
				script(f)
				time.Sleep(10 * time.Minute)
				select {
				case err := <-done:
					t.Fatalf("%s: it ended: %v", name, err)
				default:
				}
				began := time.Now()
				cancel()
				if why := f.heardStop(); why != wire.StopCancelled || time.Since(began) > 2*time.Second {
					t.Errorf("%s: stop %d after %v", name, why, time.Since(began))
				}
			})
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// stuck is a kind whose disk stands still from the first write on, until free
// is closed.
type stuck struct {
	backup.Agent
	free chan struct{}
}

func (s stuck) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := s.Agent.Restore(ctx, t)
	return stuckRestore{r, s.free}, err
}

type stuckRestore struct {
	backup.Restore
	free chan struct{}
}

func (s stuckRestore) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	<-s.free
	return s.Restore.Stage(ctx, it)
}

func (s stuckRestore) Commit(ctx context.Context, b []backup.Staged) []backup.Result {
	<-s.free
	return s.Restore.Commit(ctx, b)
}

// TestCancelFull: C18. A cancel on either side reaches the other within two
// seconds, also when the receiver's disk stands still and every lane is full.
func TestCancelFull(t *testing.T) {
	for _, side := range []string{"sender", "receiver"} {
		synctest.Test(t, func(t *testing.T) {
			free := make(chan struct{})
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() },
				fakephone.Config{Seed: 1, Photos: 40, Sizes: map[backup.Kind]fakephone.Range{"photos": {Min: 1 << 20, Max: 1 << 20}}}, fakephone.Config{Empty: true})
			r.Plain = true
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				for i, a := range c.Agents {
					c.Agents[i] = stuck{a, free}
				}
			}
			sctx, scancel := context.WithCancel(t.Context())
			rctx, rcancel := context.WithCancel(t.Context())
			defer scancel()
			defer rcancel()
			done := make(chan transfertest.Ended)
			go func() { done <- r.RunOver(sctx, rctx, transfertest.Pipe()) }()
			time.Sleep(time.Minute) // of virtual time: everything is full
			began := time.Now()
			if side == "sender" {
				scancel()
			} else {
				rcancel()
			}
			go func() {
				time.Sleep(time.Minute)
				close(free) // the receiver returns only when its disk did
			}()
			e := <-done
			if side == "sender" {
				mustStop(t, e.TakeErr, wire.StopCancelled, true)
				if !errors.Is(e.SendErr, context.Canceled) {
					t.Error(e.SendErr)
				}
			} else {
				mustStop(t, e.SendErr, wire.StopCancelled, true)
				if !errors.Is(e.TakeErr, context.Canceled) {
					t.Error(e.TakeErr)
				}
				if e.SendEnded.Sub(began) > 2*time.Second {
					t.Errorf("the sender heard after %v", e.SendEnded.Sub(began))
				}
			}
		})
	}
}

// TestCancelDeaf: cancelling ends this side within two seconds, also when the
// other one reads nothing any more; that one learns from its link breaking.
func TestCancelDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k, l := newKey(t), transfertest.Pipe()
		f := newFake(t, k, l, l.ReceiveControl)
		src := fakephone.New(fakephone.Config{Seed: 1, Documents: 5000})
		done := make(chan error)
		go func() {
			_, err := transfer.Send(ctx, transfer.SendConfig{
				Self: transfer.Self{Key: k}, Peer: f.key.ID(), Control: l.SendControl, Lanes: l.Open, Agents: []backup.Agent{src.Agent("documents")},
			})
			done <- err
		}()
		read := func() wire.Message {
			for {
				m, err := wire.Read(f.c)
				if err != nil {
					t.Fatal(err)
				}
				if m.Type() != wire.TypePing {
					return m
				}
			}
		}
		f.session = read().(*wire.Hello).Session
		f.say(f.hello())
		read()
		f.say(&wire.Answer{Accept: true, Kinds: []uint32{0}, Token: make([]byte, wire.TokenSize), Lanes: 1})
		f.pinging()
		time.Sleep(time.Minute)
		began := time.Now()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := io.Copy(io.Discard, f.c); err == nil {
			t.Error("the link did not break")
		}
		f.hangUp()
	})
}
