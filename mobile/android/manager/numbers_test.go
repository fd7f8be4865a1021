package manager

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
)

// TestNumbers has the numbers of BackupManager and BackupManagerMonitor.
func TestNumbers(t *testing.T) {
	for r, want := range map[Result]int32{
		Success: 0, TransportUnavailable: -1, TransportInvalid: -2, TransportAborted: -1000, PackageRejected: -1002, AgentFailure: -1003,
		QuotaExceeded: -1005, BackupNotAllowed: -2001, PackageNotFound: -2002, BackupCancelled: -2003,
	} {
		if int32(r) != want {
			t.Errorf("%v is %d, want %d", r, r, want)
		}
	}
	for e, want := range map[EventID]int{
		FullCancel: 4, IllegalKey: 5, NoDataToSend: 7, Ineligible: 9, KeyValueParticipant: 10, AppStopped: 11, NotFound: 12, BackupDisabled: 13,
		PreflightError: 16, QuotaHit: 18, KeyValueCancel: 21, NoRestoreMetadata: 22, NoMetadataReceived: 23, MetadataUnusable: 24,
		LostTransport: 25, NotInstalled: 26, NewerData: 27, NoAgent: 28, SignatureMismatch: 29, KeyValueTimeout: 31, AnyVersion: 34,
		SameVersion: 35, NewerDataNoAPK: 36, FullSignature: 37, SystemAppNoAgent: 38, BackupNotAllowedHere: 39, MissingSignature: 42,
		OtherPackage: 43, FullTimeout: 45, CorruptManifest: 46, NonIncremental: 51,
	} {
		if int(e) != want {
			t.Errorf("%v is %d, want %d", e, e, want)
		}
	}
	if CategoryTransport != 1 || CategoryAgent != 2 || CategoryPolicy != 3 || FlagNonIncrementalBackup != 1 {
		t.Error("a category or a flag has another number")
	}
}

// TestDefaultTimeouts has Android's, but for Grace.
func TestDefaultTimeouts(t *testing.T) {
	m, err := New(Config{Dir: t.TempDir(), Transport: newLink()})
	if err != nil {
		t.Fatal(err)
	}
	want := Timeouts{
		Bind: 10 * time.Second, KeyValue: 30 * time.Second, Full: 5 * time.Minute, Restore: time.Minute, RestoreSystem: 3 * time.Minute,
		RestoreFinished: 30 * time.Second, QuotaExceeded: 3 * time.Second, Grace: 5 * time.Second,
	}
	if m.times != want {
		t.Errorf("%+v", m.times)
	}
	if m.times.restore(android.Package{}) != time.Minute || m.times.restore(android.Package{System: true}) != 3*time.Minute {
		t.Error("the system's apps do not get more time")
	}
}

// hanging is an agent whose restore lasts until its time is over.
type hanging struct{ book }

func (*hanging) Restore(ctx context.Context, _ android.RestoreRequest) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestEvents: what is not asked for elsewhere.
func TestEvents(t *testing.T) {
	ctx := context.Background()
	backUp := func(p *phone, pkg string) { _, _ = p.m.Backup(ctx, []string{pkg}, 0) }
	odd := func(change func(*App)) func(*phone) {
		return func(p *phone) {
			app := bookApp("com.x", &book{data: map[string]string{"k": "v"}})
			change(&app)
			p.register(app)
			backUp(p, "com.x")
		}
	}
	for id, run := range map[EventID]func(p *phone){
		NoDataToSend: func(p *phone) { p.book("com.x"); backUp(p, "com.x") },
		FullCancel: func(p *phone) {
			p.shelf("com.x", "f/a", "x").fail = once("FullBackup 2", errBroken)
			backUp(p, "com.x")
		},
		PreflightError: func(p *phone) {
			p.shelf("com.x", "f/a", "x").fail = once("FullBackup 1", errBroken)
			backUp(p, "com.x")
		},
		KeyValueCancel: func(p *phone) {
			ctx, cancel := context.WithCancel(ctx)
			p.book("com.x", "k", "v").fail = func(string) error { cancel(); return nil }
			_, _ = p.m.Backup(ctx, []string{"com.x"}, 0)
		},
		KeyValueParticipant: func(p *phone) {
			p.book("com.x", "k", "v")
			_, _ = p.m.RunFull(ctx, "com.x")
		},
		NotFound:             func(p *phone) { backUp(p, "com.x") },
		AppStopped:           odd(func(a *App) { a.Stopped = true }),
		Ineligible:           odd(func(a *App) { a.Instant = true }),
		BackupNotAllowedHere: odd(func(a *App) { a.NoBackup, a.TargetSDK = true, 30 }),
		SystemAppNoAgent:     odd(func(a *App) { a.CoreUID, a.HasAgent, a.Agent = true, false, nil }),
		KeyValueTimeout: func(p *phone) {
			p.book("com.x", "k", "v")
			backUp(p, "com.x")
			p.register(bookApp("com.x", &hanging{}))
			_, _ = p.m.Restore(ctx, 7, []string{"com.x"})
		},
		FullTimeout: func(p *phone) {
			p.register(shelfApp("com.x", newSlow("RestoreFile", true)))
			backUp(p, "com.x")
			_, _ = p.m.Restore(ctx, 7, []string{"com.x"})
		},
	} {
		t.Run(id.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPhone(t, newLink())
				run(p)
				if !slices.ContainsFunc(p.events, func(e Event) bool { return e.ID == id && e.Package == "com.x" }) {
					t.Errorf("no event %d: %v", id, p.events)
				}
			})
		})
	}

	p := newPhone(t, newLink())
	if err := p.m.SetEnabled(ctx, false); err != nil {
		t.Fatal(err)
	}
	backUp(p, "com.x")
	if len(p.events) != 1 || p.events[0].ID != BackupDisabled {
		t.Errorf("turned off: %v", p.events)
	}
}
