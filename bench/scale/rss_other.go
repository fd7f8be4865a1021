//go:build unix && !linux

package main

// maxrssUnit is what Rusage.Maxrss counts in, in bytes.
const maxrssUnit = 1
