//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// side says which program a kill is for.
type side int

const (
	sender side = iota
	receiver
	both
	sides
)

func (s side) String() string { return [...]string{"sender", "receiver", "both"}[s] }

// hits reports whether a kill of this side ends the program of side o.
func (s side) hits(o side) bool { return s == both || s == o }

// moment is when a kill comes, counted from the start of the sender that runs
// then. One of its fields is set.
type moment struct {
	// Bytes is a fraction of the content that the receiver has still to write.
	Bytes float64
	// After is a time.
	After time.Duration
	// Phase is an event that one of the programs tells.
	Phase string
	// Of is who tells it.
	Of side
}

func (m moment) String() string {
	switch {
	case m.Phase != "":
		return fmt.Sprintf("%s's %s", m.Of, m.Phase)
	case m.Bytes > 0:
		return fmt.Sprintf("%.0f %% of the bytes", 100*m.Bytes)
	}
	return m.After.String()
}

// class groups moments for the summary.
func (m moment) class() string {
	switch {
	case m.Phase != "":
		return m.Phase
	case m.Bytes > 0:
		return "bytes"
	}
	return "time"
}

// kill is one kill -9.
type kill struct {
	Side side
	At   moment
	// Delay is how long after that moment it comes.
	Delay time.Duration
	// Stop is for how long the program stands still before it. 0 = not at all.
	Stop time.Duration
}

func (k kill) String() string {
	s := fmt.Sprintf("%s at %s", k.Side, k.At)
	if k.Stop > 0 {
		s += fmt.Sprintf(", stopped for %v", k.Stop)
	}
	return s
}

// phases are the moments that the programs tell of, and who does.
var phases = []moment{
	{Phase: "plan", Of: sender}, {Phase: "paired", Of: sender}, {Phase: "paired", Of: receiver}, {Phase: "offer", Of: receiver},
	{Phase: "accepted", Of: sender}, {Phase: "accepted", Of: receiver}, {Phase: "finish", Of: sender}, {Phase: "finish", Of: receiver},
	{Phase: "done", Of: sender}, {Phase: "done", Of: receiver},
}

// A link counts as lost after 4.5 s of silence: stops lie on both sides of that.
var stops = []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, time.Second, 5 * time.Second}

// draw draws the kills of a run: one to three.
func draw(rnd *rand.Rand) []kill {
	n := 1
	for n < 3 && rnd.IntN(5) < 2 {
		n++
	}
	kills := make([]kill, n)
	for i := range kills {
		k := &kills[i]
		k.Side = side(rnd.IntN(int(sides)))
		switch p := rnd.IntN(10); {
		case p < 5:
			k.At.Bytes = 0.01 + 0.97*rnd.Float64()
		case p < 7:
			k.At.After = time.Duration(rnd.Int64N(int64(1200*time.Millisecond))) + 1
		default:
			k.At = phases[rnd.IntN(len(phases))]
			k.Delay = time.Duration(rnd.Int64N(int64(15 * time.Millisecond)))
		}
		if rnd.IntN(5) == 0 {
			k.Stop = stops[min(rnd.IntN(5), len(stops)-1)]
			if rnd.IntN(3) > 0 && k.Stop > time.Second {
				k.Stop = stops[0]
			}
		}
	}
	return kills
}
