//go:build unix

// Command scale shows what a move costs by its size: memory and time for each
// item, from a thousand items to a million, and for one file that is larger than
// any memory.
//
//	scale [-items N,N] [-sparse BYTES] [-json FILE]
//
// Two processes, an old phone and a new one, make a whole move over loopback:
// pairing, QUIC, digests, the journal, the receipt. The old phone is computed and
// needs no disk, or is a folder with one sparse file. The new one counts what
// arrives and keeps nothing, so that what is measured is Ferry's own.
//
// The worst moment is a figure from a move that was not one: it counts only if
// both sides signed, and as many items and bytes arrived as there are.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && (args[0] == "old" || args[0] == "new") {
		var t task
		if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
			return err
		}
		if args[0] == "old" {
			return t.old(ctx)
		}
		return t.new(ctx)
	}
	fs := flag.NewFlagSet("scale", flag.ContinueOnError)
	items := fs.String("items", "1000,10000,100000,1000000", "how many small files, one move each")
	sparse := fs.Int64("sparse", 0, "also a file of so many bytes, all of it a hole")
	out := fs.String("json", "", "write everything that was measured to this file")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return errors.Join(err, errors.New("usage: scale [-items N,N] [-sparse BYTES] [-json FILE]"))
	}
	var tasks []task
	for s := range strings.SplitSeq(*items, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of items", s)
		}
		tasks = append(tasks, task{Items: n})
	}
	if *sparse > 0 {
		tasks = append(tasks, task{Sparse: *sparse})
	}
	var all []figures
	fmt.Printf("%10s %12s %10s %12s %10s %10s %10s %22s\n", "items", "bytes", "moving s", "µs an item", "planned/s", "MB/s", "late/early", "peak MB old, new")
	for _, t := range tasks {
		f, err := measure(ctx, t)
		if err != nil {
			return err
		}
		all = append(all, f)
		fmt.Printf("%10d %12d %10.2f %12.1f %10.0f %10.0f %10.2f %16.0f %5.0f\n", f.Items, f.Bytes, f.Moving,
			f.Moving/float64(f.Items)*1e6, float64(f.Items)/f.Planning, float64(f.Bytes)/f.Moving/1e6, f.Flat, f.PeakOld, f.PeakNew)
	}
	if *out == "" {
		return nil
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*out, append(b, '\n'), 0o644)
}

// figures are what one move cost.
type figures struct {
	Items int64 `json:"items"`
	Bytes int64 `json:"bytes"`
	// Planning and Moving are in seconds.
	Planning float64 `json:"planning"`
	Moving   float64 `json:"moving"`
	// Flat is the items per second of the ninth tenth by those of the second,
	// which have neither the start in them nor the end; 0 where there are too few
	// to tell.
	Flat float64 `json:"late_by_early"`
	// PeakOld and PeakNew are the processes' largest resident sizes in MB.
	PeakOld float64 `json:"peak_old_mb"`
	PeakNew float64 `json:"peak_new_mb"`
}

// measure makes one move in two processes.
func measure(ctx context.Context, t task) (f figures, err error) {
	t.Dir, err = os.MkdirTemp("", "ferry-scale-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(t.Dir)
	if t.Sparse > 0 {
		if err := t.makeSparse(); err != nil {
			return f, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	receiver, lines, err := start(ctx, "new", t)
	if err != nil {
		return f, err
	}
	var place meeting
	err = next(lines, &place)
	var arrived count
	if err == nil {
		t.Meeting = place
		var sender *exec.Cmd
		var told *bufio.Reader
		if sender, told, err = start(ctx, "old", t); err == nil {
			if err = next(told, &f); err == nil {
				err = next(lines, &arrived)
			}
			if err != nil {
				cancel()
			}
			err = errors.Join(err, sender.Wait())
			f.PeakOld = peak(sender)
		}
	}
	if err != nil {
		cancel()
	}
	err = errors.Join(err, receiver.Wait())
	f.PeakNew = peak(receiver)
	if err == nil && (arrived.Items != f.Items || arrived.Bytes != f.Bytes) {
		err = fmt.Errorf("%d items of %d bytes were sent, %d of %d arrived", f.Items, f.Bytes, arrived.Items, arrived.Bytes)
	}
	return f, err
}

// start runs one side of a task.
func start(ctx context.Context, side string, t task) (*exec.Cmd, *bufio.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	b, err := json.Marshal(t)
	if err != nil {
		return nil, nil, err
	}
	c := exec.CommandContext(ctx, self, side, string(b))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return c, bufio.NewReader(out), c.Start()
}

// next reads a line of JSON.
func next(r *bufio.Reader, to any) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("one side ended too soon: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	return json.Unmarshal(line, to)
}

// peak returns a process's largest resident size in MB.
func peak(c *exec.Cmd) float64 {
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return float64(u.Maxrss) * maxrssUnit / 1e6
	}
	return 0
}

// makeSparse makes a folder with one file that is all hole.
func (t *task) makeSparse() error {
	dir := filepath.Join(t.Dir, "phone", "Documents")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := filepath.Join(dir, "disk.img")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(name, t.Sparse); err != nil {
		return err
	}
	return os.Chtimes(name, time.Time{}, time.Unix(1700000000, 0))
}
