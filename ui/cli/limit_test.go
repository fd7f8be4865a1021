package cli

import (
	"flag"
	"io"
	"testing"
)

func TestLimit(t *testing.T) {
	for text, want := range map[string]int64{
		"20M": 20_000_000, "500k": 500_000, "1G": 1_000_000_000, "10000": 10_000, "20MB": 20_000_000,
		"": 0, "9K": 0, "0": 0, "-1M": 0, "20Mi": 0, "fast": 0, "1e6": 0, "M": 0, "99999999999G": 0,
	} {
		fs := flag.NewFlagSet("send", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		l := limitFlag(fs)
		err := fs.Parse([]string{"--limit", text})
		if (err == nil) != (want > 0) || int64(*l) != want {
			t.Errorf("%q: %d, %v", text, *l, err)
		}
		if f := l.get(); want > 0 && (f == nil || f() != want) || want == 0 && f != nil {
			t.Errorf("%q: the session is told otherwise", text)
		}
	}
}
