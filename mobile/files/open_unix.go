//go:build unix

package files

import "syscall"

// openNonblock makes opening a pipe return at once.
const openNonblock = syscall.O_NONBLOCK
