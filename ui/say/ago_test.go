package say

import (
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	tests := []struct {
		d    time.Duration
		want string
	}{
		{-time.Hour, "just now"}, {0, "just now"}, {59 * time.Second, "just now"},
		{time.Minute, "1 minute ago"}, {119 * time.Second, "1 minute ago"}, {59 * time.Minute, "59 minutes ago"},
		{time.Hour, "1 hour ago"}, {23*time.Hour + 59*time.Minute, "23 hours ago"},
		{24 * time.Hour, "1 day ago"}, {100 * 24 * time.Hour, "100 days ago"},
	}
	for _, tt := range tests {
		if got := English.Ago(tt.d); got != tt.want {
			t.Errorf("%v: %q; want %q", tt.d, got, tt.want)
		}
	}
}
