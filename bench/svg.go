//go:build linux

package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"strings"
)

// The picture's measures, in pixels. A panel is a link, in it a group of bars
// for each data set.
const (
	barWide    = 26
	groupGap   = 30
	groupWide  = 130 // at least, for its name
	panelHigh  = 210 // from the axis to the top
	panelBelow = 94  // names of contenders and data sets
	panelAbove = 44
	leftWide   = 52
	topHigh    = 72
	rightWide  = 84 // the red line's name
)

// color is a contender's. Nobody needs it: every bar has its name and figure.
func color(name string, plain bool) string {
	switch {
	case name == "ferry":
		return "#0b6e4f"
	case plain:
		return "#d9d9d9"
	}
	return "#9fb3c8"
}

// writeSVG draws the report as bars beside iperf3, the line at 1.
func (r *report) writeSVG(path string) error {
	return os.WriteFile(path, []byte(r.svg()), 0o644)
}

func (r *report) svg() string {
	var panels [][]result
	width := 560
	for i, res := range r.Results {
		if i == 0 || res.Link != r.Results[i-1].Link {
			panels = append(panels, nil)
		}
		p := &panels[len(panels)-1]
		*p = append(*p, res)
		wide := leftWide + rightWide
		for _, res := range *p {
			wide += max(groupWide, len(res.Contenders)*barWide) + groupGap
		}
		width = max(width, wide)
	}
	high := panelAbove + panelHigh + panelBelow
	d := &drawing{}
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="11" fill="#222">`, width, topHigh+high*len(panels))
	d.printf(`<rect width="100%%" height="100%%" fill="#fff"/>`)
	d.text(12, 22, "start", 15, "Ferry and what else moves files: goodput, as a share of the red line's on the same link")
	d.text(12, 40, "start", 11, fmt.Sprintf("higher is better; commit %s; %s, %d cores", r.Commit, r.Machine.CPU, r.Machine.Cores))
	d.text(12, 56, "start", 11, "white mark: with the search and the pairing; thin line: least to most; light grey: not encrypted; x: too slow, or wrong")
	for i, p := range panels {
		d.panel(topHigh+i*high, width, p)
	}
	d.printf("</svg>")
	return d.String()
}

// drawing is a picture that grows.
type drawing struct{ strings.Builder }

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // into memory: it cannot fail
	return b.String()
}

func (d *drawing) text(x, y float64, anchor string, size int, s string) {
	d.printf(`<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>`, x, y, anchor, size, escape(s))
}

// short makes the name of a data set fit.
func short(name string) string {
	const most = 22
	if r := []rune(name); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return name
}

// panel draws one link.
func (d *drawing) panel(top, width int, of []result) {
	highest := 1.2
	for _, r := range of {
		for _, c := range r.Contenders {
			highest = max(highest, r.share(c, moving).Max)
		}
	}
	step := 0.5
	if highest > 3 {
		step = 1
	}
	highest = math.Ceil(highest/step*1.02) * step
	axis := float64(top + panelAbove + panelHigh)
	y := func(v float64) float64 { return axis - v/highest*panelHigh }
	d.text(12, float64(top+22), "start", 13, of[0].Link.String())
	for v := 0.0; v <= highest+step/100; v += step {
		d.printf(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1[3]f" stroke="#eee"/>`, leftWide-6, width-rightWide, y(v))
		d.text(leftWide-10, y(v)+4, "end", 11, fmt.Sprintf("%.1f", v))
	}
	x := float64(leftWide)
	var labels []func() // above everything else
	for _, r := range of {
		left := x
		for _, c := range r.Contenders {
			labels = append(labels, d.bar(r, c, x, axis, y))
			x += barWide
		}
		x = max(x, left+groupWide)
		d.text(left, axis+panelBelow-24, "start", 11, short(r.Data))
		if s := r.references(); s.Median > 0 {
			d.text(left, axis+panelBelow-10, "start", 10, fmt.Sprintf("1 = %.0f Mbit/s", s.Median))
		}
		x += groupGap
	}
	d.printf(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1[3]f" stroke="#b3261e" stroke-width="1.5"/>`, leftWide-6, width-rightWide, y(1))
	d.text(float64(width-rightWide+4), y(1)+4, "start", 11, of[0].referenceName())
	for _, label := range labels {
		label()
	}
}

// bar draws a contender: its median, a line from the least to the most if there
// were several rounds, and for ferry a mark at the whole command. It returns what
// draws its figure.
func (d *drawing) bar(r result, c contender, x, axis float64, y func(float64) float64) (label func()) {
	s := r.share(c, moving)
	mid := x + barWide/2
	what := "-"
	if s.Median > 0 {
		what = fmt.Sprintf("%.2f", s.Median)
		d.printf(`<rect x="%.1f" y="%.1f" width="%d" height="%.1f" fill="%s"><title>%s: %.0f Mbit/s</title></rect>`,
			x+2, y(s.Median), barWide-4, axis-y(s.Median), color(c.Name, c.Plain), escape(c.Name), r.speed(c).Median)
		if s.Max > s.Min {
			d.printf(`<line x1="%.1f" x2="%.1[1]f" y1="%.1f" y2="%.1f" stroke="#222"/>`, mid, y(s.Max), y(s.Min))
		}
		if whole := r.share(c, wall).Median; c.Name == "ferry" && whole > 0 {
			d.printf(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1[3]f" stroke="#fff" stroke-width="1.5"><title>with the search and the pairing: %.2f</title></line>`, x+2, x+barWide-2, y(whole), whole)
		}
	} else if c.trouble() != "" {
		what = "x"
	}
	d.printf(`<text transform="translate(%.1f %.1f) rotate(-90)" text-anchor="end" font-size="10">%s</text>`, mid+3.5, axis+5, escape(c.Name))
	return func() {
		d.printf(`<text x="%.1f" y="%.1f" text-anchor="middle" font-size="9" stroke="#fff" stroke-width="3" paint-order="stroke">%s</text>`, mid, y(max(s.Median, s.Max))-3, what)
	}
}
