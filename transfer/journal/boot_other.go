//go:build !linux && !darwin

package journal

// ThisBoot returns nothing: every run may be of another start of the system.
func ThisBoot() Boot { return Boot{} }
