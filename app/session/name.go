package session

import (
	"runtime"
	"strings"
)

// DeviceName is the name to show where the person gave none: the model. It
// never is the host name, which often holds a person's.
func DeviceName() string {
	if m := strings.TrimSpace(modelName()); m != "" && !placeholder(m) {
		return m
	}
	switch runtime.GOOS {
	case "linux":
		return "Linux computer"
	case "darwin":
		return "Mac"
	case "windows":
		return "Windows computer"
	case "android":
		return "Android phone"
	}
	return "Computer"
}

// placeholder tells the names that makers leave in when they gave none.
func placeholder(m string) bool {
	switch strings.ToLower(m) {
	case "to be filled by o.e.m.", "system product name", "default string", "not applicable", "none", "unknown":
		return true
	}
	return false
}
