package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// DefaultFindings is how many findings a [Report] holds unless told otherwise.
const DefaultFindings = 1000

// CheckOptions say how to check an archive.
type CheckOptions struct {
	Options
	// Findings is how many of them the report holds. 0 = [DefaultFindings].
	Findings int
}

// Report is what [Check] found.
type Report struct {
	Listing
	// Complete says that everything was read, to the end.
	Complete bool
	// Damage is what ended the reading before that; nil if Complete.
	Damage *DamageError
	// Findings are the first ones, in the order of the archive.
	Findings []Finding
	// Damaged, Refused and Notes count all findings of each severity.
	Damaged, Refused, Notes int64
}

// Clean reports whether Android would take everything as it was stored.
func (r *Report) Clean() bool { return r.Complete && r.Damaged == 0 && r.Refused == 0 }

// Check reads all of an archive and verifies what can be verified: headers and
// their checksums, the fill between, manifests, widgets' state, key/value data,
// the check sum of a deflated archive, and how it ends. Damage is a finding; an
// error means that there is no report, such as a wrong password or a file that
// cannot be read.
func Check(ctx context.Context, r io.Reader, o CheckOptions) (*Report, error) {
	if o.Findings <= 0 {
		o.Findings = DefaultFindings
	}
	rep := &Report{}
	tell := o.Problem
	o.Problem = func(f Finding) {
		switch f.Severity {
		case Damage:
			rep.Damaged++
		case Refused:
			rep.Refused++
		default:
			rep.Notes++
		}
		if len(rep.Findings) < o.Findings {
			f.Name, f.Package = strings.Clone(f.Name), strings.Clone(f.Package)
			rep.Findings = append(rep.Findings, f)
		}
		if tell != nil {
			tell(f)
		}
	}
	c := newCensus(&o.Options)
	sum, err := walkWith(ctx, r, o.Options, true, func(e *Entry) error {
		if _, err := c.entry(e); err != nil {
			return err
		}
		c.inspect(e)
		if err := c.entities(e); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, e)
		return err
	})
	c.list.Summary = sum
	if d, ok := errors.AsType[*DamageError](err); ok {
		rep.Damage = d
		c.report(Finding{Kind: KindDamage, Severity: Damage, Offset: d.Offset, File: d.File, What: "the archive cannot be read any further: " + d.What(), Err: err})
	} else if err != nil {
		return nil, err
	}
	rep.Complete = err == nil
	rep.Listing = *c.list
	return rep, nil
}

// inspect reports what is unusual about a header.
func (c *census) inspect(e *Entry) {
	if e.Odd != nil && !bytes.Contains(e.Odd, []byte("ustar  \x00")) { // of those, one finding is enough
		c.report(e.finding(KindHeader, Note, "the header is not as Android writes it", nil))
	}
	if e.Flags&fullbackup.FlagControl != 0 {
		c.report(e.finding(KindHeader, Note, "the name holds control characters", nil))
	}
	if e.Package == "" || e.IsManifest() || e.IsMeta() || e.Domain == string(domain.KeyValue) {
		return
	}
	switch err := domain.CheckRestore(domain.Token(e.Domain), e.Path); {
	case errors.Is(err, domain.ErrUnknown):
		c.report(e.finding(KindDropped, Note, "a domain that is not Android's", err))
	case errors.Is(err, domain.ErrNotRestored), errors.Is(err, domain.ErrDots):
		c.report(e.finding(KindDropped, Note, "Android does not restore it", err))
	case e.Type == fullbackup.TypeDirectory && e.Mode&0o200 == 0:
		c.report(e.finding(KindDropped, Note, "a folder that cannot be written to, which new versions of Android do not restore", nil))
	}
}

func entityDamage(err error) (*entity.DamageError, bool) {
	return errors.AsType[*entity.DamageError](err)
}
