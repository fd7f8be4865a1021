package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/say"
)

// The objects below are a promise (docs/json.md): fields may be added, none
// changes its meaning.

type jsonVersion struct {
	Event    string `json:"event"`
	Version  string `json:"version"`
	Protocol int    `json:"protocol"`
}

type jsonError struct {
	Event string `json:"event"`
	Error string `json:"error"`
	Next  string `json:"next"`
	Exit  int    `json:"exit"`
}

type jsonReady struct {
	Event     string   `json:"event"`
	Name      string   `json:"name"`
	Device    string   `json:"device"`
	Addresses []string `json:"addresses"`
}

type jsonCode struct {
	Event   string    `json:"event"`
	Code    string    `json:"code"`
	Link    string    `json:"link"`
	Expires time.Time `json:"expires"`
	Why     string    `json:"why"`
}

type jsonPeer struct {
	Event     string   `json:"event"`
	Stage     string   `json:"stage"`
	Name      string   `json:"name,omitempty"`
	Device    string   `json:"device,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
}

type jsonWrongCode struct {
	Event     string `json:"event"`
	TriesLeft int    `json:"tries_left"`
}

type jsonWaiting struct {
	Event  string    `json:"event"`
	Name   string    `json:"name"`
	Device string    `json:"device"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
	Why    string    `json:"why"`
	Agreed bool      `json:"agreed"`
}

type jsonBack struct {
	Event  string `json:"event"`
	Name   string `json:"name"`
	Device string `json:"device"`
	Agreed bool   `json:"agreed"`
}

type jsonFinding struct {
	Cause      string   `json:"cause"`
	Interfaces []string `json:"interfaces,omitempty"`
}

type jsonDiagnosis struct {
	Event    string        `json:"event"`
	Findings []jsonFinding `json:"findings"`
	Text     []string      `json:"text"`
}

type jsonPlanKind struct {
	Kind    backup.Kind       `json:"kind"`
	Items   uint64            `json:"items"`
	Folders uint64            `json:"folders"`
	Bytes   uint64            `json:"bytes"`
	Cannot  uint64            `json:"cannot"`
	Why     map[string]uint64 `json:"why,omitempty"`
	Error   string            `json:"error,omitempty"`
}

type jsonOfferKind struct {
	Kind    backup.Kind `json:"kind"`
	Items   uint64      `json:"items"`
	Bytes   uint64      `json:"bytes"`
	Cannot  uint64      `json:"cannot"`
	Folders uint64      `json:"folders"`
}

type jsonPlan struct {
	Event string         `json:"event"`
	Kinds []jsonPlanKind `json:"kinds"`
	Items uint64         `json:"items"`
	Bytes uint64         `json:"bytes"`
}

type jsonOffer struct {
	Event   string          `json:"event"`
	Name    string          `json:"name"`
	Device  string          `json:"device"`
	Kinds   []jsonOfferKind `json:"kinds"`
	Bytes   int64           `json:"bytes"`
	Free    int64           `json:"free"`
	Missing int64           `json:"missing"`
}

type jsonProgress struct {
	Event     string  `json:"event"`
	Phase     string  `json:"phase"`
	Items     uint64  `json:"items"`
	DoneItems uint64  `json:"done_items"`
	Bytes     uint64  `json:"bytes"`
	DoneBytes uint64  `json:"done_bytes"`
	SentBytes uint64  `json:"sent_bytes"`
	Failed    uint64  `json:"failed"`
	Missing   int64   `json:"missing"`
	Seconds   float64 `json:"seconds"`

	Part           float64  `json:"part"`
	SafeBytes      uint64   `json:"safe_bytes"`
	PendingBytes   uint64   `json:"pending_bytes"`
	LinkBytes      uint64   `json:"link_bytes"`
	DoneSteps      int      `json:"done_steps"`
	Steps          int      `json:"steps"`
	Limit          int64    `json:"limit,omitempty"`
	BytesPerSecond float64  `json:"bytes_per_second"`
	ItemsPerSecond float64  `json:"items_per_second"`
	LeftLow        *float64 `json:"left_low,omitempty"`
	LeftHigh       *float64 `json:"left_high,omitempty"`
	Waiting        string   `json:"waiting,omitempty"`
	WaitingText    string   `json:"waiting_text,omitempty"`
	Paused         string   `json:"paused,omitempty"`
	Silent         float64  `json:"silent,omitempty"`
	Lanes          int      `json:"lanes,omitempty"`
	LanesWhy       string   `json:"lanes_why,omitempty"`
}

type jsonPause struct {
	Event string `json:"event"`
	By    string `json:"by"`
}

type jsonNotes struct {
	Event string `json:"event"`
	State string `json:"state"` // damaged, newer or foreign
	Text  string `json:"text"`
}

type jsonSpace struct {
	Event   string `json:"event"`
	Missing int64  `json:"missing"`
	Of      string `json:"of"` // space, own, own_here or files
}

