//go:build linux

package main

import (
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want spread
	}{
		{nil, spread{}},
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 1}, spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
	} {
		if got := spreadOf(c.v); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.v, got, c.want)
		}
	}
}

// sample is a result of two rounds: ferry at 80 and 160 Mbit/s where iperf3 got
// 100 and 200, rsync at 40 and once wrong, scp too slow.
func sample() result {
	return result{
		Link: links[0], Data: "photos", size: size{Files: 3, Bytes: 10e6},
		Rounds: []round{{Load: "0.1 0.1 0.1", Iperf: iperf{BBR: []float64{90, 110}, Cubic: []float64{20}}}, {Iperf: iperf{Cubic: []float64{200}}}},
		Contenders: []contender{
			{Name: "ferry", Trials: []trial{
				{Wall: 2, Moving: 1, Old: usage{CPU: 0.5, RSS: 30 << 20}, New: usage{CPU: 0.25, RSS: 50 << 20}},
				{Wall: 1, Moving: 0.5, Old: usage{CPU: 0.7, RSS: 40 << 20}, New: usage{CPU: 0.35, RSS: 20 << 20}},
			}},
			{Name: "rsync", Trials: []trial{{Wall: 2, Moving: 2}, {Wall: 1, Moving: 1, Wrong: []string{`"<b>" is missing`}}}},
			{Name: "scp", Trials: []trial{{Wall: 60, Slow: true}, {Wall: 61, Slow: true}}},
			{Name: "tar|ncat", Plain: true, Trials: []trial{{Wall: 1, Moving: 1}, {Wall: 1, Moving: 1}}},
		},
	}
}

func TestFigures(t *testing.T) {
	r := sample()
	f := r.Contenders[0]
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("speed", r.speed(f).Median, 120)
	near("share", r.share(f, moving).Median, 0.8)
	near("share of the whole", r.share(f, wall).Median, 0.4)
	near("iperf3", r.references().Max, 200)
	near("CPU", r.perGB(f, func(t trial) float64 { return t.Old.CPU }), 60)
	near("a wrong round", r.speed(r.Contenders[1]).Max, 40)
	near("too slow", r.speed(r.Contenders[2]).Max, 0)
	if f.peak(oldPhone) != 40<<20 || f.peak(newPhone) != 50<<20 {
		t.Errorf("peaks %d, %d", f.peak(oldPhone), f.peak(newPhone))
	}
	loop := r
	loop.Link = links[5]
	near("on loopback, with no bare quic-go", loop.share(f, moving).Median, 0)
	loop.Rounds = []round{{Bare: []float64{150, 170}}, {Bare: []float64{320}}}
	near("on loopback", loop.share(f, moving).Median, 0.5)
}

func TestTable(t *testing.T) {
	rep := report{Commit: "abc", Results: []result{sample()}, Absent: []string{"croc"}}
	var b strings.Builder
	if err := rep.print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/ iperf3", "x 3.00", "too slow in 2 of 2, ended after 61 s", "wrong in 1 of 2", `WRONG: rsync, round 2: "<b>" is missing`, "not on this machine: croc"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	if rep.wrong() != 1 {
		t.Errorf("%d wrong, want 1: too slow is not wrong", rep.wrong())
	}
}

// The picture is XML, has every contender's name and figure, and nothing lies
// outside of it.
func TestSVG(t *testing.T) {
	second := sample()
	second.Link = links[5]
	rep := report{Commit: "<abc>", Results: []result{sample(), second}}
	svg := rep.svg()
	d := xml.NewDecoder(strings.NewReader(svg))
	var texts []string
	bars := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch e := tok.(type) {
		case xml.CharData:
			texts = append(texts, strings.TrimSpace(string(e)))
		case xml.StartElement:
			var x, y, height float64
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "x":
					fmt.Sscan(a.Value, &x)
				case "y":
					fmt.Sscan(a.Value, &y)
				case "height":
					fmt.Sscan(a.Value, &height)
				}
			}
			if e.Name.Local == "rect" && x > 0 {
				bars++
				if y < topHigh || height < 0 {
					t.Errorf("a bar from %v, %v high", y, height)
				}
			}
		}
	}
	if bars != 3 { // none for scp, and none on F, which has no reference
		t.Errorf("%d bars", bars)
	}
	for _, want := range []string{"ferry", "tar|ncat", "0.80", "0.40", "x", links[0].String(), "iperf3", "bare quic-go", "photos", "1 = 150 Mbit/s"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	if none := (&report{}).svg(); xml.Unmarshal([]byte(none), new(struct{})) != nil {
		t.Errorf("nothing measured: %s", none)
	}
}

