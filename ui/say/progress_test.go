package say

import (
	"testing"
	"time"

	"github.com/ferry-move/ferry/transfer"
)

func TestLeftBetween(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, tt := range []struct {
		low, high time.Duration
		want      string
	}{
		{0, 4 * s, "a few seconds"},
		{1 * s, 20 * s, "up to 20 seconds"},
		{9 * s, 31 * s, "5–35 seconds"},
		{38 * s, 45 * s, "about 40 seconds"},
		{30 * s, 2 * m, "30–120 seconds"},
		{30 * s, 3 * m, "up to 3 minutes"},
		{3 * m, 5 * m, "3–5 minutes"},
		{195 * s, 290 * s, "3–5 minutes"},
		{11 * m, 13 * m, "about 12 minutes"},
		{55 * s, 95 * s, "55–95 seconds"},
		{88 * s, 92 * s, "about 90 seconds"},
		{50 * s, 70 * s, "50–70 seconds"},
		{40 * m, 2 * h, "40–120 minutes"},
		{40 * m, 4 * h, "up to 4 hours"},
		{85 * m, 95 * m, "about 90 minutes"},
		{2 * h, 5 * h, "2–5 hours"},
	} {
		if got := LeftBetween(tt.low, tt.high); got != tt.want {
			t.Errorf("%v to %v: %q, want %q", tt.low, tt.high, got, tt.want)
		}
	}
}

func TestRange(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, tt := range []struct {
		least, most time.Duration
		want        string
	}{
		{0, 0, ""},
		{-m, -s, ""},
		{0, s, "less than a minute"},
		{m, m, "less than a minute"},
		{20 * s, 61 * s, "up to 2 minutes"},
		{3 * m, 3 * m, "about 3 minutes"},
		{5 * m, m, "about 5 minutes"}, // the wrong way round
		{3*m + 50*s, 6*m + s, "about 3 to 7 minutes"},
		{10 * m, 20 * m, "about 10 to 20 minutes"},
		{12 * m, 16 * m, "about 10 to 20 minutes"},
		{2 * m, 18 * m, "up to 20 minutes"},
		{13 * m, 42 * m, "about 10 to 50 minutes"},
		{50 * m, 100 * m, "about 50 to 100 minutes"},
		{50 * m, 101 * m, "up to 2 hours"},
		{90 * m, 5 * h, "about 1 to 5 hours"},
		{12 * h, 31 * h, "about 10 to 40 hours"},
		{0, 1<<63 - 1, "up to 1000 hours"},
	} {
		if got := English.Range(tt.least, tt.most); got != tt.want {
			t.Errorf("%v to %v: %q, want %q", tt.least, tt.most, got, tt.want)
		}
	}
}

func TestEveryWaitHasWords(t *testing.T) {
	seen := map[string]bool{"": true}
	for w := transfer.WaitNothing + 1; w.String() != (w - 1).String(); w++ {
		p := Waiting(w, 0)
		if seen[p.What] || p.Next == "" {
			t.Errorf("%v: %+v", w, p)
		}
		seen[p.What] = true
	}
	if len(seen) < 8 {
		t.Errorf("%d sentences", len(seen))
	}
	if got := Waiting(transfer.WaitLink, 7900*time.Millisecond).What; got != "Nothing heard from the other phone for 7 s." {
		t.Errorf("%q", got)
	}
	if got := Waiting(transfer.WaitNothing, 0).String(); got != "" {
		t.Errorf("%q", got)
	}
}
