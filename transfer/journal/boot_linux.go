package journal

import "os"

// ThisBoot returns what the kernel calls its run.
func ThisBoot() Boot {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Boot{}
	}
	return parseBoot(string(text))
}
