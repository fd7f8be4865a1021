//go:build !android

package session

import "os"

// modelName reads the machine's model from its firmware's tables.
func modelName() string {
	b, err := os.ReadFile("/sys/class/dmi/id/product_name")
	if err != nil {
		b, _ = os.ReadFile("/proc/device-tree/model")
	}
	return string(b)
}
