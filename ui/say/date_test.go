package say

import (
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2026, 1, 1, 0, 30, 0, 0, zone)
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{now.UTC(), "today, 00:30"},
		{now.Add(-31 * time.Minute), "yesterday, 23:59"},
		{now.AddDate(0, 0, -2), "30 December 2025, 00:30"},
		{now.AddDate(-1, 0, 0), "1 January 2025, 00:30"},
		{now.AddDate(0, 0, 1), "2 January 2026, 00:30"}, // a clock was set
		{time.Time{}, "1 January 1, 02:00"},
	} {
		if got := English.Moment(c.t, now); got != c.want {
			t.Errorf("%v: %q; want %q", c.t, got, c.want)
		}
	}
}
