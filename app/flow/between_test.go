package flow

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/discovery"
)

// The search ends some time after a phone was chosen. Who goes back meanwhile is not
// taken to that phone, and who chooses another one is taken to that.
func TestBeforeTheSendBegins(t *testing.T) {
	other := netip.MustParseAddrPort("192.0.2.9:5")
	for name, test := range map[string]func(d *device, release chan<- struct{}){
		"back": func(d *device, release chan<- struct{}) {
			d.Back()
			release <- struct{}{}
			d.at(Find)
			select {
			case c := <-d.calls:
				d.Errorf("it went to %v", c.send.At)
			default:
			}
		},
		"another": func(d *device, release chan<- struct{}) {
			d.Back()
			d.GoTo(other.String())
			release <- struct{}{}
			if s := d.at(Code); len(s.Peer.Addrs) != 1 || s.Peer.Addrs[0] != other {
				d.Errorf("the code of %v is asked for", s.Peer)
			}
			if c := d.engine(); len(c.send.At) != 1 || c.send.At[0] != other {
				d.Errorf("it went to %v", c.send.At)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDevice(t)
				defer d.Close()
				release := make(chan struct{}, 1)
				defer close(release)
				d.Flow.opt.Watch = func(ctx context.Context, _ bool, changed func([]discovery.Candidate), _ func(discovery.Diagnosis)) {
					changed([]discovery.Candidate{pixel})
					<-ctx.Done()
					<-release
				}
				d.BeOld("/")
				d.at(Find)
				d.Choose(pixel.Instance)
				d.at(Code)
				test(d, release)
			})
		})
	}
}
