//go:build !android

package start

import "golang.org/x/sys/unix"

// redirect makes fd the standard error of C libraries and the runtime.
func redirect(fd int) error { return unix.Dup3(fd, 2, 0) } // arm64 has no dup2
