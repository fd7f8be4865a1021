package transporttest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
)

// The checks of quotas stay far from the limit on both sides, as transports
// count keys and headers differently. The limit is 64 KiB.
var (
	most    = strings.Repeat("m", 40<<10)
	tooMuch = strings.Repeat("t", 70<<10)
)

func keyValueQuota(ctx context.Context, e *env) error {
	const op = "values above the quota"
	if q := e.tr.Quota(app, false); q != 64<<10 {
		return fmt.Errorf("the quota for entities is %d", q)
	}
	over := func(records ...record) error {
		err := e.perform(ctx, other, bytesOf(stream(records...)), whole)
		return refused(op, err, android.TransportQuotaExceeded)
	}
	return all(
		func() error { return e.put(ctx, app, put("a", most)) },
		func() error { return over(put("a", tooMuch)) },
		func() error { return over(put("a", most), put("b", most)) },
		func() error { return e.same(ctx) },
		func() error { return e.put(ctx, other, put("a", most)) }, // each app has its own
		func() error { return e.full(ctx, "com.example.third", document("a", tooMuch)) },
		func() error { return e.same(ctx) },
	)
}

// keyValueQuotaDelta: what counts is what the app has after the pass.
func keyValueQuotaDelta(ctx context.Context, e *env) error {
	over := func(flags android.PassFlags, records ...record) error {
		err := e.perform(ctx, app, bytesOf(stream(records...)), flags)
		if err := refused("values above the quota", err, android.TransportQuotaExceeded); err != nil {
			return err
		}
		return e.same(ctx)
	}
	return all(
		func() error { return e.put(ctx, app, put("a", most), put("b", "1")) },
		func() error { return over(changes, put("c", most)) },
		func() error { return over(changes, put("b", tooMuch)) },
		func() error { return over(whole, put("b", tooMuch)) },
		func() error { return e.keyValue(ctx, app, changes, put("a", most)) },
		func() error { return e.keyValue(ctx, app, changes, put("a", ""), put("c", most)) },
		func() error { return e.keyValue(ctx, app, changes, put("d", most), del("c")) },
		func() error { return e.put(ctx, app, put("a", most), put("a", most)) },
		func() error { return e.same(ctx) },
	)
}

func fullQuota(ctx context.Context, e *env) error {
	const quota = 64 << 10
	if q := e.tr.Quota(app, true); q != quota {
		return fmt.Errorf("the quota for files is %d", q)
	}
	pkgs := []string{other}
	if !e.PassThrough {
		pkgs = append(pkgs, app)
	}
	if err := e.full(ctx, app, document("a", most)); err != nil {
		return err
	}
	for _, pkg := range pkgs {
		if err := e.tooLarge(ctx, pkg); err != nil {
			return err
		}
	}
	return all(
		func() error { return e.full(ctx, other, document("a", most)) },
		func() error { return e.put(ctx, "com.example.third", put("a", tooMuch)) },
		func() error { return e.same(ctx) },
	)
}

// tooLarge exceeds the quota of 64 KiB when measured, and in flight.
func (e *env) tooLarge(ctx context.Context, pkg string) error {
	if _, err := e.begin(ctx, pkg, nil, document("a", most)); err != nil {
		return err
	}
	for _, size := range []int64{64<<10 + 1, math.MaxInt64} {
		if err := refused("CheckFullBackupSize above the quota", e.tr.CheckFullBackupSize(ctx, size), android.TransportQuotaExceeded); err != nil {
			return err
		}
	}
	if err := e.tr.CheckFullBackupSize(ctx, 64<<10); err != nil {
		return fmt.Errorf("CheckFullBackupSize of the quota: %w", err)
	}
	if err := e.tr.CancelFullBackup(ctx); err != nil {
		return fmt.Errorf("CancelFullBackup: %w", err)
	}
	if err := e.same(ctx); err != nil {
		return err
	}

	// The app grew since it was measured.
	more := []file{document("a", most), document("b", most), document("c", "small")}
	tar, err := tarOf(pkg, more)
	if err != nil {
		return err
	}
	s, err := e.begin(ctx, pkg, bytesOf(tar), document("a", most))
	if err != nil {
		return err
	}
	s.files, s.left = more, len(tar)
	for err == nil {
		err = s.next(ctx)
	}
	if err := refused("data above the quota", err, android.TransportQuotaExceeded); err != nil {
		return err
	}
	if err := s.next(ctx); err == nil {
		return errors.New("more data is taken after the quota was exceeded")
	}
	if err := refused("FinishBackup after the quota was exceeded", e.tr.FinishBackup(ctx), android.TransportQuotaExceeded); err != nil {
		return err
	}
	return e.same(ctx)
}
