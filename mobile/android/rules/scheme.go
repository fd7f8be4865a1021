package rules

import (
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Query says what a scheme is for.
type Query struct {
	Destination Destination
	// Flags are the transport's. A restore does not look at them.
	Flags backup.Flags
	// IsDir reports whether a rule's path is a folder of the app, now. It
	// decides whether a rule about a database or a settings file also holds for
	// the files that belong to it (see [Select]). Nil = nothing is known to be
	// a folder, as on a phone that is only being filled.
	IsDir func(t domain.Token, path string) bool
}

// Scheme is what holds for an app and a destination. It is immutable. Paths
// that it is asked about are relative to their domain and clean: no slashes at
// the ends, no empty or dotted parts; empty = the domain's folder.
type Scheme struct {
	backup, restore Reason
	fresh           bool

	including bool           // there are includes, even if none counts
	backups   []Rule         // includes that count for a backup, in order, each once
	starts    map[place]bool // the same
	above     map[place]bool // the folders around backups
	within    map[place]bool // includes for a restore
	exclude   map[place]bool
}

// place is a canonical domain and path. Folders of other domains below the root
// domain appear under their own.
type place struct {
	domain domain.Token
	path   string
}

// Select picks the rules:
//
//	destination      the new document has its section   no section, target ≥ 31   no section, older
//	cloud            that section                       the old document          the old document
//	device transfer  that section                       everything                the old document
//	local backup     everything                         everything                everything
//
// A section of the new document or a transfer of a new app also overrules
// fullBackupContent="false".
//
// A rule about a file in the domain "database" holds for its -journal and -wal
// too, and one in "sharedpref" for the same name with .xml. Whether a path is a
// file is asked of q.IsDir.
func Select(a App, q Query) *Scheme {
	a = a.recorded()
	s := new(Scheme)
	switch q.Destination {
	case Cloud, DeviceTransfer:
	case ADB:
		if a.NoFullBackup {
			s.backup, s.restore = DeniesFull, DeniesFull
		}
		return s
	default:
		s.backup, s.restore = UnknownDestination, UnknownDestination
		return s
	}
	if sec := a.Extraction.section(q.Destination); sec != nil {
		s.fresh = true
		s.apply(sec, a, q)
		if s.backup == OK && sec.Encrypted && q.Destination == Cloud && !q.Flags.Has(backup.FlagClientSideEncryptionEnabled) {
			s.backup = NeedsEncryption
		}
		return s
	}
	switch {
	case q.Destination == DeviceTransfer && a.TargetSDK >= sdk31:
		s.fresh = true
	case a.NoFullBackup:
		s.backup, s.restore = DeniesFull, DeniesFull
	case a.Content != nil:
		s.apply(&a.Content.Section, a, q)
	}
	return s
}

// section returns that of a destination, nil if there is none.
func (e *Extraction) section(d Destination) *Section {
	switch {
	case e == nil:
		return nil
	case d == Cloud:
		return e.Cloud
	}
	return e.Transfer
}

func (s *Scheme) apply(sec *Section, a App, q Query) {
	if sec.Err != nil {
		s.backup, s.restore = UnusableRules, UnusableRules
		return
	}
	s.starts, s.above = map[place]bool{}, map[place]bool{}
	s.within, s.exclude = map[place]bool{}, map[place]bool{}
	for _, r := range sec.Exclude {
		for _, r := range companions(r, a, q) {
			s.exclude[r.place()] = true
		}
	}
	var includes []Rule
	for _, r := range sec.Include {
		for _, r := range companions(r, a, q) {
			s.including = true
			s.within[r.place()] = true
			if p := r.place(); q.Flags.Has(r.Require) && !s.starts[p] {
				s.starts[p] = true
				includes = append(includes, Rule{Domain: p.domain, Path: p.path, Require: r.Require})
			}
		}
	}
	for _, r := range includes {
		if p := r.place(); !s.coveredAbove(p) && !s.excluded(p) && !domain.NeverBackedUp(p.domain, p.path) {
			s.backups = append(s.backups, r)
			for up, ok := p.parent(); ok; up, ok = up.parent() {
				s.above[up] = true
			}
		}
	}
}

func (r Rule) place() place {
	t, path := domain.Canonical(r.Domain, r.Path)
	return place{t, path}
}

// companions returns the rule and those that follow from it; none if it does
// not hold for this app.
func companions(r Rule, a App, q Query) []Rule {
	if r.Domain == domain.External && a.SystemUID {
		return nil
	}
	all := []Rule{r}
	if r.Path == "" || q.IsDir != nil && q.IsDir(r.Domain, r.Path) {
		return all
	}
	switch {
	case r.Domain == domain.Databases:
		for _, suffix := range []string{"-journal", "-wal"} {
			all = append(all, Rule{r.Domain, r.Path + suffix, r.Require})
		}
	case r.Domain == domain.SharedPrefs && !strings.HasSuffix(r.Path, ".xml"):
		all = append(all, Rule{r.Domain, r.Path + ".xml", r.Require})
	}
	return all
}

// parent returns the place above within the same domain.
func (p place) parent() (place, bool) {
	if p.path == "" {
		return place{}, false
	}
	i := strings.LastIndexByte(p.path, '/')
	return place{p.domain, p.path[:max(i, 0)]}, true
}

// in reports whether p or one of the folders around it is in set.
func (p place) in(set map[place]bool) bool {
	for up, ok := p, true; ok; up, ok = up.parent() {
		if set[up] {
			return true
		}
	}
	return false
}

// inData is in, and counts the data directory as around the domains that lie in
// it.
func (p place) inData(set map[place]bool) bool {
	if p.in(set) {
		return true
	}
	if _, inside := p.domain.Folder(); !inside {
		return false
	}
	root := domain.Root
	if p.domain.Device() {
		root = domain.DeviceRoot
	}
	return set[place{root, ""}]
}

func (s *Scheme) excluded(p place) bool { return p.inData(s.exclude) }

// coveredAbove reports whether another include that counts is around p.
func (s *Scheme) coveredAbove(p place) bool {
	up, ok := p.parent()
	return ok && up.in(s.starts)
}

// BackupReason says why nothing at all is backed up, OK if something may be.
func (s *Scheme) BackupReason() Reason { return s.backup }

// RestoreReason says why nothing at all is restored, OK if something may be.
func (s *Scheme) RestoreReason() Reason { return s.restore }

// Fresh reports whether the rules of Android 12 decided: a section of the new
// document, or its absence where that means everything.
func (s *Scheme) Fresh() bool { return s.fresh }

// Includes returns where a backup begins; all is true if there are no includes,
// and everything is to be walked. The places are in the order of the document,
// each once and none within another. A path of the root domain that lies in
// another domain is named by that.
func (s *Scheme) Includes() (starts []Rule, all bool) {
	if s.backup != OK {
		return nil, false
	}
	return append([]Rule(nil), s.backups...), !s.including
}

// Backup decides whether a file or folder is backed up. Whoever walks asks for
// each and does not go below a folder for which the answer is no, unless
// [Scheme.Descend] says so. Domains that rules cannot name, such as key/value
// data, are none of their business, and the answer is yes but for caches and
// no_backup.
func (s *Scheme) Backup(t domain.Token, path string) bool {
	if s.backup != OK || domain.NeverBackedUp(t, path) {
		return false
	}
	p := Rule{Domain: t, Path: path}.place()
	if p.domain.XMLName() == "" {
		return true
	}
	return !s.excluded(p) && (!s.including || p.in(s.starts))
}

// Descend reports whether something below a folder may be backed up: the folder
// itself is, or an include begins below it.
func (s *Scheme) Descend(t domain.Token, path string) bool {
	return s.Backup(t, path) || s.backup == OK && s.above[Rule{Domain: t, Path: path}.place()]
}

// Restore decides whether the rules let a file or folder be restored. Whether
// the path is safe is for [domain.CheckRestore].
func (s *Scheme) Restore(t domain.Token, path string) bool {
	if s.restore != OK {
		return false
	}
	p := Rule{Domain: t, Path: path}.place()
	if p.domain.XMLName() == "" {
		return true
	}
	return !s.excluded(p) && (!s.including || p.inData(s.within))
}
