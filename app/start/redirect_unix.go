//go:build unix && !linux && !android

package start

import "golang.org/x/sys/unix"

// redirect makes fd the standard error of C libraries and the runtime.
func redirect(fd int) error { return unix.Dup2(fd, 2) }
