//go:build !linux

// Deny is for Linux only; see main_linux.go.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "deny: cannot filter system calls on this system")
	os.Exit(125)
}
