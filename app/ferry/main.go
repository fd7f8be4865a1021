// Command ferry moves everything on a phone to a new phone.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ferry-move/ferry/app/memory"
	"github.com/ferry-move/ferry/ui/cli"
)

func main() {
	memory.Bound(memory.Budget)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	code := cli.Main(ctx, os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	os.Exit(code)
}