func TestParsePeers(t *testing.T) {
	if got, err := parsePeers(usualPeers); err != nil || len(got) != 5 || got[4].name != "tar|ncat" {
		t.Errorf("%v, %v", got, err)
	}
	for _, none := range []string{"", "none"} {
		if got, err := parsePeers(none); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", none, got, err)
		}
	}
	for _, bad := range []string{"ftp", "rsync,", "rsync, scp"} {
		if _, err := parsePeers(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAbsentPeer(t *testing.T) {
	b := &bench{opt: options{log: t.Output()}, report: &report{}}
	here := b.present([]peer{{name: "away", tools: []string{"sh", "no-such-program-at-all"}}, {name: "here", tools: []string{"sh"}}})
	if len(here) != 1 || here[0].name != "here" || !slices.Equal(b.report.Absent, []string{"away"}) {
		t.Errorf("%v, %q", here, b.report.Absent)
	}
}

func TestHasListener(t *testing.T) {
	// As /proc/net/tcp on a little-endian machine: 10.78.0.2:2022 listens,
	// 0.0.0.0:2023 too, 10.78.0.2:2024 is a connection.
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 02004E0A:07E6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:07E7 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 02004E0A:07E8 01004E0A:1234 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
`
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("skipped: the table is of a little-endian machine")
	}
	far := netip.MustParseAddr("10.78.0.2")
	for port, want := range map[int]bool{2022: true, 2023: true, 2024: false, 2025: false} {
		if hasListener(table, far, port) != want {
			t.Errorf("port %d: %v", port, !want)
		}
	}
	if hasListener(table, netip.MustParseAddr("10.78.0.1"), 2022) {
		t.Error("another address is taken for it")
	}
}

func TestContentDifferences(t *testing.T) {
	d := mustParse(t, "tiny:101")[0]
	a, b := t.TempDir(), t.TempDir()
	for _, root := range []string{a, b} {
		if _, err := d.makeIn(root, 3, ""); err != nil {
			t.Fatal(err)
		}
	}
	path := func(name string) string { return filepath.Join(b, "Documents", name) }
	// What a peer need not keep.
	if err := errors.Join(os.RemoveAll(path("empty")), os.Chmod(path("d05/note_000005.bin"), 0o600), os.Chtimes(path("d05"), statTime(t, a), statTime(t, a))); err != nil {
		t.Fatal(err)
	}
	if diffs, err := contentDifferences(a, b); err != nil || len(diffs) > 0 {
		t.Fatalf("%q, %v", diffs, err)
	}
	if err := errors.Join(os.Remove(path("d06/note_000006.bin")), appendTo(path("d07/note_000007.bin"), "x", statTime(t, a)), os.WriteFile(path("d08/more"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	want := []string{`"Documents/d06/note_000006.bin" is missing`, `"Documents/d07/note_000007.bin" has other content`, `"Documents/d08/more" is too much`}
	if diffs, err := contentDifferences(a, b); err != nil || !slices.Equal(diffs, want) {
		t.Errorf("%q, %v", diffs, err)
	}
}

func TestFlat(t *testing.T) {
	even := pace{{0, 0}}
	slower := pace{{0, 0}}
	for i := 1; i <= 20; i++ {
		even = append(even, point{float64(i) / 2, uint64(50 * i)})
	}
	even = append(even, point{11, 1000}) // the last items are made safe
	for i, items := range []uint64{100, 200, 300, 400, 500, 600, 700, 800, 900, 950, 1000} {
		slower = append(slower, point{float64(i + 1), items})
	}
	for _, c := range []struct {
		name string
		p    pace
		want float64
	}{
		{"nothing", nil, 0}, {"short", even[:9], 0}, {"even", even, 1}, {"half as fast at the end", slower, 0.5},
		{"no time", make(pace, 12), 0},
	} {
		if got := c.p.flat(); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
