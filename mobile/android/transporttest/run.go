package transporttest

import (
	"context"
	"fmt"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
)

// Capabilities say what a transport does not do. The zero value is a transport
// that does everything.
type Capabilities struct {
	// Volatile: nothing outlives the instance. The transport is opened once.
	Volatile bool
	// PassThrough: what was confirmed has left, and can neither be changed nor
	// replaced nor erased. Every pass has to be a complete one; an incremental
	// one is answered with TransportNonIncrementalBackupRequired.
	PassThrough bool
	// OwnMetadata: the transport makes the metadata package by itself.
	OwnMetadata bool
	// FixedQuota: the quota cannot be chosen. It is then large enough for the
	// suite, which needs 16 MiB.
	FixedQuota bool
}

// Quota is how many bytes of one app a transport is to take. 0 = no limit.
type Quota struct {
	Full, KeyValue int64
}

// Opener opens a transport. Every call gets the same storage, as a new process
// would find it; the instance before is not used again, and was not told.
type Opener func() (android.Transport, error)

// Run runs the suite. newStorage makes storage with nothing in it; what it
// opened is cleaned up with tb.
func Run(t *testing.T, c Capabilities, newStorage func(tb testing.TB, q Quota) Opener) {
	for _, ch := range checks {
		t.Run(ch.name, func(t *testing.T) {
			if why := ch.skip(c); why != "" {
				t.Skip(why)
			}
			if err := ch.run(t.Context(), c, newStorage(t, ch.quota)); err != nil {
				t.Error(err)
			}
		})
	}
}

// check is one promise.
type check struct {
	name  string
	quota Quota
	// stores: it is about data that is kept between passes.
	stores bool
	f      func(ctx context.Context, e *env) error
}

var checks = []check{
	{name: "Identity", f: identity},
	{name: "Sets", f: sets},
	{name: "OutOfOrder", f: outOfOrder},

	{name: "Complete", f: complete},
	{name: "Delta", stores: true, f: delta},
	{name: "RandomDeltas", stores: true, f: randomDeltas},
	{name: "Replace", stores: true, f: replace},
	{name: "LastDeleted", stores: true, f: lastDeleted},
	{name: "NonIncrementalRequired", f: nonIncremental},
	{name: "DataNotChanged", f: notChanged},
	{name: "KeyValueFailures", f: keyValueFailures},
	{name: "KeyValueUnconfirmed", f: keyValueUnconfirmed},

	{name: "Full", f: full},
	{name: "FullAgain", stores: true, f: fullAgain},
	{name: "ChangeOfForm", stores: true, f: changeOfForm},
	{name: "ReadsWhatItIsTold", f: readsExactly},
	{name: "FullFailures", f: fullFailures},
	{name: "FullUnconfirmed", f: fullUnconfirmed},
	{name: "FullOfNothing", f: fullOfNothing},

	{name: "KeyValueQuota", quota: Quota{KeyValue: 64 << 10}, f: keyValueQuota},
	{name: "KeyValueQuotaOfDelta", quota: Quota{KeyValue: 64 << 10}, stores: true, f: keyValueQuotaDelta},
	{name: "FullQuota", quota: Quota{Full: 64 << 10}, f: fullQuota},

	{name: "Order", f: order},
	{name: "Skip", f: skipping},
	{name: "Abort", f: abort},
	{name: "FailingWriter", f: failingWriter},
	{name: "ChunkCodes", f: chunkCodes},
	{name: "EndedContext", f: endedContext},

	{name: "Initialize", stores: true, f: initialize},
	{name: "Clear", stores: true, f: clearOne},
	{name: "NextProcess", stores: true, f: nextProcess},

	{name: "StrangePackages", f: strangePackages},
	{name: "StrangeKeys", f: strangeKeys},
	{name: "KeysOfOtherBytes", f: brokenKeys},
	{name: "ManyKeys", f: manyKeys},
	{name: "LargeValues", f: largeValues},
}

// skip says why a check does not apply; "" if it does.
func (ch check) skip(c Capabilities) string {
	switch {
	case ch.stores && c.PassThrough:
		return "the transport stores nothing that could change"
	case ch.quota != Quota{} && c.FixedQuota:
		return "the transport's quota cannot be chosen"
	}
	return ""
}

func (ch check) run(ctx context.Context, c Capabilities, open Opener) error {
	tr, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	e := &env{Capabilities: c, open: open, tr: tr, want: map[string]content{}}
	if err := e.tr.InitializeDevice(ctx); err != nil {
		return fmt.Errorf("InitializeDevice: %w", err)
	}
	if err := e.tr.FinishBackup(ctx); err != nil {
		return fmt.Errorf("FinishBackup after InitializeDevice: %w", err)
	}
	if err := e.put(ctx, android.MetadataPackage, metadata...); err != nil {
		return err
	}
	return ch.f(ctx, e)
}

// env is a transport under test with what has to be in it.
type env struct {
	Capabilities
	open Opener
	tr   android.Transport
	want map[string]content
	more []string // packages that must have nothing, though they are asked for
}

// reopen goes on with a new instance, if the transport outlives one.
func (e *env) reopen() error {
	if e.Volatile {
		return nil
	}
	tr, err := e.open()
	if err != nil {
		return fmt.Errorf("open again: %w", err)
	}
	e.tr = tr
	return nil
}

// all calls each and stops at the first that fails.
func all(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}
