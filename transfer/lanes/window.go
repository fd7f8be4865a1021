package lanes

import "time"

// window is what was seen between two moments with the same lanes.
type window struct {
	first, end    Sample
	n             int // samples
	starved, full int // of them
	losses        int // of them: with loss and no queue
}

func (w *window) length() time.Duration { return w.end.At - w.first.At }

func (w *window) goodput() float64 { return goodputOf([]window{*w}) }

// take counts the time from the window's end to s.
func (w *window) take(s Sample) {
	w.n++
	switch {
	case s.Starved:
		w.starved++
	case s.queued():
		w.full++
	case s.Lost > w.end.Lost:
		w.losses++
	}
	w.end = s
}

// useful tells that lanes were the limit, so the window says something.
func (w *window) useful() bool { return 5*w.starved <= w.n }

// queued tells that packets wait before the link: it is full.
func (s Sample) queued() bool {
	return s.MinRTT > 0 && s.RTT-s.MinRTT > max(s.MinRTT/2, 1500*time.Microsecond)
}

// goodputOf is the mean over windows, in bytes per second. What was sent may turn
// out to be lost later, so a single one may have less than nothing.
func goodputOf(ws []window) float64 {
	var bytes int64
	var d time.Duration
	for _, w := range ws {
		bytes += w.end.Bytes - w.first.Bytes
		d += w.length()
	}
	if d <= 0 || bytes <= 0 {
		return 0
	}
	return float64(bytes) / d.Seconds()
}

// lossIn is the share of packets lost in windows.
func lossIn(ws []window) float64 {
	var sent, lost uint64
	for _, w := range ws {
		if w.end.Sent > w.first.Sent && w.end.Lost > w.first.Lost {
			sent, lost = sent+w.end.Sent-w.first.Sent, lost+w.end.Lost-w.first.Lost
		}
	}
	if sent == 0 {
		return 0
	}
	return float64(lost) / float64(sent)
}
