//go:build !unix || android

package start

// quiet does nothing: a window has no terminal here.
func quiet() {}