type jsonItem struct {
	Event   string      `json:"event"`
	Outcome string      `json:"outcome"` // failed, renamed or differed
	Kind    backup.Kind `json:"kind"`
	Key     string      `json:"key"`
	Raw     string      `json:"raw,omitempty"`
	Name    string      `json:"name,omitempty"`
	Reason  string      `json:"reason,omitempty"`
	Error   string      `json:"error,omitempty"`
	Next    string      `json:"next,omitempty"`
}

type jsonTotals struct {
	Kind    backup.Kind `json:"kind"`
	Sent    uint64      `json:"sent"`
	Added   uint64      `json:"added"`
	Merged  uint64      `json:"merged"`
	Skipped uint64      `json:"skipped"`
	Failed  uint64      `json:"failed"`
	Bytes   uint64      `json:"bytes"`
	Folders uint64      `json:"folders"`
}

type jsonDone struct {
	Event    string             `json:"event"`
	Complete bool               `json:"complete"`
	Device   string             `json:"device"`
	Name     string             `json:"name"`
	Kinds    []jsonTotals       `json:"kinds"`
	Declined []receipt.Declined `json:"declined"`
	// SentItems and SentBytes went over the link in this run.
	SentItems uint64  `json:"sent_items"`
	SentBytes uint64  `json:"sent_bytes"`
	Seconds   float64 `json:"seconds"`
	Receipt   string  `json:"receipt"`
	Verified  bool    `json:"verified"`
	Differed  uint64  `json:"differed"`
	// Verification is the account of the session that verified.
	Verification *jsonVerification `json:"verification,omitempty"`
	Error        string            `json:"error,omitempty"`
	Next         string            `json:"next,omitempty"`
}

type jsonVerification struct {
	Kinds     []jsonTotals `json:"kinds"`
	SentItems uint64       `json:"sent_items"`
	SentBytes uint64       `json:"sent_bytes"`
	Seconds   float64      `json:"seconds"`
}

type jsonReceipt struct {
	Event    string           `json:"event"`
	Complete bool             `json:"complete"`
	Receipt  *receipt.Payload `json:"receipt"`
}

// emit writes one object as one line.
func (c *command) emit(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		return // the types above always can
	}
	c.io.Out.Write(append(b, '\n'))
}

// keyText is a key for JSON: the text, and the bytes where they are no text.
func keyText(k backup.Key) (text, raw string) {
	if utf8.ValidString(string(k)) {
		return string(k), ""
	}
	return strings.ToValidUTF8(string(k), "\uFFFD"), base64.StdEncoding.EncodeToString([]byte(k))
}

func jsonOf(ev session.Event, waiting bool) any {
	switch ev := ev.(type) {
	case session.Ready:
		return jsonReady{"ready", ev.Name, string(ev.Device), texts(ev.Addrs)}
	case session.Code:
		link, _ := ev.Link.Reveal() // empty where there is none
		return jsonCode{"code", ev.Code.Reveal(), link, ev.Expires.UTC(), ev.Why.String()}
	case session.Found:
		return jsonPeer{"peer", "found", ev.Candidate.Name, "", texts(ev.Candidate.Addrs)}
	case session.Paired:
		return jsonPeer{Event: "peer", Stage: "paired", Device: string(ev.Device)}
	case session.Accepted:
		return jsonPeer{Event: "peer", Stage: "accepted", Name: ev.Peer.Name, Device: string(ev.Peer.Device)}
	case session.Notes:
		return jsonNotes{"notes", ev.State.String(), say.Notes(ev.State).String()}
	case session.Verifying:
		return jsonPeer{Event: "peer", Stage: "verifying"}
	case session.WrongCode:
		return jsonWrongCode{"wrong_code", ev.TriesLeft}
	case session.Waiting:
		return jsonWaiting{"waiting", ev.Peer.Name, string(ev.Peer.Device), ev.Since.UTC(), ev.Until.UTC(), ev.Why.String(), ev.Agreed}
	case session.Back:
		return jsonBack{"back", ev.Peer.Name, string(ev.Peer.Device), ev.Agreed}
	case session.NobodyYet:
		return jsonDiagnosisOf(ev.Diagnosis, waiting)
	case session.Planned:
		return jsonPlanOf(ev.Plans)
	case session.Offered:
		return jsonOfferOf(ev.Offer)
	case session.Item:
		return jsonItemOf(ev)
	case session.Differed:
		j := jsonItem{Event: "item", Outcome: "differed", Kind: ev.Kind}
		j.Key, j.Raw = keyText(ev.Key)
		j.Name, _ = keyText(ev.Name)
		return j
	case session.WaitingForSpace:
		return jsonSpace{"space", ev.Missing, spaceOf(ev)}
	}
	return nil
}

func jsonDiagnosisOf(d discovery.Diagnosis, waiting bool) jsonDiagnosis {
	j := jsonDiagnosis{Event: "diagnosis", Findings: []jsonFinding{}}
	for _, f := range d.Findings {
		j.Findings = append(j.Findings, jsonFinding{f.Cause.String(), f.Interfaces})
	}
	for _, p := range diagnosis(d, waiting) {
		j.Text = append(j.Text, p.String())
	}
	return j
}

