package archived

import (
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
)

// The plan of each app adds up to the plan of them all.
func TestPlans(t *testing.T) {
	d := &Device{opts: Options{Quota: 1000}}
	c := newCensus(10)
	good := &app{name: "org.good", described: [2]bool{true}, files: true, measured: 900, tally: tally{items: 3, folders: 1, bytes: 400}}
	big := &app{name: "org.big", described: [2]bool{true}, files: true, measured: 1001, tally: tally{items: 1, bytes: 800}}
	bare := &app{name: "org.bare", files: true, measured: 10}
	kv := &app{name: "org.kv", described: [2]bool{false, true}}
	kv.record.there, kv.record.items, kv.record.bytes = true, 5, 50
	c.order = []*app{good, big, bare, kv}
	d.agents = []backup.Agent{&agent{dev: d, info: apps.New(nil, apps.Options{}).Info(), census: c}}
	want := map[string]apps.Plan{
		"org.good": {Form: android.RestoreFull, Items: 4, Bytes: 400},
		"org.big":  {Err: backup.OverQuota},
		"org.bare": {Err: backup.Malformed},
		"org.kv":   {Form: android.RestoreKeyValue, Items: 5, Bytes: 50},
	}
	n := 0
	for p, err := range d.Apps(t.Context()) {
		n++
		w := want[p.Package]
		if err != nil || p.Form != w.Form || p.Items != w.Items || p.Bytes != w.Bytes || backup.ReasonOf(p.Err) != backup.ReasonOf(w.Err) || p.Quota != 1000 {
			t.Errorf("%+v, %v; want %+v", p, err, w)
		}
	}
	if n != len(want) {
		t.Errorf("%d apps; want %d", n, len(want))
	}
}
