package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ferry-move/ferry/discovery"
)

// Watch looks for new phones until ctx ends, and tells each time the list
// changed. diagnose is called if nobody was found for DiagnoseAfter, again when
// what it says has changed and stays so, and anew when who was found has been gone
// for that long.
func Watch(ctx context.Context, loopback bool, changed func([]discovery.Candidate), diagnose func(discovery.Diagnosis)) {
	b := discovery.Browse(ctx, discovery.Options{Loopback: loopback})
	defer b.Close()
	watch(ctx, b, changed, diagnose)
}

// browser is what finds new phones; a discovery.Browser is one.
type browser interface {
	Changes() <-chan struct{}
	Candidates() []discovery.Candidate
	Diagnose() discovery.Diagnosis
}

func watch(ctx context.Context, b browser, changed func([]discovery.Candidate), diagnose func(discovery.Diagnosis)) {
	var doubts doubts
	doubts.somebody()
	doubt := time.NewTicker(doubtEvery)
	defer doubt.Stop()
	found := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.Changes():
			cs := b.Candidates()
			if len(cs) > 0 || found > 0 { // who was there may be back soon
				doubts.somebody()
				doubt.Reset(doubtEvery)
			}
			found = len(cs)
			changed(cs)
		case <-doubt.C:
			if len(b.Candidates()) > 0 {
				continue
			}
			if d, ok := doubts.news(b.Diagnose()); ok {
				diagnose(d)
			}
		}
	}
}

// find searches for the one new phone to send to.
func find(ctx context.Context, opt SendOptions, events Events) (discovery.Candidate, error) {
	if opt.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, opt.Wait, ErrNobody)
		defer cancel()
	}
	search, stop := context.WithCancel(ctx)
	defer stop()
	var settled <-chan time.Time
	updates := make(chan []discovery.Candidate)
	reasons := make(chan discovery.Diagnosis)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Watch(search, opt.Loopback, func(c []discovery.Candidate) {
			select {
			case updates <- c:
			case <-search.Done():
			}
		}, func(d discovery.Diagnosis) {
			select {
			case reasons <- d:
			case <-search.Done():
			}
		})
	}()
	defer func() { stop(); <-ended }()
	var all, fit []discovery.Candidate
	for {
		select {
		case <-ctx.Done():
			err := context.Cause(ctx)
			if errors.Is(err, ErrNobody) && len(all) > 0 {
				err = &NoMatchError{Candidates: all}
			}
			return discovery.Candidate{}, err
		case d := <-reasons:
			events.tell(NobodyYet{Diagnosis: d})
		case all = <-updates:
			fit = fit[:0]
			for _, c := range all {
				if opt.To == "" || strings.EqualFold(c.Name, opt.To) {
					fit = append(fit, c)
				}
			}
			if len(fit) > 0 && settled == nil {
				wait := settleFor
				if opt.Choose != nil {
					wait = settleToChoose
				}
				settled = time.After(wait)
			}
		case <-settled:
			settled = nil
			switch {
			case len(fit) == 1:
				return fit[0], nil
			case len(fit) > 1 && opt.Choose != nil:
				return opt.Choose(ctx, fit)
			case len(fit) > 1:
				return discovery.Candidate{}, &AmbiguousError{Candidates: fit}
			}
		}
	}
}
