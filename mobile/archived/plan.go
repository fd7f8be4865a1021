package archived

import (
	"context"
	"iter"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Apps yields how each app would move, in the order of the archive. It knows
// that from the first pass, which keeps no versions and does not count caches.
func (d *Device) Apps(context.Context) iter.Seq2[apps.Plan, error] {
	return func(yield func(apps.Plan, error) bool) {
		for _, a := range d.agents {
			a := a.(*agent)
			if a.info.Kind != apps.Kind {
				continue
			}
			for _, one := range a.census.order {
				p := apps.Plan{Package: one.name, Quota: d.opts.Quota}
				if r := one.fate(d.opts.Quota); r != 0 {
					p.Err = backup.Fail("plan", apps.Kind, r, nil)
					p.Form = android.RestoreNone
				} else {
					t := one.whole()
					p.Form, p.Items, p.Bytes = one.form(), t.items+t.folders, t.bytes
				}
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}
