//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// iperf is what iperf3 got, in Mbit/s of content, just before and just after
// ferry.
type iperf struct {
	BBR   []float64 `json:"bbr"`
	Cubic []float64 `json:"cubic"`
}

// best is the mean of the better congestion control, 0 if there is none.
func (r iperf) best() float64 { return max(mean(r.BBR), mean(r.Cubic)) }

func mean(v []float64) (sum float64) {
	for _, x := range v {
		sum += x / float64(len(v))
	}
	return sum
}

// haveIperf reports whether iperf3 is here, or says how to get it.
func haveIperf() error {
	if _, err := exec.LookPath("iperf3"); err != nil {
		return errors.New("iperf3 is not here, so there is no ratio; to get it: apt-get install -y iperf3")
	}
	return nil
}

// iperfOnce adds one measurement with each congestion control.
func (b *bench) iperfOnce(ctx context.Context, r *iperf) error {
	for control, to := range map[string]*[]float64{"bbr": &r.BBR, "cubic": &r.Cubic} {
		if slices.Contains(b.without, control) {
			continue
		}
		v, err := b.iperfRun(ctx, control)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // a kernel may lack one
			b.without = append(b.without, control)
			b.note("iperf3 -C %s: %v", control, err)
		default:
			*to = append(*to, v)
		}
	}
	return nil
}

func (b *bench) iperfRun(ctx context.Context, control string) (mbit float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.opt.iperf+patience)
	defer cancel()
	server := b.lab.command(ctx, newPhone, "iperf3", "-s", "-1", "--forceflush")
	out, err := server.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, err
	}
	defer func() { // it ends with its one client, or with ctx
		if err != nil {
			cancel()
		}
		if werr := server.Wait(); err == nil && werr != nil {
			err = fmt.Errorf("the server: %w", werr)
		}
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening") {
	}
	client := b.lab.command(ctx, oldPhone, "iperf3", "-c", b.lab.addrs[newPhone], "-C", control, "-t", strconv.FormatFloat(b.opt.iperf.Seconds(), 'f', 0, 64), "-J")
	text, runErr := client.Output()
	for lines.Scan() { // so that the server can end
	}
	var res struct {
		Error string `json:"error"`
		End   struct {
			Received struct {
				Bits float64 `json:"bits_per_second"`
			} `json:"sum_received"`
		} `json:"end"`
	}
	if err := json.Unmarshal(text, &res); err != nil {
		return 0, errors.Join(runErr, err)
	}
	if res.Error != "" || runErr != nil {
		return 0, fmt.Errorf("%s: %w", res.Error, errors.Join(runErr, ctx.Err()))
	}
	return res.End.Received.Bits / 1e6, nil
}
