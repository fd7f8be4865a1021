//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

// report is what -json writes.
type report struct {
	Machine machine  `json:"machine"`
	Commit  string   `json:"commit"`
	Command []string `json:"command"`
	// Absent are peers that are not on this machine.
	Absent  []string  `json:"absent,omitempty"`
	Legend  []string  `json:"legend,omitempty"`
	Results []result  `json:"results"`
	Carried []carried `json:"carried"`
}

type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

// carried is what went over a link in the whole run.
type carried struct {
	Link  string `json:"link"`
	There counts `json:"there"`
	Back  counts `json:"back"`
}

func describeMachine() machine {
	m := machine{CPU: "unknown", Cores: runtime.NumCPU(), Go: runtime.Version()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// describeCommit names what is measured, or says that nobody knows.
func describeCommit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// wrong counts what went wrong.
func (r *report) wrong() (n int) {
	for _, res := range r.Results {
		n += len(res.Wrong) // the measuring's own
		for _, c := range res.Contenders {
			for _, t := range c.Trials {
				n += len(t.Wrong)
			}
		}
	}
	return n
}

// writeJSON writes the report to a file.
func (r *report) writeJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// print writes a table for each link: a block for each data set, with iperf3
// first, then ferry and the peers.
func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d cores, %s, %s; commit %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.Commit)
	for i, res := range r.Results {
		if i == 0 || res.Link != r.Results[i-1].Link {
			fmt.Fprintf(w, "\n%s\n", res.Link)
		}
		if err := res.print(w); err != nil {
			return err
		}
	}
	if len(r.Results) == 0 {
		return nil
	}
	return r.printLegend(w)
}

// print writes one data set's block.
func (r result) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s: %d files, %.1f MB", r.Data, r.Files, float64(r.Bytes)/1e6)
	if n := len(r.Rounds); n > 0 {
		fmt.Fprintf(w, "; load before: %s", r.Rounds[0].Load)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tMbit/s\tmin\tmax\t/ %[1]s\twhole: s\t/ %[1]s\tferry is\tthen sync s\tCPU s/GB old\tnew\tlink\tpeak MB old\tnew\t\n", r.referenceName())
	row := func(name string, s spread) {
		if s.Median > 0 {
			fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t\t\t\t%s\t\t\t\t\t\t\t\n", name, s.Median, s.Min, s.Max, times(r.ferry(), s.Median))
		}
	}
	row("iperf3", r.iperfs())
	row("bare quic-go", r.bares())
	for _, c := range r.Contenders {
		why := c.trouble()
		if len(c.Trials) == 0 {
			why = "not measured"
		}
		if r.speed(c).Median == 0 {
			fmt.Fprintf(t, "%s\t-\t\t\t\t\t\t\t\t\t\t\t\t\t  %s\n", c.Name, why)
			continue
		}
		s, than, rss := r.speed(c), times(r.ferry(), r.speed(c).Median), "\t"
		if c.Name == "ferry" {
			than = ""
			rss = fmt.Sprintf("%d\t%d", c.peak(oldPhone)>>20, c.peak(newPhone)>>20)
		}
		whole := c.over(func(_ int, t trial) float64 { return t.Wall })
		durable := c.over(func(_ int, t trial) float64 { return t.Sync })
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%s\t%.2f\t%s\t%s\t%.2f\t%.1f\t%.1f\t%.1f\t%s\t  %s\n",
			c.Name, s.Median, s.Min, s.Max, dash(r.share(c, moving).Median), whole.Median, dash(r.share(c, wall).Median), than, durable.Median,
			r.perGB(c, func(t trial) float64 { return t.Old.CPU }), r.perGB(c, func(t trial) float64 { return t.New.CPU }),
			r.perGB(c, func(t trial) float64 { return t.Emulator }), rss, why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r.Second.Ran {
		fmt.Fprintf(w, "ferry a second time sent %s", r.Second.share(r.Bytes))
		if r.Resumed.Ran {
			fmt.Fprintf(w, "; after a kill half way, %s", r.Resumed.share(r.Bytes))
		}
		fmt.Fprintln(w)
	}
	if flat := r.flat(); flat.Median > 0 {
		fmt.Fprintf(w, "ferry's items per second, last tenth by first: %.2f (%.2f to %.2f)\n", flat.Median, flat.Min, flat.Max)
	}
	for _, wrong := range r.Wrong {
		fmt.Fprintf(w, "WRONG: %s\n", wrong)
	}
	for _, c := range r.Contenders {
		for i, t := range c.Trials {
			for _, wrong := range t.Wrong {
				fmt.Fprintf(w, "WRONG: %s, round %d: %s\n", c.Name, i+1, wrong)
			}
		}
	}
	return nil
}

const legend = `
Mbit/s is content by time: for ferry the moving, for a peer its whole command. "whole" is the
whole command for ferry too, with the search and the pairing. Figures are medians of the rounds;
ratios are taken within each round, then their median. iperf3 is the better of BBR and CUBIC, mean
of before and after; bare quic-go is one stream of zeros over loopback, without disk and digest.
"ferry is" is ferry's Mbit/s by that row's. "then sync" is how long it takes afterwards to force to
the disk what arrived: ferry has done that itself, the peers leave it to chance. CPU is of all
processes of an end (wait4), ssh and sshd included, and of the emulated link. A figure counts only
if every file arrived with its content. entities: an app's records of 200 bytes; to ferry each is
an item, to the peers they are one file.
`

func (r *report) printLegend(w io.Writer) error {
	text := legend
	for _, l := range r.Legend {
		text += l + ".\n"
	}
	if len(r.Absent) > 0 {
		text += "Left out, not on this machine: " + strings.Join(r.Absent, ", ") + ".\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// ferry is ferry's speed in Mbit/s, 0 if there is none.
func (r result) ferry() float64 {
	for _, c := range r.Contenders {
		if c.Name == "ferry" {
			return r.speed(c).Median
		}
	}
	return 0
}

// flat is over the rounds of ferry in which it is known.
func (r result) flat() spread {
	var v []float64
	for _, c := range r.Contenders {
		for _, t := range c.Trials {
			if t.counts() && t.Flat > 0 {
				v = append(v, t.Flat)
			}
		}
	}
	return spreadOf(v)
}

// times says how many times as fast v is.
func times(v, than float64) string {
	if v <= 0 || than <= 0 {
		return ""
	}
	return fmt.Sprintf("x %.2f", v/than)
}

// dash is a ratio, or a dash.
func dash(v float64) string {
	if v <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

// share says how much of all was sent.
func (a again) share(of int64) string {
	if !a.Ran || of == 0 {
		return "-"
	}
	if a.SentItems == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(a.SentBytes)/float64(of))
}
