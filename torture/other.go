//go:build !linux

// Command torture kills the program in the middle of moves, and needs /proc to
// choose the moment, which only Linux has.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "torture: it needs Linux, for /proc. Run it on a Linux machine.")
	os.Exit(2)
}
