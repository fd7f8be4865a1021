//go:build !linux

// Command bench measures ferry between two network namespaces, which only
// Linux has.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: it needs Linux and root, for network namespaces and TAP devices. Run it on a Linux machine.")
	os.Exit(2)
}
