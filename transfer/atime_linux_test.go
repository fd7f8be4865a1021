package transfer_test

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// readTimes gives files an access time in the past, and returns a function that
// counts those that were read since.
func readTimes(t *testing.T, list []string) func() int {
	t.Helper()
	past := time.Unix(1_000_000, 0)
	age := func(p string) {
		info, err := os.Stat(p)
		if err == nil {
			err = os.Chtimes(p, past, info.ModTime())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range list {
		age(p)
	}
	read := func() (n int) {
		for _, p := range list {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			if st := info.Sys().(*syscall.Stat_t); time.Unix(st.Atim.Sec, st.Atim.Nsec).After(past) {
				n++
			}
		}
		return n
	}
	probe := slices.IndexFunc(list, func(p string) bool { info, err := os.Stat(p); return err == nil && info.Size() > 0 })
	if _, err := os.ReadFile(list[probe]); err != nil {
		t.Fatal(err)
	}
	if read() == 0 {
		t.Skip("this file system notes no reads")
	}
	age(list[probe])
	return read
}
