//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// report is what all runs came to.
type report struct {
	Runs   int            `json:"runs"`
	Failed int            `json:"failed"`
	Kills  int            `json:"kills"`
	Sides  map[string]int `json:"kills_by_side"`
	Phases map[string]int `json:"kills_by_phase"`
	// Stopped is how many kills came to a program that stood still.
	Stopped int `json:"stopped_before"`
	Missed  int `json:"missed"`
	// Bytes is the content of all phones.
	Bytes     int64      `json:"bytes"`
	Again     int64      `json:"sent_again"`
	MostAgain int64      `json:"sent_again_most"` // in one run
	Outcomes  []*outcome `json:"outcomes"`
}

func (r *report) add(o *outcome) {
	if r.Sides == nil {
		r.Sides, r.Phases = map[string]int{}, map[string]int{}
	}
	r.Runs++
	if o.Failure != "" {
		r.Failed++
	}
	for _, k := range o.Kills {
		r.Kills++
		r.Sides[k.Side]++
		r.Phases[k.Phase]++
		if k.Stop > 0 {
			r.Stopped++
		}
	}
	r.Missed += o.Missed
	r.Bytes += o.Bytes
	r.Again += o.Again
	r.MostAgain = max(r.MostAgain, o.Again)
	r.Outcomes = append(r.Outcomes, o)
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// String is one line, and more for a failure.
func (o *outcome) String() string {
	var kills []string
	for _, k := range o.Kills {
		s := k.Side + " at " + k.At
		if k.Stop > 0 {
			s += fmt.Sprintf(" after a stop of %.2f s", k.Stop)
		}
		kills = append(kills, s)
	}
	s := fmt.Sprintf("seed %d: %.0f MiB, %d killed (%s), %.1f MiB again, %.1f s", o.Seed, mib(o.Bytes), len(o.Kills), strings.Join(kills, "; "), mib(o.Again), o.Seconds)
	if o.Failure != "" {
		s += fmt.Sprintf("\nFAILED: %s\n  kept: %s\n  to repeat it: go run ./torture -runs 1 -seed %d", o.Failure, o.Kept, o.Seed)
	}
	return s
}

// print writes the summary.
func (r *report) print(w io.Writer) {
	mean := 0.0
	if r.Kills > 0 {
		mean = mib(r.Again) / float64(r.Kills)
	}
	fmt.Fprintf(w, "%d runs, %d failed, %.1f GB moved; %d kills (%s; at %s), %d of them after a stop, %d came too late; sent again: %.2f MiB a kill, %.1f MiB at most in a run\n",
		r.Runs, r.Failed, float64(r.Bytes)/1e9, r.Kills, counts(r.Sides), counts(r.Phases), r.Stopped, r.Missed, mean, mib(r.MostAgain))
}

func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(out, ", ")
}

func (r *report) writeJSON(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
