package wire

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/ferry-move/ferry/mobile/backup"
)

// The check methods hold every message against the caps, on the way out as
// well as on the way in, so that a bug of ours fails here and not at the peer.

// The times that a receipt can hold, the years 1 to 9999, in Unix milliseconds.
const (
	FirstMilli = -62_135_596_800_000
	LastMilli  = 253_402_300_799_999
)

// writable reports whether a receipt can hold a time.
func writable(ms int64) bool { return ms >= FirstMilli && ms <= LastMilli }

func (m *Hello) check() error {
	switch {
	case m.Protocol == 0:
		return bad("hello: protocol 0")
	case len(m.Device) > MaxName || len(m.Name) > MaxName || len(m.Version) > MaxName:
		return bad("hello: a text is too long")
	case !utf8.ValidString(m.Device) || !utf8.ValidString(m.Name) || !utf8.ValidString(m.Version):
		return bad("hello: a text is not UTF-8")
	case len(m.Session) != SessionSize:
		return bad("hello: session ID of %d bytes", len(m.Session))
	}
	return nil
}

func (m *Offer) check() error {
	if len(m.Kinds) > MaxKinds {
		return bad("offer: %d kinds", len(m.Kinds))
	}
	if !writable(m.Started) {
		return bad("offer: time out of range")
	}
	seen := map[string]bool{}
	for _, k := range m.Kinds {
		if !backup.Kind(k.Kind).Valid() || seen[k.Kind] {
			return bad("offer: a kind is malformed or twice")
		}
		if k.Items > math.MaxInt64 || k.Bytes > math.MaxInt64 || k.Folders > math.MaxInt64 || k.Cannot > k.Items {
			return bad("offer: impossible numbers")
		}
		seen[k.Kind] = true
	}
	return nil
}

func (m *Answer) check() error {
	if len(m.Kinds) > MaxKinds {
		return bad("answer: %d kinds", len(m.Kinds))
	}
	for i, k := range m.Kinds {
		if i > 0 && k <= m.Kinds[i-1] {
			return bad("answer: kinds out of order")
		}
	}
	for i, k := range m.Unasked {
		if _, ok := slices.BinarySearch(m.Kinds, k); !ok || i > 0 && k <= m.Unasked[i-1] {
			return bad("answer: kind %d comes unasked", k)
		}
	}
	if m.Accept != (m.Why == StopNone) || m.Accept && len(m.Token) != TokenSize || m.Accept && m.Lanes == 0 {
		return bad("answer: neither a yes nor a no")
	}
	return nil
}

func (m *Items) check() error {
	for i := range m.Entries {
		if e := &m.Entries[i]; backup.Type(e.Type) == backup.TypeEntity && e.Fail == 0 && len(e.Digest) == 0 {
			return bad("entry: an entity without a digest")
		}
	}
	return m.checkList()
}

