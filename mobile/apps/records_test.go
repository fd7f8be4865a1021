package apps

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"lukechampine.com/blake3"
)

// pairs are n records whose lengths need all kinds of padding.
func pairs(n int) (kv []string) {
	for i := range n {
		kv = append(kv, fmt.Sprintf("record/%d", i), strings.Repeat(string(rune('a'+i%26)), i%37))
	}
	return kv
}

func kvApp(t *testing.T, stream string) map[string]string {
	return map[string]string{"org.kv/_manifest": manifestOf("org.kv", 1, "cert"), "org.kv/k/_manifest": manifestOf("org.kv", 1, "cert"), "org.kv/k/org.kv.data": stream}
}

// Records that were acknowledged before a cut are not sent again.
func TestResumeRecords(t *testing.T) {
	const n = 12_000
	from, to := newFolder(t), newFolder(t)
	from.write(kvApp(t, records(t, pairs(n)...)))
	r := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e })
	ctx, stop := context.WithCancel(t.Context())
	take := r.TuneTake
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = []backup.Agent{&stopping{to.agent(), n / 4, stop}} }
	e := r.RunOver(t.Context(), ctx, transfertest.Pipe())
	if e.SendErr == nil || e.TakeErr == nil {
		t.Fatalf("it was not cut: %v, %v", e.SendErr, e.TakeErr)
	}
	left, err := os.ReadFile(filepath.Join(to.dir, Folder, arrivingDir, recordsPath("org.kv")))
	if err != nil {
		t.Fatal(err)
	}
	there := 0
	for _, err := range entity.NewReader(strings.NewReader(string(left)), entity.Limits{}).All() {
		if err != nil {
			t.Fatal(err)
		}
		there++
	}
	if there < n/4 {
		t.Fatalf("%d records are on the disk", there)
	}
	r.TuneTake = take
	if e = r.Run(t.Context()); e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
		t.Fatalf("%v, %v, %+v", e.SendErr, e.TakeErr, e.Sent.Kinds)
	}
	if most := uint64(n - there + 4); e.Sent.SentItems > most { // the files, and that the app is whole
		t.Errorf("%d items were sent again; %d records were there", e.Sent.SentItems, there)
	}
	mustEqual(t, to, from)
}

// What an earlier run left is believed as far as it is what is listed.
func TestLeftRecords(t *testing.T) {
	all := records(t, pairs(100)...)
	cut := len(records(t, pairs(60)...))
	for name, left := range map[string]string{
		"nothing":         "",
		"all":             all,
		"more than all":   records(t, pairs(101)...),
		"a part":          all[:cut],
		"a torn record":   all[:cut+20],
		"noise behind it": all[:cut] + "\xbc\xbc\xbcnoise",
		"another value":   strings.Replace(all, strings.Repeat("i", 34), strings.Repeat("j", 34), 1),
		"other records":   records(t, "x", "y"),
		"noise":           "noise",
	} {
		t.Run(name, func(t *testing.T) {
			from, to := newFolder(t), newFolder(t)
			from.write(kvApp(t, all))
			to.write(map[string]string{arrivingDir + "/" + recordsPath("org.kv"): left})
			r := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e })
			if e := r.Run(t.Context()); e.SendErr != nil || !e.Sent.Complete() {
				t.Fatalf("%v, %+v", e.SendErr, e.Sent.Kinds)
			}
			mustEqual(t, to, from)
			if got, err := os.ReadFile(filepath.Join(to.dir, Folder, recordsPath("org.kv"))); err != nil || string(got) != all {
				t.Errorf("the records are not those of the old phone: %v", err)
			}
		})
	}
}

// A record counts as received when it is on the disk, not when it is in memory.
func TestRecordsAreForced(t *testing.T) {
	to := newFolder(t)
	r, err := to.agent().Restore(t.Context(), backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	value := []byte("value")
	it := backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: "org.kv:a", Value: value, Size: 5, Digest: blake3.Sum256(value)}
	s, err := r.Stage(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	if res := r.Commit(t.Context(), []backup.Staged{s}); res[0].Outcome != backup.Added {
		t.Fatalf("%+v", res)
	}
	got, err := os.ReadFile(filepath.Join(to.dir, Folder, arrivingDir, recordsPath("org.kv")))
	if err != nil || string(got) != records(t, "a", "value") {
		t.Errorf("%q, %v", got, err)
	}
}
