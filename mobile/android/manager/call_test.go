package manager

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// slow is an agent that stays in a call until its context or a channel ends it.
type slow struct {
	shelf
	obeys   bool
	release chan struct{}
	during  string        // the call in which it stays
	after   func() error  // what it tries then
	late    chan error    // what that came to
	took    time.Duration // until its context ended
}

func newSlow(during string, obeys bool) *slow {
	return &slow{shelf: shelf{files: map[string]string{"f/a": "x"}}, during: during, obeys: obeys, release: make(chan struct{}), late: make(chan error, 1)}
}

func (s *slow) stay(ctx context.Context, call string) error {
	if call != s.during {
		return nil
	}
	start := time.Now()
	<-ctx.Done()
	s.took = time.Since(start)
	if s.obeys {
		return context.Cause(ctx)
	}
	<-s.release
	if s.after != nil {
		s.late <- s.after()
	}
	return nil
}

func (s *slow) Create(ctx context.Context) error { return s.stay(ctx, "Create") }

func (s *slow) Backup(ctx context.Context, r android.BackupRequest) error {
	s.after = func() error {
		if err := r.Data.WriteHeader("k", 100_000); err != nil {
			return err
		}
		_, err := io.WriteString(r.Data, strings.Repeat("x", 100_000))
		return err
	}
	return s.stay(ctx, "Backup")
}

func (s *slow) FullBackup(ctx context.Context, out android.FullOutput) error {
	if s.during == "FullBackup" && s.calls == 1 {
		s.calls++
		s.after = func() error {
			return out.File(context.Background(), android.SourceFile{
				FileInfo: android.FileInfo{Domain: "f", Path: "big", Type: backup.TypeFile, Size: 1 << 20},
				Open: func(context.Context, int64) (io.ReadCloser, error) {
					return io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20))), nil
				},
			})
		}
		return s.stay(ctx, "FullBackup")
	}
	return s.shelf.FullBackup(ctx, out)
}

func (s *slow) RestoreFile(ctx context.Context, f android.RestoredFile) error {
	s.files = map[string]string{"f/half": "x"}
	s.after = func() error { _, err := io.ReadAll(f.Data); return err }
	return s.stay(ctx, "RestoreFile")
}

func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		during string
		want   time.Duration
	}{{"Create", 10 * time.Second}, {"Backup", 30 * time.Second}, {"FullBackup", 5 * time.Minute}, {"RestoreFile", time.Minute}} {
		for _, obeys := range []bool{true, false} {
			t.Run(c.during, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPhone(t, newLink())
					s := newSlow(c.during, obeys)
					pkg, app := "com.s", shelfApp("com.s", s)
					if c.during == "Backup" {
						app = bookApp("com.s", s)
					}
					p.register(app)
					p.book("com.z", "k", "v")
					run := func() (error, error) {
						if c.during == "RestoreFile" {
							r, err := p.m.Restore(context.Background(), 7, []string{pkg, "com.z"})
							got, _ := r.Package(pkg)
							return got.Err, err
						}
						r, err := p.m.Backup(context.Background(), []string{pkg, "com.z"}, 0)
						p.result(r, "com.z", Success)
						got := p.result(r, pkg, AgentFailure)
						return got.Err, err
					}
					if c.during == "RestoreFile" {
						if _, err := p.m.Backup(context.Background(), []string{pkg, "com.z"}, 0); err != nil {
							t.Fatal(err)
						}
					}
					start := time.Now()
					got, err := run()
					want := c.want
					if !obeys {
						want += 5 * time.Second
					}
					if took := time.Since(start); err != nil || !errors.Is(got, ErrTimeout) || errors.Is(got, ErrStuck) == obeys || took != want {
						t.Errorf("%v, %v, %v after %v", got, err, obeys, took)
					}
					if obeys {
						if s.took != c.want {
							t.Errorf("the agent's context ended after %v", s.took)
						}
						if c.during == "RestoreFile" && s.files != nil {
							t.Error("not cleared")
						}
						if err := p.m.Close(context.Background()); err != nil {
							t.Error(err)
						}
						return
					}

					// Until it returns, the app is refused and nothing can end.
					if got, _ := run(); !errors.Is(got, ErrStuck) && !errors.Is(got, ErrCut) {
						t.Errorf("called a stuck agent: %v", got)
					}
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					if err := p.m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("closed with a stuck agent: %v", err)
					}
					if c.during == "RestoreFile" && !p.m.cut(pkg) {
						t.Error("a half restored app is not marked")
					}
					stored := len(p.link.full[pkg])
					close(s.release)
					if c.during != "Create" {
						if err := <-s.late; err == nil {
							t.Error("the agent that came back reached something")
						}
					}
					if err := p.m.Close(context.Background()); err != nil {
						t.Error(err)
					}
					if s.closed == 0 || len(p.link.full[pkg]) != stored || p.link.kv[pkg] != nil {
						t.Errorf("destroyed %d times", s.closed)
					}
					// The next manager clears what the restore left.
					if c.during == "RestoreFile" {
						p.start(nil)
						s.during = ""
						p.register(app)
						if r, err := p.m.Backup(context.Background(), []string{pkg}, 0); err != nil || p.m.cut(pkg) {
							t.Error(r, err)
						}
						if s.cleared == 0 || s.files["f/half"] != "" {
							t.Error("not cleared")
						}
					}
				})
			})
		}
	}
}