// checkList also lets entities without a digest pass, which come unasked.
func (m *Items) checkList() error {
	if m.First == 0 || m.First > math.MaxInt64 || len(m.Entries) == 0 || len(m.Entries) > MaxBatch {
		return bad("items: %d from %d", len(m.Entries), m.First)
	}
	for i := range m.Entries {
		if err := m.Entries[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (e *Entry) check() error {
	switch t := backup.Type(e.Type); {
	case t != backup.TypeFile && t != backup.TypeDirectory && t != backup.TypeEntity && e.Fail == 0:
		return bad("entry: type %d", e.Type)
	case len(e.Key) == 0 || len(e.Key) > backup.MaxKey || len(e.Group) > backup.MaxKey:
		return bad("entry: key of %d bytes", len(e.Key))
	case e.Size > MaxSize || t == backup.TypeDirectory && e.Size != 0 || t == backup.TypeEntity && e.Size > backup.MaxValue:
		return bad("entry: size %d", e.Size)
	case e.Nsec > 999_999_999 || e.Sec > maxSec || e.Sec < -maxSec || e.Epoch && (e.Sec != 0 || e.Nsec != 0):
		return bad("entry: time out of range")
	case e.Mode > 0o777:
		return bad("entry: mode %o", e.Mode)
	case len(e.Digest) != 0 && len(e.Digest) != len(backup.Digest{}):
		return bad("entry: digest of %d bytes", len(e.Digest))
	case t == backup.TypeEntity && e.Fail == 0 && len(e.Digest) == 0 && e.Size >= PushBelow:
		return bad("entry: an entity of %d bytes without a digest", e.Size)
	}
	return nil
}

func (m *Want) check() error {
	if len(m.Wanted) == 0 || len(m.Wanted) > MaxBatch {
		return bad("want: %d entries", len(m.Wanted))
	}
	for i := range m.Wanted {
		w := &m.Wanted[i]
		v := backup.Verdict(w.Verdict)
		if v != backup.Need && v != backup.Compare || w.ID == 0 ||
			len(w.Digests) > MaxDigests || (v == backup.Compare) != (len(w.Digests) > 0) {
			return bad("want: verdict %d", w.Verdict)
		}
		if len(w.Nodes)%NodeSize != 0 || len(w.Nodes) > MaxNodes*NodeSize || v != backup.Need && len(w.Nodes) > 0 {
			return bad("want: %d bytes of nodes", len(w.Nodes))
		}
		for _, d := range w.Digests {
			if len(d) != len(backup.Digest{}) {
				return bad("want: digest of %d bytes", len(d))
			}
		}
	}
	return nil
}

func (m *Settle) check() error {
	if len(m.Settled) == 0 || len(m.Settled) > MaxBatch {
		return bad("settle: %d entries", len(m.Settled))
	}
	for _, s := range m.Settled {
		if s.ID == 0 || (s.Same == 0) == (s.Fail == 0) || s.Same > MaxDigests {
			return bad("settle: neither the same nor failed")
		}
	}
	return nil
}

func (m *Results) check() error {
	if len(m.Results) == 0 || len(m.Results) > MaxBatch {
		return bad("results: %d entries", len(m.Results))
	}
	for i := range m.Results {
		r := &m.Results[i]
		if r.ID == 0 || !backup.Outcome(r.Outcome).Valid() || (backup.Outcome(r.Outcome) == backup.Failed) != (r.Reason != 0) ||
			len(r.Digest) != 0 && len(r.Digest) != len(backup.Digest{}) || len(r.Name) > backup.MaxKey {
			return bad("results: outcome %d", r.Outcome)
		}
	}
	return nil
}

func (m *End) check() error {
	if m.Items > math.MaxInt64 {
		return bad("end: %d items", m.Items)
	}
	return nil
}

func (m *Totals) check() error {
	if len(m.Kinds) > MaxKinds || len(m.Root) != len(backup.Digest{}) || !writable(m.Finished) {
		return bad("totals: %d kinds", len(m.Kinds))
	}
	for _, k := range m.Kinds {
		if !backup.Kind(k.Kind).Valid() {
			return bad("totals: a kind is malformed")
		}
		// Compared one by one first: the sum of four numbers below 2^62 cannot wrap.
		for _, n := range []uint64{k.Items, k.Added, k.Merged, k.Skipped, k.Failed, k.Folders, k.AddedBefore, k.MergedBefore} {
			if n >= 1<<61 {
				return bad("totals: impossible numbers")
			}
		}
		if k.Added+k.Merged+k.Skipped+k.Failed != k.Items {
			return bad("totals: the outcomes do not add up")
		}
		if k.AddedBefore+k.MergedBefore > k.Skipped {
			return bad("totals: more was there before than was skipped")
		}
	}
	return nil
}

func (m *Receipt) check() error {
	if len(m.Payload) == 0 || len(m.Payload) > MaxReceipt || len(m.Signature) != SignatureSize {
		return bad("receipt: %d bytes", len(m.Payload))
	}
	return nil
}

func (m *Bye) check() error  { return nil }
func (m *Ping) check() error { return nil }

func (m *Waits) check() error { return nil }
func (m *Full) check() error {
	if m.Missing > math.MaxInt64 {
		return bad("full: %d bytes", m.Missing)
	}
	return nil
}

func (m *Limit) check() error {
	if m.Rate > math.MaxInt64 {
		return bad("limit: %d bytes a second", m.Rate)
	}
	return nil
}

func (m *Stop) check() error {
	if m.Kind == StopNone {
		return bad("stop: without a reason")
	}
	return nil
}
