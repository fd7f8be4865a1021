//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// options are what main reads from the command line.
type options struct {
	links []Link
	data  []dataSet
	seed  uint64
	// ferry is the program to measure. Empty = it is built.
	ferry string
	// dir is where the phones are made. Empty = the system's folder for
	// temporary files.
	dir string
	// vcf is a folder with vCard files to add to the contacts. Empty = none.
	vcf  string
	keep bool
	// iperf is how long each iperf3 runs. 0 = without.
	iperf time.Duration
	// log hears what is under way.
	log io.Writer
}

// bench is one run of this program.
type bench struct {
	opt     options
	ferry   string
	dir     string // all that is written lies below it
	home    string // the phones, and what ferry keeps for itself, of one data set
	lab     *lab
	without []string // congestion controls that iperf3 cannot have here
	report  *report
}

// result is what was measured with one data set on one link.
type result struct {
	Link Link   `json:"link"`
	Data string `json:"data"`
	size
	Load  string `json:"load_before"` // of the machine: 1, 5, 15 minutes
	Iperf iperf  `json:"iperf_mbit_per_s"`
	// Wall is the whole ferry send, from its start to its end, with the search
	// and the pairing; Moving is what it says the moving took.
	Wall   float64 `json:"wall_seconds"`
	Moving float64 `json:"moving_seconds"`
	// The sender, the receiver, and this program, which is the link.
	Old      usage   `json:"old_phone"`
	New      usage   `json:"new_phone"`
	Emulator float64 `json:"emulator_cpu_seconds"`
	Second   again   `json:"second_run"`
	Resumed  again   `json:"after_kill"`
	// Wrong is what a phone did that it should not have.
	Wrong []string `json:"wrong"`
}

// again is a later run of the same move.
type again struct {
	Ran       bool    `json:"ran"`
	Cut       bool    `json:"cut"` // the run before it was killed half way
	SentItems uint64  `json:"sent_items"`
	SentBytes uint64  `json:"sent_bytes"`
	Wall      float64 `json:"wall_seconds"`
}

// mbit is bytes in seconds as Mbit/s.
func (r result) mbit(seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(r.Bytes) * 8 / 1e6 / seconds
}

// run measures everything and removes what it made. What a phone did wrong is
// in the report; an error means that the measuring itself did not work.
func run(ctx context.Context, opt options) (_ *report, err error) {
	b := &bench{opt: opt, ferry: opt.ferry, report: &report{Results: []result{}}}
	if b.dir, err = os.MkdirTemp(opt.dir, "ferry-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if opt.keep {
			b.note("kept: %s", b.dir)
		} else {
			err = errors.Join(err, os.RemoveAll(b.dir))
		}
	}()
	if b.ferry == "" {
		if err := b.build(ctx); err != nil {
			return nil, err
		}
	} else if b.ferry, err = filepath.Abs(b.ferry); err != nil {
		return nil, err
	}
	if opt.iperf > 0 {
		if err := haveIperf(); err != nil {
			b.note("%v", err)
			b.opt.iperf = 0
		}
	}
	b.report.Machine, b.report.Commit = describeMachine(), describeCommit(ctx)
	for _, l := range opt.links {
		if err := b.onLink(ctx, l); err != nil {
			return b.report, err
		}
	}
	return b.report, nil
}

func (b *bench) note(format string, args ...any) {
	fmt.Fprintf(b.opt.log, "bench: "+format+"\n", args...)
}

// build makes the program to measure, from this module.
func (b *bench) build(ctx context.Context) error {
	b.ferry = filepath.Join(b.dir, "ferry")
	b.note("building ferry")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.ferry, "github.com/ferry-move/ferry/app/ferry")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build ferry: %w: %s", err, out)
	}
	return nil
}

func (b *bench) onLink(ctx context.Context, l Link) (err error) {
	if b.lab, err = newLab(ctx, l, b.opt.seed); err != nil {
		return err
	}
	b.note("%s", l)
	defer func() {
		c, cerr := b.lab.Close()
		b.report.Carried = append(b.report.Carried, carried{Link: l.Name, There: c[0], Back: c[1]})
		err = errors.Join(err, cerr)
	}()
	for _, d := range b.opt.data {
		r := result{Link: l, Data: d.name, Wrong: []string{}}
		err := b.measure(ctx, d, &r)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			r.Wrong = append(r.Wrong, err.Error())
		}
		for _, w := range r.Wrong {
			b.note("%s: WRONG: %s", d.name, w)
		}
		b.report.Results = append(b.report.Results, r)
	}
	return nil
}

