package say

import "time"

// Ago says how long ago something was: "just now", "3 minutes ago".
func (w Words) Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return w.Say("just now")
	case d < time.Hour:
		return w.Number("{{.Count}} minute ago", "{{.Count}} minutes ago", uint64(d/time.Minute))
	case d < 24*time.Hour:
		return w.Number("{{.Count}} hour ago", "{{.Count}} hours ago", uint64(d/time.Hour))
	}
	return w.Number("{{.Count}} day ago", "{{.Count}} days ago", uint64(d/(24*time.Hour)))
}
