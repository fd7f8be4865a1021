package say

import (
	"fmt"
	"math"
	"time"

	"github.com/ferry-move/ferry/transfer"
)

// waits has a sentence for each transfer.Wait.
var waits = map[transfer.Wait]Problem{
	transfer.WaitPerson:     {"Waiting for a yes on the new phone.", "Look at it and accept."},
	transfer.WaitPause:      {"Paused here.", "What has arrived is safe. Go on when you like."},
	transfer.WaitPauseThere: {"Paused on the other phone.", "What has arrived is safe. It goes on when somebody there lets it."},
	transfer.WaitPauseBoth:  {"Paused on both phones.", "What has arrived is safe. It goes on when both let it."},
	transfer.WaitDisk:       {"Waiting for this phone's storage.", "It goes on by itself."},
	transfer.WaitDiskThere:  {"Waiting for the other phone's storage.", "It goes on by itself."},
	transfer.WaitSpace:      {"The new phone is full.", "Free some space on it, and the move goes on by itself."},
	transfer.WaitLimit:      {"The speed is limited.", "It goes on by itself, as fast as the limits of both phones let it."},
	transfer.WaitLink:       {"Hardly anything gets through.", "Bring the two phones closer together."},
}

// Waiting says what a move waits for, and what to do; of transfer.WaitNothing
// nothing. silent is for how long nothing was heard from the other phone, 0 while
// that is no matter.
func (w Words) Waiting(on transfer.Wait, silent time.Duration) Problem {
	p := w.problem(waits[on])
	if on == transfer.WaitLink && silent >= time.Second {
		p.What = w.Say("Nothing heard from the other phone for {{.Seconds}} s.", Fields{"Seconds": fmt.Sprint(int64(silent / time.Second))})
	}
	return p
}

// unit is a step in which a time left is told.
type unit struct {
	length              time.Duration
	step                int // what one step counts
	about, upTo, within [2]string
}

var (
	seconds = unit{
		5 * time.Second, 5,
		[2]string{"about {{.Count}} second", "about {{.Count}} seconds"},
		[2]string{"up to {{.Count}} second", "up to {{.Count}} seconds"},
		[2]string{"{{.From}}–{{.Count}} second", "{{.From}}–{{.Count}} seconds"},
	}
	minutes = unit{
		time.Minute, 1,
		[2]string{"about {{.Count}} minute", "about {{.Count}} minutes"},
		[2]string{"up to {{.Count}} minute", "up to {{.Count}} minutes"},
		[2]string{"{{.From}}–{{.Count}} minute", "{{.From}}–{{.Count}} minutes"},
	}
	hours = unit{
		time.Hour, 1,
		[2]string{"about {{.Count}} hour", "about {{.Count}} hours"},
		[2]string{"up to {{.Count}} hour", "up to {{.Count}} hours"},
		[2]string{"{{.From}}–{{.Count}} hour", "{{.From}}–{{.Count}} hours"},
	}
)

// LeftBetween says how long something may still take, as finely as is known:
// "3–5 minutes", "about 12 minutes", "up to 2 hours".
func (w Words) LeftBetween(low, high time.Duration) string {
	u := seconds
	switch {
	case high <= 5*time.Second:
		return w.Say("a few seconds")
	case high > 150*time.Minute:
		u = hours
	case high > 2*time.Minute:
		u = minutes
	}
	left := func(message [2]string, from, n int) string {
		f := Fields{"Count": fmt.Sprint(n * u.step)}
		if from > 0 {
			f["From"] = fmt.Sprint(from * u.step)
		}
		return w.Number(message[0], message[1], uint64(n*u.step), f)
	}
	if middle := (low + high) / 2; float64(high-low) <= 0.3*float64(middle) {
		return left(u.about, 0, max(1, int(math.Round(float64(middle)/float64(u.length)))))
	}
	from, to := int(low/u.length), int((high+u.length-1)/u.length)
	if from == 0 {
		return left(u.upTo, 0, to)
	}
	return left(u.within, from, to)
}

// Range says how long something may take before it begins: "about 10 to 20
// minutes". It is rounded outwards, for people. Where both are 0 it is not known,
// and nothing is said.
func (w Words) Range(least, most time.Duration) string {
	const longest = 1000 * time.Hour
	least = min(max(0, least), longest)
	if most = min(max(least, most), longest); most == 0 {
		return ""
	}
	u, one, many := minutes, "about {{.From}} to {{.Count}} minute", "about {{.From}} to {{.Count}} minutes"
	switch {
	case most <= time.Minute:
		return w.Say("less than a minute")
	case most > 100*time.Minute:
		u, one, many = hours, "about {{.From}} to {{.Count}} hour", "about {{.From}} to {{.Count}} hours"
	}
	step := u.length
	switch {
	case most > 30*u.length:
		step *= 10
	case most > 10*u.length:
		step *= 5
	}
	from, to := int(least/step*step/u.length), int((most+step-1)/step*step/u.length)
	f := Fields{"From": fmt.Sprint(from), "Count": fmt.Sprint(to)}
	switch from {
	case 0:
		one, many = u.upTo[0], u.upTo[1]
	case to:
		one, many = u.about[0], u.about[1]
	}
	return w.Number(one, many, uint64(to), f)
}
