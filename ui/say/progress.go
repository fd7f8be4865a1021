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
func Waiting(w transfer.Wait, silent time.Duration) Problem {
	if w == transfer.WaitLink && silent >= time.Second {
		return Problem{fmt.Sprintf("Nothing heard from the other phone for %d s.", silent/time.Second), waits[w].Next}
	}
	return waits[w]
}

// LeftBetween says how long something may still take, as finely as is known:
// "3–5 minutes", "about 12 minutes", "up to 2 hours".
func LeftBetween(low, high time.Duration) string {
	unit, one, many := 5*time.Second, "5 seconds", "seconds"
	step := 5 // what one unit counts
	switch {
	case high <= 5*time.Second:
		return "a few seconds"
	case high > 150*time.Minute:
		unit, one, many, step = time.Hour, "1 hour", "hours", 1
	case high > 2*time.Minute:
		unit, one, many, step = time.Minute, "1 minute", "minutes", 1
	}
	units := func(n int) string {
		if n == 1 {
			return one
		}
		return fmt.Sprintf("%d %s", n*step, many)
	}
	if middle := (low + high) / 2; float64(high-low) <= 0.3*float64(middle) {
		return "about " + units(max(1, int(math.Round(float64(middle)/float64(unit)))))
	}
	from, to := int(low/unit), int((high+unit-1)/unit)
	if from == 0 {
		return "up to " + units(to)
	}
	return fmt.Sprintf("%d–%s", from*step, units(to))
}