// TestTransportTimeIsNotTheAgents: what the transport takes does not count.
func TestTransportTimeIsNotTheAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, newLink())
		s := p.shelf("com.f", "f/a", strings.Repeat("x", 300_000))
		hold := func(prefix string) {
			p.link.fail = func(call string) error {
				if strings.HasPrefix(call, prefix) {
					time.Sleep(time.Hour) // virtual
				}
				return nil
			}
		}
		hold("SendBackupData")
		p.result(runFull(t, p), "com.f", Success)
		s.files = nil
		hold("NextFullChunk")
		r, err := p.m.Restore(context.Background(), 7, nil)
		if got, _ := r.Package("com.f"); err != nil || !got.Restored || len(s.files["f/a"]) != 300_000 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// quitter ends its goroutine instead of returning.
type quitter struct{ book }

func (q *quitter) Backup(context.Context, android.BackupRequest) error {
	runtime.Goexit()
	return nil
}

func TestAgentThatEndsItsGoroutine(t *testing.T) {
	p := newPhone(t, newLink())
	p.register(bookApp("com.a", &quitter{}))
	p.changed("com.a")
	if got := p.result(p.pass(), "com.a", AgentFailure); !errors.Is(got.Err, errExit) {
		t.Error(got.Err)
	}
}

func TestCancelledPass(t *testing.T) {
	p := newPhone(t, newLink())
	a := p.book("com.a", "k", "v")
	p.book("com.b", "k", "v")
	p.book("com.c", "k", "v")
	p.shelf("com.f", "f/a", "x")
	p.changed("com.a", "com.b", "com.c")
	ctx, cancel := context.WithCancelCause(context.Background())
	p.books["com.b"].fail = func(string) error { cancel(errBroken); return nil }
	r, err := p.m.RunKeyValue(ctx)
	if !errors.Is(err, errBroken) || r.Result != BackupCancelled {
		t.Errorf("%v, %v", r.Result, err)
	}
	p.result(r, "com.a", Success)
	p.result(r, "com.b", BackupCancelled)
	p.result(r, "com.c", BackupCancelled)
	if got := p.m.Pending(); !slices.Equal(got, []string{"com.b", "com.c"}) || p.state("com.b") != "" || a.closed != 1 {
		t.Errorf("pending %q, state %q", got, p.state("com.b"))
	}
	if _, err := p.m.RunKeyValue(ctx); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}
