//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

// Link is how an emulated link behaves, the same in each direction.
type Link struct {
	Name string `json:"name"`
	// Rate is in Mbit/s of Ethernet frames. 0 = unlimited.
	Rate float64 `json:"mbit_per_s"`
	// Delay is one way.
	Delay time.Duration `json:"delay_ns"`
	// Loss is the probability that a frame is lost, 0 to 1.
	Loss float64 `json:"loss"`
	// Burst is for how long everything is lost, once in every Every. 0 = never.
	Burst time.Duration `json:"burst_ns"`
	Every time.Duration `json:"every_ns"`
	// Queue is how much may wait, as time at the link's rate.
	Queue time.Duration `json:"queue_ns"`
	// Loopback means one machine's loopback interface and no emulation.
	Loopback bool `json:"loopback"`
}

// queue is the queue of the links below.
const queue = 30 * time.Millisecond

var links = []Link{
	{Name: "A", Rate: 400, Delay: 2 * time.Millisecond, Loss: 0.001, Queue: queue},
	{Name: "B", Rate: 400, Delay: 2 * time.Millisecond, Queue: queue},
	{Name: "C", Rate: 900, Delay: time.Millisecond, Loss: 0.0005, Queue: queue},
	{Name: "D", Rate: 50, Delay: 10 * time.Millisecond, Loss: 0.01, Queue: queue},
	{Name: "E", Rate: 150, Delay: 3 * time.Millisecond, Burst: 30 * time.Millisecond, Every: 2 * time.Second, Queue: queue},
	{Name: "F", Loopback: true},
}

// linkNamed returns one of links.
func linkNamed(name string) (Link, error) {
	for _, l := range links {
		if strings.EqualFold(l.Name, name) {
			return l, nil
		}
	}
	return Link{}, fmt.Errorf("there is no link %q: there are A to F", name)
}

// check refuses what no link can be.
func (l Link) check() error {
	switch {
	case l.Rate < 0, l.Delay < 0, l.Queue < 0, l.Loss < 0, l.Loss > 1:
		return fmt.Errorf("link %s: rate, delay and queue are not negative, and loss is 0 to 1", l.Name)
	case l.Burst < 0, l.Burst > l.Every:
		return fmt.Errorf("link %s: a burst is not longer than the time between two", l.Name)
	case l.Loopback && (l.Rate > 0 || l.Delay > 0 || l.Loss > 0 || l.Burst > 0):
		return fmt.Errorf("link %s is the loopback interface, which is not emulated", l.Name)
	}
	return nil
}

// String says what the link is.
func (l Link) String() string {
	if l.Loopback {
		return "link " + l.Name + ": loopback, no emulation"
	}
	rate := "unlimited"
	if l.Rate > 0 {
		rate = fmt.Sprintf("%g Mbit/s", l.Rate)
	}
	s := fmt.Sprintf("link %s: %s, %v one way, %.4g %% lost at random", l.Name, rate, l.Delay, l.Loss*100)
	if l.Burst > 0 {
		s += fmt.Sprintf(", everything lost for %v every %v", l.Burst, l.Every)
	}
	return s + fmt.Sprintf(", drop-tail queue of %v", l.Queue)
}
