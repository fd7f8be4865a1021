//go:build unix && !linux

package main

import (
	"errors"
	"os/exec"

	"github.com/rogpeppe/go-internal/testscript"
)

// Networks, terminals and file systems for a test are Linux's; the scripts that
// need them say so.
const canMakeTTY = false

func canBeAlone() bool { return false }

func alone() error { return errors.ErrUnsupported }

func canMount() bool { return false }

func cmdTTY(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("no terminal for tests here") }

// network does not exist here.
type network struct{}

func (*network) command(_, bin string, args []string) *exec.Cmd { return exec.Command(bin, args...) }

func canMakeNetwork() bool { return false }

func cmdNetwork(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("no network for tests here")
}

func cmdIP(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("no network for tests here") }

func cmdQuiet(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("no network for tests here") }

func cmdTmpfs(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("no tmpfs here") }
