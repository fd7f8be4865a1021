//go:build !unix

package files

// openNonblock: no folder here holds pipes.
const openNonblock = 0
