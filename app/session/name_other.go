//go:build !linux || android

package session

// modelName: not known here without the platform's own interface.
func modelName() string { return "" }
