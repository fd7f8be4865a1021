//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// barePort is UDP.
const barePort = 2024

// buildGo makes a program of this module in the benchmark's folder.
func (b *bench) buildGo(ctx context.Context, name, pkg string) (string, error) {
	path := filepath.Join(b.dir, name)
	b.note("building %s", name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "github.com/ferry-move/ferry/"+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", name, err, out)
	}
	return path, nil
}

// bareOnce is what a bare quic-go gets on loopback, in Mbit/s.
func (b *bench) bareOnce(ctx context.Context) (mbit float64, err error) {
	if b.bare == "" {
		if b.bare, err = b.buildGo(ctx, "bare", "bench/bare"); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, b.opt.iperf+patience)
	defer cancel()
	addr := net.JoinHostPort(b.lab.addrs[newPhone], strconv.Itoa(barePort))
	far, err := b.lab.launch(ctx, job{side: newPhone, name: b.bare, args: []string{"listen", addr}})
	if err != nil {
		return 0, err
	}
	defer far.stop()
	// Its first packets are sent again if it does not listen yet.
	out, err := b.lab.command(ctx, oldPhone, b.bare, "dial", addr, b.opt.iperf.String()).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return 0, fmt.Errorf("bare quic-go: %w", err)
	}
	var a struct {
		Bytes   int64   `json:"bytes"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return 0, fmt.Errorf("bare quic-go: %w", err)
	}
	if a.Seconds <= 0 {
		return 0, errors.New("bare quic-go: it took no time")
	}
	return float64(a.Bytes) * 8 / 1e6 / a.Seconds, far.wait()
}
