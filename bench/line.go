//go:build linux

package main

import (
	"math/rand/v2"
	"time"
)

const (
	frameSize = 2048    // of a buffer; a frame has at most 1,518 bytes
	maxFrames = 1 << 16 // that wait, on a link of any rate
)

// counts is what became of the frames of one direction.
type counts struct {
	Frames  uint64 `json:"frames"` // delivered
	Bytes   uint64 `json:"bytes"`  // delivered
	Lost    uint64 `json:"lost"`   // by chance, or in a burst
	Dropped uint64 `json:"dropped"`
}

// line is one direction of a link: it takes frames and says when each arrives.
// It knows no clock: times are those since the link began, and never go back.
// The zero value with link and rng set is ready. It belongs to one goroutine.
//
//	push ── queue full? dropped ── free: when the frame has left the sender ── lost? ── due = free + delay ── pop
type line struct {
	link  Link
	rng   *rand.Rand
	free  time.Duration // when everything that was taken has left the sender
	wait  []frame       // in the order of their times; those from head on
	head  int
	spare [][]byte
	counts
}

type frame struct {
	due  time.Duration
	data []byte
}

// buffer returns a buffer for a frame. push takes it back, or release.
func (l *line) buffer() []byte {
	if n := len(l.spare); n > 0 {
		b := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return b[:frameSize]
	}
	return make([]byte, frameSize)
}

func (l *line) release(b []byte) { l.spare = append(l.spare, b) }

// push hands over a frame that came at now.
func (l *line) push(now time.Duration, b []byte) {
	l.free = max(l.free, now)
	if l.link.Rate > 0 {
		if l.free-now > l.link.Queue {
			l.Dropped++
			l.release(b)
			return
		}
		l.free += time.Duration(float64(len(b)*8) / l.link.Rate * float64(time.Microsecond))
	}
	due := l.free + l.link.Delay
	switch { // what is lost has used the air
	case l.link.Loss > 0 && l.rng.Float64() < l.link.Loss, l.link.Burst > 0 && l.free%l.link.Every >= l.link.Every-l.link.Burst:
		l.Lost++
		l.release(b)
	case len(l.wait)-l.head >= maxFrames:
		l.Dropped++
		l.release(b)
	default:
		l.wait = append(l.wait, frame{due, b})
	}
}

// empty reports whether nothing is under way.
func (l *line) empty() bool { return l.head == len(l.wait) }

// pop returns the next frame that has arrived by now, or nil.
func (l *line) pop(now time.Duration) []byte {
	if l.empty() || l.wait[l.head].due > now {
		return nil
	}
	b := l.wait[l.head].data
	l.wait[l.head].data = nil
	l.head++
	if l.head == len(l.wait) || l.head >= 4096 {
		l.wait = l.wait[:copy(l.wait, l.wait[l.head:])]
		l.head = 0
	}
	l.Frames++
	l.Bytes += uint64(len(b))
	return b
}
