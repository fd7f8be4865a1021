//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// result is what was measured with one data set on one link.
type result struct {
	Link Link   `json:"link"`
	Data string `json:"data"`
	size
	Rounds []round `json:"rounds"`
	// Contenders are ferry, then the peers.
	Contenders []contender `json:"contenders"`
	Second     again       `json:"second_run"`
	Resumed    again       `json:"after_kill"`
	// Wrong is why the measuring ended early.
	Wrong []string `json:"wrong"`
}

// round is one repetition: every contender once, between two measurements of
// what there was to reach.
type round struct {
	Load  string    `json:"load_before"` // of the machine: 1, 5, 15 minutes
	Iperf iperf     `json:"iperf_mbit_per_s"`
	Bare  []float64 `json:"bare_quic_mbit_per_s,omitempty"` // on loopback only
}

// contender is ferry or a peer.
type contender struct {
	Name  string `json:"name"`
	Plain bool   `json:"plain"` // encrypts nothing
	// Trials are one of each round.
	Trials []trial `json:"trials"`
}

// trial is one move.
type trial struct {
	// Wall is the whole command on the old phone, from its start to its end (of
	// a peer without a server, of both). For ferry it holds the search and the
	// pairing; Moving is what ferry says the moving took, for a peer the same as
	// Wall.
	Wall   float64 `json:"wall_seconds"`
	Moving float64 `json:"moving_seconds"`
	// Sync is how long it then took to make durable what had arrived.
	Sync float64 `json:"sync_seconds"`
	// Flat is the speed in items of ferry's last tenth, by that of its first. 0 =
	// too short to tell.
	Flat float64 `json:"last_tenth_by_first,omitempty"`
	// The two ends, with all the processes that each is made of, and this
	// program, which is the link.
	Old      usage    `json:"old_phone"`
	New      usage    `json:"new_phone"`
	Emulator float64  `json:"emulator_cpu_seconds"`
	Wrong    []string `json:"wrong,omitempty"`
	// Slow says that it was ended because it took too long: Wall is how long it
	// ran.
	Slow bool `json:"too_slow,omitempty"`
}

// counts reports whether the figures of a trial count: everything arrived.
func (t trial) counts() bool { return !t.Slow && len(t.Wrong) == 0 && t.Moving > 0 }

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

// spread is a figure over the rounds. The zero value is one that nobody has.
type spread struct{ Median, Min, Max float64 }

func spreadOf(v []float64) spread {
	if len(v) == 0 {
		return spread{}
	}
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return spread{Median: (v[n/2] + v[(n-1)/2]) / 2, Min: v[0], Max: v[n-1]}
}

// over is a figure of a contender's trials that count.
func (c contender) over(f func(round int, t trial) float64) spread {
	var v []float64
	for i, t := range c.Trials {
		if t.counts() {
			v = append(v, f(i, t))
		}
	}
	return spreadOf(v)
}

// speed is in Mbit/s, of the moving.
func (r result) speed(c contender) spread {
	return c.over(func(_ int, t trial) float64 { return r.mbit(t.Moving) })
}

// reference is what there was to reach in a round, in Mbit/s: iperf3, but a bare
// quic-go on loopback, where TCP is only a copy. 0 if nobody knows.
func (r result) reference(round int) float64 {
	if round >= len(r.Rounds) {
		return 0
	}
	if r.Link.Loopback {
		return mean(r.Rounds[round].Bare)
	}
	return r.Rounds[round].Iperf.best()
}

// referenceName says what the reference is.
func (r result) referenceName() string {
	if r.Link.Loopback {
		return "bare quic-go"
	}
	return "iperf3"
}

// references are those of all rounds.
func (r result) references() spread {
	var v []float64
	for i := range r.Rounds {
		if x := r.reference(i); x > 0 {
			v = append(v, x)
		}
	}
	return spreadOf(v)
}

// share is how a contender's speed compares with the reference in the same
// round.
func (r result) share(c contender, seconds func(trial) float64) spread {
	if r.references().Median == 0 {
		return spread{}
	}
	return c.over(func(i int, t trial) float64 {
		if of := r.reference(i); of > 0 {
			return r.mbit(seconds(t)) / of
		}
		return 0
	})
}

func moving(t trial) float64 { return t.Moving }
func wall(t trial) float64   { return t.Wall }

// perGB is CPU seconds for each 10^9 bytes.
func (r result) perGB(c contender, cpu func(trial) float64) float64 {
	return c.over(func(_ int, t trial) float64 { return cpu(t) / (float64(r.Bytes) / 1e9) }).Median
}

// iperfs is what iperf3 got, in Mbit/s.
func (r result) iperfs() spread {
	var v []float64
	for _, n := range r.Rounds {
		if best := n.Iperf.best(); best > 0 {
			v = append(v, best)
		}
	}
	return spreadOf(v)
}

// bares is what bare quic-go got, in Mbit/s.
func (r result) bares() spread {
	var v []float64
	for _, n := range r.Rounds {
		v = append(v, n.Bare...)
	}
	return spreadOf(v)
}

// trouble is why there is no figure, "" if there is one.
func (c contender) trouble() string {
	slow, wrong := 0, 0
	for _, t := range c.Trials {
		switch {
		case t.Slow:
			slow++
		case len(t.Wrong) > 0:
			wrong++
		}
	}
	switch {
	case wrong > 0:
		return fmt.Sprintf("wrong in %d of %d", wrong, len(c.Trials))
	case slow > 0:
		return fmt.Sprintf("too slow in %d of %d, ended after %.0f s", slow, len(c.Trials), c.longest())
	}
	return ""
}

func (c contender) longest() (s float64) {
	for _, t := range c.Trials {
		s = max(s, t.Wall)
	}
	return s
}

// peak is the largest memory of one end, in bytes.
func (c contender) peak(s side) (n int64) {
	for _, t := range c.Trials {
		n = max(n, [...]int64{oldPhone: t.Old.RSS, newPhone: t.New.RSS}[s])
	}
	return n
}

// syncTime makes everything on the disk of dir durable and says how long that
// took, in seconds.
func syncTime(dir string) (float64, error) {
	f, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	began := time.Now()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return 0, fmt.Errorf("syncfs: %w", err)
	}
	return time.Since(began).Seconds(), nil
}
