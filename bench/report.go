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
	Machine machine   `json:"machine"`
	Commit  string    `json:"commit"`
	Command []string  `json:"command"`
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

// wrong counts what the phones did wrong.
func (r *report) wrong() (n int) {
	for _, res := range r.Results {
		n += len(res.Wrong)
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

// print writes a table for each link.
func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d cores, %s, %s; commit %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel, r.Machine.Go, r.Commit)
	var last Link
	var t *tabwriter.Writer
	for _, res := range r.Results {
		if t == nil || res.Link != last {
			if t != nil {
				t.Flush()
			}
			fmt.Fprintf(w, "\n%s\n", res.Link)
			t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintln(t, "data\tfiles\tMB\tsend s\tmoving s\tMbit/s\tiperf3\tratio\tratio, whole send\tCPU s old\tnew\tlink\tMB RSS old\tnew\tsecond run sent\tafter kill sent\twrong\t")
		}
		last = res.Link
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.2f\t%.2f\t%.0f\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%d\t%d\t%s\t%s\t%d\t\n",
			res.Data, res.Files, float64(res.Bytes)/1e6, res.Wall, res.Moving, res.mbit(res.Moving), number(res.Iperf.best()),
			ratio(res.mbit(res.Moving), res.Iperf.best()), ratio(res.mbit(res.Wall), res.Iperf.best()),
			res.Old.CPU, res.New.CPU, res.Emulator, res.Old.RSS>>20, res.New.RSS>>20,
			res.Second.share(res.Bytes), res.Resumed.share(res.Bytes), len(res.Wrong))
	}
	if t == nil {
		return nil
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nMbit/s and ratio are of the moving; iperf3 is the better of BBR and CUBIC, mean of before and after.")
	return nil
}

func number(v float64) string {
	if v <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", v)
}

func ratio(v, of float64) string {
	if of <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v/of)
}

// share says how much of all was sent.
func (a again) share(of int64) string {
	if !a.Ran || of == 0 {
		return "-"
	}
	s := fmt.Sprintf("%.1f %%", 100*float64(a.SentBytes)/float64(of))
	if a.SentItems == 0 {
		s = "nothing"
	}
	return s
}
