//go:build !linux && !darwin

package cli

import (
	"errors"
	"os"
)

// singleKeys cannot read single keys here.
func singleKeys(*os.File) (func(stop, interrupted <-chan struct{}, pressed func(key byte)), error) {
	return nil, errors.ErrUnsupported
}

// notifyPause has nothing to wait for: there is no such signal here.
func notifyPause(chan<- os.Signal) {}
