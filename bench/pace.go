//go:build linux

package main

// point is how many items had ended after so many seconds.
type point struct {
	seconds float64
	items   uint64
}

// pace is a move's progress, in order.
type pace []point

// fewPoints is how many a pace has that is too short for tenths.
const fewPoints = 10

// flat is the speed of the last tenth of the items by that of the first, 0 if
// nobody can tell. Between two points the speed is taken as even.
func (p pace) flat() float64 {
	if len(p) < fewPoints || p[len(p)-1].items < fewPoints {
		return 0
	}
	all := float64(p[len(p)-1].items)
	first, last := p.at(all/10), p.at(all)-p.at(all*9/10)
	if first <= 0 || last <= 0 {
		return 0
	}
	return first / last
}

// at is when so many items had ended, in seconds.
func (p pace) at(items float64) float64 {
	var before point
	for _, next := range p {
		if float64(next.items) >= items && next.items > before.items {
			part := (items - float64(before.items)) / float64(next.items-before.items)
			return before.seconds + part*(next.seconds-before.seconds)
		}
		before = next
	}
	return before.seconds
}
