package session

import "time"

const (
	// Life is how long a session whose link is lost is waited for.
	Life = 30 * time.Minute
	// lifeStep is how often the wait is looked at; lifeMost is the most that
	// counts from one look to the next.
	lifeStep = time.Second
	lifeMost = 10 * time.Second
)

// life is how long a session has been waited for since its link was last of use.
// It counts the time in which this process ran: one that was stopped for an hour
// still tries afterwards, and setting the clock changes nothing. It belongs to
// one goroutine.
type life struct {
	all   time.Duration // 0 = Life
	spent time.Duration
	last  time.Time // with its monotonic reading
}

// begin begins a wait.
func (l *life) begin(now time.Time) { l.last = now }

// pass counts the time until now and returns what is left.
func (l *life) pass(now time.Time) time.Duration {
	l.spent += min(max(0, now.Sub(l.last)), lifeMost)
	l.last = now
	return l.left()
}

func (l *life) left() time.Duration {
	all := l.all
	if all == 0 {
		all = Life
	}
	return max(0, all-l.spent)
}

// renew forgets earlier waits: the link was of use.
func (l *life) renew() { l.spent = 0 }
