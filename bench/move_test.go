//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMove runs everything but iperf3, small: a whole phone moves between two
// namespaces over link A, a second run sends nothing, and a sender killed half
// way is started again.
func TestMove(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it builds ferry and runs it for some seconds")
	}
	needNamespaces(t)
	dir := t.TempDir()
	rep, err := run(t.Context(), options{
		links: links[:1], data: mustParse(t, "photos:20+tiny:300+entities:50+contacts:30"), seed: 1, dir: dir, log: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Results) != 1 || len(rep.Carried) != 1 {
		t.Fatalf("%+v", rep)
	}
	r := rep.Results[0]
	if rep.wrong() > 0 {
		t.Errorf("%+v", r)
	}
	if len(r.Contenders) != 1 || len(r.Contenders[0].Trials) != 1 {
		t.Fatalf("%+v", r)
	}
	if f := r.Contenders[0].Trials[0]; !r.Second.Ran || !r.Resumed.Ran || f.Wall < f.Moving || !f.counts() || r.Bytes == 0 || f.Old.CPU == 0 || f.New.RSS == 0 {
		t.Errorf("%+v", r)
	}
	if !r.Resumed.Cut {
		t.Error("the sender ended before half of the bytes had arrived")
	}
	if there := rep.Carried[0].There; there.Bytes < uint64(r.Bytes) || there.Lost == 0 {
		t.Errorf("the link carried %+v of %d bytes", there, r.Bytes)
	}

	file := filepath.Join(dir, "report.json")
	if err := rep.writeJSON(file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	var back report
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil || len(back.Results) != 1 || back.Results[0].Bytes != r.Bytes {
		t.Errorf("%v: %s", err, b)
	}
	var table strings.Builder
	if err := rep.print(&table); err != nil || !strings.Contains(table.String(), r.Data) || !strings.Contains(table.String(), r.Link.String()) {
		t.Errorf("%v: %s", err, &table)
	}
	checkGone(t, dir)
}

// TestInterrupted ends a run in the middle of a move: nothing stays.
func TestInterrupted(t *testing.T) {
	needNamespaces(t)
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// A ferry that shows a code and then does nothing. It says who it is where
	// the test listens.
	ferry := filepath.Join(dir, "ferry")
	script := "#!/bin/sh\necho '{\"event\":\"code\",\"code\":\"1\"}'\necho $$ > " + fifo + "\nexec sleep 1000\n"
	if err := os.WriteFile(ferry, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	listening, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	interrupted := errors.New("interrupted")
	var pids [2]int
	heard := make(chan error, 1)
	go func() {
		_, err := fmt.Fscanf(listening, "%d\n%d\n", &pids[0], &pids[1])
		cancel(interrupted)
		heard <- err
	}()
	_, err = run(ctx, options{links: links[:1], data: mustParse(t, "tiny:1"), dir: dir, ferry: ferry, log: t.Output()})
	listening.Close()
	if herr := <-heard; herr != nil || !errors.Is(err, interrupted) {
		t.Fatalf("%v, %v", err, herr)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
	checkGone(t, dir)
}

// needNamespaces skips where namespaces cannot be made.
func needNamespaces(t *testing.T) {
	t.Helper()
	if err := canRun(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	probe := fmt.Sprintf("ferry-bench-%d-probe", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		t.Skipf("skipped: network namespaces are not allowed here: %v: %s", err, out)
	}
	if out, err := exec.Command("ip", "netns", "del", probe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// checkGone looks for what a run should have removed.
func checkGone(t *testing.T, dir string) {
	t.Helper()
	for _, pattern := range []string{
		filepath.Join(dir, "ferry-bench-*"),
		filepath.Join("/run/netns", fmt.Sprintf("ferry-bench-%d-*", os.Getpid())),
	} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// TestQuick runs -quick with every peer that is here. It is asked for with
// FERRY_BENCH_QUICK=1, since it takes half a minute and wants the machine.
func TestQuick(t *testing.T) {
	if os.Getenv("FERRY_BENCH_QUICK") == "" {
		t.Skip("skipped: FERRY_BENCH_QUICK is not set")
	}
	needNamespaces(t)
	dir := t.TempDir()
	asJSON, picture := filepath.Join(dir, "report.json"), filepath.Join(dir, "report.svg")
	program := filepath.Join(dir, "bench")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "-quick", "-dir", dir, "-json", asJSON, "-svg", picture)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	var rep report
	b, err := os.ReadFile(asJSON)
	if err == nil {
		err = json.Unmarshal(b, &rep)
	}
	if err != nil || len(rep.Results) != 2 {
		t.Fatalf("%v: %s", err, b)
	}
	all, err := parsePeers(usualPeers)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rep.Results {
		if got := len(r.Contenders) + len(rep.Absent); got != 1+len(all) {
			t.Errorf("link %s: %d contenders", r.Link.Name, got)
		}
		for _, c := range r.Contenders {
			if len(c.Trials) != 1 || !c.Trials[0].counts() || c.Trials[0].Old.CPU == 0 || c.Trials[0].New.CPU == 0 {
				t.Errorf("link %s: %+v", r.Link.Name, c)
			}
		}
	}
	if svg, err := os.ReadFile(picture); err != nil || !strings.HasPrefix(string(svg), "<svg ") {
		t.Errorf("%v: %.100s", err, svg)
	}
	for _, pattern := range []string{filepath.Join(dir, "ferry-bench-*"), fmt.Sprintf("/run/netns/ferry-bench-%d-*", cmd.Process.Pid)} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// TestPeerInterrupted ends a run in which a peer has processes that ended
// themselves from its process group: nothing stays.
func TestPeerInterrupted(t *testing.T) {
	needNamespaces(t)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := newLab(ctx, links[5], 1)
	if err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	listening, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	// setsid, as sshd's sessions do it; and one more in the group itself.
	c, err := l.launch(ctx, job{side: oldPhone, name: "sh", args: []string{"-c", `setsid sh -c 'echo $$ > "$0"; exec sleep 1000' "$0" & sleep 1000`, fifo}})
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscanf(listening, "%d\n", &pid); err != nil {
		t.Fatal(err)
	}
	if pids, err := l.processes(); err != nil || !slices.Contains(pids, pid) {
		t.Errorf("process %d is not seen: %v, %v", pid, pids, err)
	}
	cancel()
	if err := c.wait(); err == nil {
		t.Error("it ended well")
	}
	if _, err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if pids, err := l.processes(); err != nil || len(pids) > 0 {
		t.Errorf("left: %v, %v", pids, err)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(state), ") Z") {
			t.Errorf("process %d is still there: %s", pid, state)
		}
	}
	checkGone(t, t.TempDir())
}
