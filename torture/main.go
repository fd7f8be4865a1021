//go:build linux

// Command torture kills ferry. It moves a phone from a seed with the real
// program over loopback, kills one side or both with SIGKILL at random moments,
// starts them again until the move has ended, and looks whether the new phone
// is what the old one is: names, content, times, modes, nothing left behind,
// equal totals, a good receipt, and hardly anything sent again. Some two hundred
// times.
//
// Its worst moment is a failure that nobody sees again: each run is drawn from
// its own seed, which is logged, and one that fails keeps its folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
)

const usageText = `Usage: go run ./torture [flags]

  -runs N      how many runs (default 200)
  -seed N      the first run's seed; the next runs have the next ones (default 1)
  -at-once N   how many runs at the same time (default 2)
  -ferry FILE  torture this program (default: build it)
  -dir DIR     where the phones are made (default: the temporary folder)
  -json FILE   write what happened there too

Each run moves a phone of some 23 to 55 MB and is killed one to three times. A run
that fails keeps its folder and says how to repeat it. 200 runs take about a
quarter of an hour.

Exit codes: 0 nothing was wrong; 1 something was; 2 it was called wrongly; 130
interrupted.
`

// options are what main reads from the command line.
type options struct {
	runs, atOnce int
	seed         uint64
	ferry        string // empty = it is built
	dir          string // empty = the system's folder for temporary files
	log          io.Writer
}

func main() { os.Exit(realMain()) }

func realMain() int {
	opt := options{log: os.Stderr}
	fs := flag.NewFlagSet("torture", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(os.Stderr, usageText) }
	fs.IntVar(&opt.runs, "runs", 200, "")
	fs.Uint64Var(&opt.seed, "seed", 1, "")
	fs.IntVar(&opt.atOnce, "at-once", 2, "")
	fs.StringVar(&opt.ferry, "ferry", "", "")
	fs.StringVar(&opt.dir, "dir", "", "")
	jsonFile := fs.String("json", "", "")
	switch err := fs.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case fs.NArg() > 0 || opt.runs < 1 || opt.atOnce < 1:
		fs.Usage()
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	rep, err := run(ctx, opt)
	if rep != nil {
		rep.print(os.Stdout)
		if *jsonFile != "" {
			err = errors.Join(err, rep.writeJSON(*jsonFile))
		}
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "torture: interrupted")
		return 130
	case err != nil:
		fmt.Fprintf(os.Stderr, "torture: %v\n", err)
		return 1
	case rep.Failed > 0:
		return 1
	}
	return 0
}

// run does all runs. What went wrong in them is in the report; an error means
// that the torture itself did not work.
func run(ctx context.Context, opt options) (_ *report, err error) {
	dir, err := os.MkdirTemp(opt.dir, "ferry-torture-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir) // it stays while something failed in it
	if opt.ferry == "" {
		opt.ferry = filepath.Join(dir, "ferry")
		defer os.Remove(opt.ferry)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", opt.ferry, "github.com/ferry-move/ferry/app/ferry")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build ferry: %w: %s", err, out)
		}
	} else if opt.ferry, err = filepath.Abs(opt.ferry); err != nil {
		return nil, err
	}
	seeds := make(chan uint64)
	go func() {
		defer close(seeds)
		for i := range uint64(opt.runs) {
			select {
			case seeds <- opt.seed + i:
			case <-ctx.Done():
				return
			}
		}
	}()
	rep := new(report)
	var mu sync.Mutex // guards rep, the log and what follows
	var errs []error
	var wg sync.WaitGroup
	for range opt.atOnce {
		wg.Go(func() {
			for seed := range seeds {
				home := filepath.Join(dir, fmt.Sprint("seed-", seed))
				err := os.Mkdir(home, 0o700)
				var o *outcome
				if err == nil {
					o = play(ctx, opt.ferry, home, seed)
					if ctx.Err() != nil || o.Failure == "" {
						err = os.RemoveAll(home)
					} else {
						o.Kept = home
					}
				}
				mu.Lock()
				errs = append(errs, err)
				if o != nil && ctx.Err() == nil {
					rep.add(o)
					fmt.Fprintln(opt.log, "torture:", o)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return rep, errors.Join(errs...)
}
