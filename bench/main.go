//go:build linux

// Command bench measures ferry: the real program, in two network namespaces
// without a way out, joined by an emulated Wi-Fi.
//
// On each link, for each data set, it moves a phone with ferry send and ferry
// receive, which find each other by mDNS alone, and with what a user would take
// instead, between two measurements with iperf3; compares what arrived; with
// ferry moves again, which must send nothing; and into a new phone once more,
// where it kills the sender half way and starts it again. See
// docs/benchmarks.md.
//
// Its worst moment is to be interrupted: whatever it started and made is ended
// and removed all the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const usageText = `Usage: go run ./bench [flags], as root

  -link L,L      links to measure on, or all (default A):
                   A  400 Mbit/s, 2 ms one way, 0.1 % loss
                   B  400 Mbit/s, 2 ms
                   C  900 Mbit/s, 1 ms, 0.05 %
                   D  50 Mbit/s, 10 ms, 1 %
                   E  150 Mbit/s, 3 ms, everything lost for 30 ms every 2 s
                   F  loopback, not emulated
  -rate, -delay, -loss
                 Mbit/s, a duration one way, and a probability instead of the
                 link's own
  -data D,D      what to move (default big,photos,tiny,text,entities):
                   big       one file of 512 MiB
                   photos    300 files of 0.3 to 3 MB
                   tiny      20,000 files of 1 to 8 KiB in 100 folders
                   text      2,000 files of 64 KiB of words
                   entities  an app with 200,000 records of 200 bytes
                   contacts  400 contacts
                 photos:20 is 20 of them; photos+tiny is one phone with both
  -peers P,P     what to measure beside ferry, or none; those that are not here
                 are left out (default rsync,scp,wormhole,croc,tar|ncat; there
                 is also rsync-z)
  -rounds N      how often to measure everything, for median, least and most
                 (default 1)
  -patience D    end a peer after so long (default 10m)
  -once          without moving again and without the kill
  -quick         a little of everything on A and F, in less than a minute; -link,
                 -data, -peers and the others still count
  -n N           so many of everything, to be done sooner
  -vcf DIR       add the vCard files in DIR to the contacts
  -iperf D       how long each run of iperf3 takes (default 5s; 0: without)
  -ferry FILE    measure this program (default: build it)
  -dir DIR       where the phones are made (default: the temporary folder)
  -seed N        which data, and which losses (default 1)
  -json FILE     write the results there too
  -svg FILE      draw them there
  -keep          leave the phones where they are

Exit codes: 0 measured, and nothing was wrong; 1 something was wrong; 2 it was
called wrongly, or cannot work here; 130 interrupted.
`

// The first thread cannot end, so it must never enter a namespace: it stays with
// main, see inside.
func init() { runtime.LockOSThread() }

func main() { os.Exit(realMain()) }

func realMain() int {
	opt := options{log: os.Stderr}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(os.Stderr, usageText) }
	linkNames := fs.String("link", "A", "")
	rate := fs.Float64("rate", 0, "")
	delay := fs.Duration("delay", 0, "")
	loss := fs.Float64("loss", 0, "")
	data := fs.String("data", "big,photos,tiny,text,entities", "")
	peerNames := fs.String("peers", usualPeers, "")
	quick := fs.Bool("quick", false, "")
	fs.IntVar(&opt.rounds, "rounds", 1, "")
	fs.DurationVar(&opt.patience, "patience", 10*time.Minute, "")
	fs.BoolVar(&opt.once, "once", false, "")
	n := fs.Int("n", 0, "")
	fs.StringVar(&opt.vcf, "vcf", "", "")
	fs.DurationVar(&opt.iperf, "iperf", 5*time.Second, "")
	fs.StringVar(&opt.ferry, "ferry", "", "")
	fs.StringVar(&opt.dir, "dir", "", "")
	fs.Uint64Var(&opt.seed, "seed", 1, "")
	jsonFile, svgFile := fs.String("json", "", ""), fs.String("svg", "", "")
	fs.BoolVar(&opt.keep, "keep", false, "")
	switch err := fs.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 2
	}
	if fs.NArg() > 0 {
		return fail(fmt.Errorf("unexpected argument %q", fs.Arg(0)))
	}
	if *quick {
		for name, value := range quickFlags {
			given := false
			fs.Visit(func(f *flag.Flag) { given = given || f.Name == name })
			if !given {
				if err := fs.Lookup(name).Value.Set(value); err != nil { // not fs.Set: nobody gave it
					return fail(err)
				}
			}
		}
	}
	if opt.rounds < 1 || opt.patience <= 0 || opt.iperf < 0 {
		return fail(errors.New("-rounds and -patience are more than nothing, and -iperf is not negative"))
	}
	if *linkNames == "all" {
		*linkNames = "A,B,C,D,E,F"
	}
	for name := range strings.SplitSeq(*linkNames, ",") {
		l, err := linkNamed(name)
		if err != nil {
			return fail(err)
		}
		fs.Visit(func(f *flag.Flag) {
			switch f.Name {
			case "rate":
				l.Rate = *rate
			case "delay":
				l.Delay = *delay
			case "loss":
				l.Loss = *loss
			default:
				return
			}
			l.Name = strings.TrimSuffix(l.Name, "*") + "*" // no longer quite that link
		})
		if err := l.check(); err != nil {
			return fail(err)
		}
		opt.links = append(opt.links, l)
	}
	var err error
	if opt.data, err = parseData(*data, *n); err != nil {
		return fail(err)
	}
	if opt.peers, err = parsePeers(*peerNames); err != nil {
		return fail(err)
	}
	if err := canRun(); err != nil {
		return fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	rep, err := run(ctx, opt)
	if rep != nil {
		rep.Command = append([]string{"go", "run", "./bench"}, os.Args[1:]...)
		err = errors.Join(err, rep.print(os.Stdout))
		if *jsonFile != "" {
			err = errors.Join(err, rep.writeJSON(*jsonFile))
		}
		if *svgFile != "" {
			err = errors.Join(err, rep.writeSVG(*svgFile))
		}
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: interrupted; what it made is removed")
		return 130
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	case rep.wrong() > 0:
		return 1
	}
	return 0
}

// quickFlags are what -quick stands for.
var quickFlags = map[string]string{
	"link": "A,F", "data": "big:4+photos:4+tiny:100+text:20+entities:1000", "iperf": "1s", "patience": "30s", "once": "true",
}

// canRun says why this cannot work here, and what to do.
func canRun() error {
	switch _, err := exec.LookPath("ip"); {
	case os.Geteuid() != 0:
		return errors.New("it makes network namespaces and TAP devices, and so needs root: sudo go run ./bench")
	case err != nil:
		return errors.New("there is no ip command; to get it: apt-get install -y iproute2")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return errors.New("there is no /dev/net/tun: the kernel lacks TAP devices, or modprobe tun loads them")
	}
	return nil
}