func jsonPlanOf(plans []transfer.KindPlan) jsonPlan {
	j := jsonPlan{Event: "plan", Kinds: []jsonPlanKind{}}
	for _, p := range plans {
		k := jsonPlanKind{Kind: p.Info.Kind, Items: p.Items, Folders: p.Folders, Bytes: p.Bytes, Cannot: p.CannotTotal()}
		for r, n := range p.Cannot {
			if k.Why == nil {
				k.Why = map[string]uint64{}
			}
			k.Why[r.Name()] = n
		}
		if p.Err != nil {
			k.Error = say.Error(p.Err).What
		}
		j.Kinds = append(j.Kinds, k)
		j.Items += p.Items
		j.Bytes += p.Bytes
	}
	return j
}

func jsonOfferOf(o transfer.Offer) jsonOffer {
	j := jsonOffer{Event: "offer", Name: o.Peer.Name, Device: string(o.Peer.Device), Kinds: []jsonOfferKind{}, Bytes: o.Bytes(), Free: o.Free, Missing: o.Missing()}
	for _, k := range o.Kinds {
		j.Kinds = append(j.Kinds, jsonOfferKind{Kind: k.Kind, Items: k.Items, Bytes: k.Bytes, Cannot: k.Cannot, Folders: k.Folders})
	}
	return j
}

func jsonItemOf(ev session.Item) jsonItem {
	j := jsonItem{Event: "item", Outcome: "renamed", Kind: ev.Kind}
	j.Key, j.Raw = keyText(ev.Key)
	j.Name, _ = keyText(ev.Name)
	if ev.Reason != 0 {
		p := say.Reason(ev.Reason)
		j.Outcome, j.Reason, j.Error, j.Next = backup.Failed.String(), ev.Reason.Name(), p.What, p.Next
	}
	return j
}

// jsonDoneOf makes the end of a move, which broke off for a problem, if for any.
func jsonDoneOf(ev session.Done, p say.Problem) jsonDone {
	r := ev.Report
	j := jsonDone{
		Event: "done", Complete: (ev.Err == nil || errors.As(ev.Err, new(*session.UnverifiedError))) && ev.Complete(), Device: string(r.Peer.Device), Name: r.Peer.Name,
		Kinds: jsonTotalsOf(r.Kinds), Declined: append([]receipt.Declined{}, r.Declined...),
		SentItems: r.SentItems, SentBytes: r.SentBytes, Seconds: r.Elapsed.Seconds(), Receipt: ev.ReceiptPath,
		Error: p.What, Next: p.Next,
	}
	if v := ev.Verified; v != nil {
		j.Verified, j.Differed = ev.Err == nil && v.Complete(), v.SentItems
		j.Verification = &jsonVerification{jsonTotalsOf(v.Kinds), v.SentItems, v.SentBytes, v.Elapsed.Seconds()}
	}
	return j
}

func spaceOf(ev session.WaitingForSpace) string {
	if ev.Own {
		return "own_here"
	}
	return ev.Of.String()
}

func jsonTotalsOf(kinds []receipt.Kind) []jsonTotals {
	out := []jsonTotals{}
	for _, k := range kinds {
		out = append(out, jsonTotals{k.Kind, k.Items, k.Added, k.Merged, k.Skipped, k.Failed, k.Bytes, k.Folders})
	}
	return out
}

func jsonProgressOf(p pace.View) jsonProgress {
	j := jsonProgress{
		Event: "progress", Phase: p.Phase.String(), Items: p.Items, DoneItems: p.DoneItems, Bytes: p.Bytes, DoneBytes: p.DoneBytes,
		SentBytes: p.SentBytes, Failed: p.Failed, Missing: p.Missing, Seconds: p.Elapsed.Seconds(),
		Part: p.Part, SafeBytes: p.SafeBytes, PendingBytes: p.PendingBytes, LinkBytes: p.LinkBytes, DoneSteps: p.DoneSteps, Steps: p.Steps,
		Limit: p.Limit, BytesPerSecond: math.Round(p.Speed), ItemsPerSecond: math.Round(10*p.ItemSpeed) / 10,
		Waiting: p.Waiting.String(), WaitingText: say.Waiting(p.Waiting, p.Silent).String(), Paused: pausedBy(p.Paused), Silent: p.Silent.Seconds(),
		Lanes: p.Lanes, LanesWhy: p.LanesWhy,
	}
	if p.Left.Known() {
		low, high := p.Left.Low.Seconds(), p.Left.High.Seconds()
		j.LeftLow, j.LeftHigh = &low, &high
	}
	return j
}

func texts[T interface{ String() string }](in []T) []string {
	out := make([]string, 0, len(in))
	for _, v := range in {
		out = append(out, v.String())
	}
	return out
}
