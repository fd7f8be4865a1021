//go:build !android

package window

// shared is the phone's own storage: none, where a folder stands for the phone.
func shared() string { return "" }
