package cli

import (
	"fmt"
	"testing"
)

func TestLimit(t *testing.T) {
	const no, least, most = "it is a number of bytes such as 500K, 20M, 20MB or 1G.", "10K is the least.", "999T is the most."
	for text, want := range map[string]any{
		"20M": 20_000_000, "500k": 500_000, "1G": 1_000_000_000, "10000": 10_000, "20MB": 20_000_000, "20mb": 20_000_000, "5T": 5_000_000_000_000, "999T": 999_000_000_000_000,
		"": no, "-1M": no, "+5M": no, "20Mi": no, "fast": no, "1e6": no, "M": no, "20000B": no, "0M": no, "2 M": no,
		"1": least, "9K": least, "9999": least, "0": least,
		"1000T": most, "99999999999G": most, "99999999999999999999": most,
	} {
		fs := new(command).flags("send")
		l := limitFlag(fs)
		_, err := new(command).parse(fs, []string{"--limit", text}, 0)
		n, good := want.(int)
		if !good {
			if msg := fmt.Sprintf("--limit cannot be %q: %s", text, want); err == nil || err.Error() != msg {
				t.Errorf("%v; want %s", err, msg)
			}
		} else if err != nil || int64(*l) != int64(n) {
			t.Errorf("%q: %d, %v", text, *l, err)
		}
		if f := l.get(); good && (f == nil || f() != int64(n)) || !good && f != nil {
			t.Errorf("%q: the session is told otherwise", text)
		}
	}
}