// measure does everything with one data set.
func (b *bench) measure(ctx context.Context, d dataSet, r *result) (err error) {
	// Nothing is removed before the end of it all: for some minutes, ext4 makes
	// new files slowly where many were removed.
	if b.home, err = os.MkdirTemp(b.dir, "set-"); err != nil {
		return err
	}
	from, into := filepath.Join(b.home, "old"), filepath.Join(b.home, "new")
	b.note("%s: making it", d.name)
	if err := os.Mkdir(from, 0o755); err != nil {
		return err
	}
	if r.size, err = d.makeIn(from, b.opt.seed, b.opt.vcf); err != nil {
		return err
	}
	// Twenty times what the link needs is not slow but stuck.
	limit := 3 * time.Minute
	if r.Link.Rate > 0 {
		limit += time.Duration(20 * float64(r.Bytes*8) / r.Link.Rate * float64(time.Microsecond))
	}
	stuck := fmt.Errorf("%s: still not done after %v", d.name, limit)
	limited := func() (context.Context, context.CancelFunc) { return context.WithTimeoutCause(ctx, limit, stuck) }
	compare := func(when string) error {
		diffs, err := differences(from, into)
		for _, diff := range diffs {
			r.Wrong = append(r.Wrong, when+": "+diff)
		}
		return err
	}

	unix.Sync() // the disk is quiet before the clock runs
	r.Load = load()
	if err := b.iperfBeside(ctx, r); err != nil {
		return err
	}
	b.note("%s: moving %d files, %.1f MB", d.name, r.Files, float64(r.Bytes)/1e6)
	mine := cpuTime()
	one, cancel := limited()
	defer cancel()
	send, receive, err := b.move(one, from, into)
	if err != nil {
		return errors.Join(err, context.Cause(one))
	}
	r.Emulator = cpuTime() - mine
	r.Wall, r.Moving, r.Old, r.New = send.took.Seconds(), send.done.Seconds, send.usage, receive.usage
	b.note("%s: %.2f s, of them %.2f s moving", d.name, r.Wall, r.Moving)
	if err := b.iperfBeside(ctx, r); err != nil {
		return err
	}
	if err := compare("after the first run"); err != nil {
		return err
	}

	b.note("%s: a second time", d.name)
	two, cancel := limited()
	defer cancel()
	if send, _, err = b.move(two, from, into); err != nil {
		return errors.Join(err, context.Cause(two))
	}
	r.Second = again{Ran: true, SentItems: send.done.SentItems, SentBytes: send.done.SentBytes, Wall: send.took.Seconds()}
	if r.Second.SentBytes > 0 || r.Second.SentItems > 0 {
		r.Wrong = append(r.Wrong, fmt.Sprintf("the second run sent %d items, %d bytes", r.Second.SentItems, r.Second.SentBytes))
	}
	if err := compare("after the second run"); err != nil {
		return err
	}

	b.note("%s: killed half way, and once more", d.name)
	into = filepath.Join(b.home, "new-again")
	three, cancel := limited()
	defer cancel()
	send, cut, err := b.cutMove(three, from, into, r.Bytes)
	if err != nil {
		return errors.Join(err, context.Cause(three))
	}
	r.Resumed = again{Ran: true, Cut: cut, SentItems: send.done.SentItems, SentBytes: send.done.SentBytes, Wall: send.took.Seconds()}
	return compare("after the kill")
}

// iperfBeside runs iperf3 unless there is none.
func (b *bench) iperfBeside(ctx context.Context, r *result) error {
	if b.opt.iperf == 0 {
		return nil
	}
	return b.iperfOnce(ctx, &r.Iperf)
}

// cpuTime is what this process has used, in seconds.
func cpuTime() float64 {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano()).Seconds()
}

// load is the machine's load over 1, 5 and 15 minutes.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	f := strings.Fields(string(b))
	return strings.Join(f[:min(3, len(f))], " ")
}
