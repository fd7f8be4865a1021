package say

import (
	"fmt"
	"time"
)

// months are the days of a year's months.
var months = [...]string{
	"{{.Day}} January {{.Year}}", "{{.Day}} February {{.Year}}", "{{.Day}} March {{.Year}}", "{{.Day}} April {{.Year}}", "{{.Day}} May {{.Year}}",
	"{{.Day}} June {{.Year}}", "{{.Day}} July {{.Year}}", "{{.Day}} August {{.Year}}", "{{.Day}} September {{.Year}}", "{{.Day}} October {{.Year}}",
	"{{.Day}} November {{.Year}}", "{{.Day}} December {{.Year}}",
}

// Date says a day, in now's zone: "today", "yesterday", "3 March 2026".
func (w Words) Date(t, now time.Time) string {
	t = t.In(now.Location())
	same := func(a, b time.Time) bool { return a.YearDay() == b.YearDay() && a.Year() == b.Year() }
	switch {
	case same(t, now):
		return w.Say("today")
	case same(t, now.AddDate(0, 0, -1)):
		return w.Say("yesterday")
	}
	return w.Say(months[t.Month()-1], Fields{"Day": fmt.Sprint(t.Day()), "Year": fmt.Sprint(t.Year())})
}

// Moment says a day and its time: "yesterday, 14:20".
func (w Words) Moment(t, now time.Time) string {
	return w.Say("{{.Date}}, {{.Time}}", Fields{"Date": w.Date(t, now), "Time": Clock(t, now)})
}

// Clock says the time of a day, in now's zone: "14:20".
func Clock(t, now time.Time) string { return t.In(now.Location()).Format("15:04") }
