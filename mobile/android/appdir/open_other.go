//go:build !unix

package appdir

// nonblock: no folder here holds pipes.
const nonblock = 0
