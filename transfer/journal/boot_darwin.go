package journal

import "golang.org/x/sys/unix"

// ThisBoot returns what the kernel calls its run.
func ThisBoot() Boot {
	text, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return Boot{}
	}
	return parseBoot(text)
}
