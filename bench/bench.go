//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
	vcf string
	// keep leaves the phones where they are.
	keep bool
	// peers run beside ferry.
	peers []peer
	// rounds is how often everything is measured. 0 = once.
	rounds int
	// patience is how long a peer may take. 0 = as long as ferry.
	patience time.Duration
	// once leaves out the second run and the kill.
	once bool
	// iperf is how long each iperf3 runs. 0 = without.
	iperf time.Duration
	// log hears what is under way.
	log io.Writer
}

// bench is one run of this program.
type bench struct {
	opt     options
	ferry   string
	bare    string // the bare quic-go, "" until it is built
	dir     string // all that is written lies below it
	home    string // the phones, and what ferry keeps for itself, of one data set
	lab     *lab
	without []string // congestion controls that iperf3 cannot have here
	report  *report
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
		if b.ferry, err = b.buildGo(ctx, "ferry", "app/ferry"); err != nil {
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
	b.opt.peers = b.present(opt.peers)
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

// present are the peers that are here; the others are told.
func (b *bench) present(all []peer) (here []peer) {
	for _, p := range all {
		if tool := p.missing(); tool != "" {
			b.note("%s: left out, there is no %s here; to get it: %s", p.name, tool, p.get)
			b.report.Absent = append(b.report.Absent, p.name)
			continue
		}
		here = append(here, p)
		b.report.Legend = append(b.report.Legend, p.name+": "+p.about)
	}
	return here
}

// measure does everything with one data set.
func (b *bench) measure(ctx context.Context, d dataSet, r *result) (err error) {
	// Nothing is removed before the end of it all where there are many files:
	// for some minutes, ext4 makes new ones slowly where many were removed.
	if b.home, err = os.MkdirTemp(b.dir, "set-"); err != nil {
		return err
	}
	from := filepath.Join(b.home, "old")
	b.note("%s: making it", d.name)
	if err := os.Mkdir(from, 0o755); err != nil {
		return err
	}
	if r.size, err = d.makeIn(from, b.opt.seed, b.opt.vcf); err != nil {
		return err
	}
	if r.Files <= fewFiles && !b.opt.keep {
		defer func() { err = errors.Join(err, os.RemoveAll(b.home)) }()
	}
	r.Contenders = []contender{{Name: "ferry"}}
	for _, p := range b.opt.peers {
		r.Contenders = append(r.Contenders, contender{Name: p.name, Plain: p.plain})
	}
	for i := range max(1, b.opt.rounds) {
		if err := b.round(ctx, i, from, r); err != nil {
			return err
		}
	}
	return nil
}

// fewFiles is how many files can be removed without a trace.
const fewFiles = 5000

// limit is when a move is not slow but stuck: after twenty times what the link
// needs.
func (r *result) limit() time.Duration {
	limit := 3 * time.Minute
	if r.Link.Rate > 0 {
		limit += time.Duration(20 * float64(r.Bytes*8) / r.Link.Rate * float64(time.Microsecond))
	}
	return limit
}

// round measures every contender once. Whoever was first is last in the next.
func (b *bench) round(ctx context.Context, i int, from string, r *result) error {
	unix.Sync() // the disk is quiet before the clock runs
	r.Rounds = append(r.Rounds, round{Load: load()})
	if err := b.beside(ctx, &r.Rounds[i]); err != nil {
		return err
	}
	for j := range r.Contenders {
		c := &r.Contenders[(i+j)%len(r.Contenders)]
		var t trial
		var err error
		if c.Name == "ferry" {
			t, err = b.byFerry(ctx, i, from, r)
		} else {
			t, err = b.beat(ctx, c.Name, from, r)
		}
		if err != nil {
			return err
		}
		b.note("%s: %s: %s", r.Data, c.Name, r.brief(t))
		c.Trials = append(c.Trials, t)
		unix.Sync()
	}
	return b.beside(ctx, &r.Rounds[i])
}

// brief says how a trial went.
func (r *result) brief(t trial) string {
	switch {
	case t.Slow:
		return fmt.Sprintf("not done after %.0f s, ended", t.Wall)
	case len(t.Wrong) > 0:
		return "WRONG: " + strings.Join(t.Wrong, "; ")
	}
	return fmt.Sprintf("%.2f s, %.0f Mbit/s", t.Moving, r.mbit(t.Moving))
}

// beside measures what there is to reach: what iperf3 gets, and on loopback a
// bare quic-go.
func (b *bench) beside(ctx context.Context, r *round) error {
	if b.opt.iperf == 0 {
		return nil
	}
	if err := b.iperfOnce(ctx, &r.Iperf); err != nil || !b.lab.link.Loopback {
		return err
	}
	mbit, err := b.bareOnce(ctx)
	if err == nil {
		r.Bare = append(r.Bare, mbit)
	}
	return err
}

// beat does one move with a peer. What it does wrong does not stop the rest.
func (b *bench) beat(ctx context.Context, name, from string, r *result) (trial, error) {
	p := b.opt.peers[slices.IndexFunc(b.opt.peers, func(p peer) bool { return p.name == name })]
	limit := b.opt.patience
	if limit == 0 {
		limit = r.limit()
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	t, err := b.byPeer(limited, p, from, r.Files <= fewFiles)
	switch {
	case ctx.Err() != nil:
		return t, context.Cause(ctx)
	case err != nil && limited.Err() != nil:
		t.Slow, t.Wall = true, time.Since(began).Seconds()
	case err != nil:
		t.Wrong = append(t.Wrong, err.Error())
	}
	return t, nil
}

// byFerry does one move with ferry; in the first round it then moves once more,
// and into a new phone with a kill half way.
func (b *bench) byFerry(ctx context.Context, i int, from string, r *result) (t trial, err error) {
	into := filepath.Join(b.home, fmt.Sprintf("new-%d", i))
	homes := filepath.Join(b.home, fmt.Sprintf("homes-%d", i))
	if err := os.Mkdir(homes, 0o755); err != nil {
		return t, err
	}
	limit := r.limit()
	stuck := fmt.Errorf("%s: still not done after %v", r.Data, limit)
	limited := func() (context.Context, context.CancelFunc) { return context.WithTimeoutCause(ctx, limit, stuck) }
	compare := func(when string) error {
		diffs, err := differences(from, into)
		for _, diff := range diffs {
			t.Wrong = append(t.Wrong, when+": "+diff)
		}
		return err
	}
	defer func() {
		if err != nil && ctx.Err() == nil { // the peers can be measured all the same
			t.Wrong, err = append(t.Wrong, err.Error()), nil
		}
	}()

	b.note("%s: moving %d files, %.1f MB", r.Data, r.Files, float64(r.Bytes)/1e6)
	one, cancel := limited()
	defer cancel()
	mine := cpuTime()
	send, receive, err := b.move(one, homes, from, into)
	if err != nil {
		return t, errors.Join(err, context.Cause(one))
	}
	t.Emulator = cpuTime() - mine
	t.Wall, t.Moving, t.Old, t.New = send.took.Seconds(), send.done.Seconds, send.usage, receive.usage
	t.Flat = send.pace.flat()
	if t.Sync, err = syncTime(b.home); err != nil {
		return t, err
	}
	if err := compare("after the first run"); err != nil || i > 0 || b.opt.once {
		return t, err
	}

	b.note("%s: a second time", r.Data)
	two, cancel := limited()
	defer cancel()
	if send, _, err = b.move(two, homes, from, into); err != nil {
		return t, errors.Join(err, context.Cause(two))
	}
	r.Second = again{Ran: true, SentItems: send.done.SentItems, SentBytes: send.done.SentBytes, Wall: send.took.Seconds()}
	apps, err := filepath.Glob(filepath.Join(from, "apps", "*"))
	if err != nil {
		return t, err
	}
	// The end of each app is said again.
	if r.Second.SentItems > uint64(len(apps)) || send.done.changed() > 0 {
		t.Wrong = append(t.Wrong, fmt.Sprintf("the second run sent %d items, %d bytes, and changed %d", r.Second.SentItems, r.Second.SentBytes, send.done.changed()))
	}
	if err := compare("after the second run"); err != nil {
		return t, err
	}

	b.note("%s: killed half way, and once more", r.Data)
	into = filepath.Join(b.home, "new-again")
	three, cancel := limited()
	defer cancel()
	send, cut, err := b.cutMove(three, homes, from, into, r.Bytes)
	if err != nil {
		return t, errors.Join(err, context.Cause(three))
	}
	r.Resumed = again{Ran: true, Cut: cut, SentItems: send.done.SentItems, SentBytes: send.done.SentBytes, Wall: send.took.Seconds()}
	return t, compare("after the kill")
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
