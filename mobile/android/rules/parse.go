package rules

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	maxDocument = 1 << 20 // bytes
	maxDepth    = 8
	maxRules    = 10_000 // in a document
)

var (
	// ErrCompiled: binary XML, as it lies in an installed app. Rules are read
	// as text only.
	ErrCompiled = errors.New("the rules are in Android's compiled form, not in text")
	// ErrTooLarge: more than a megabyte, or more than ten thousand rules.
	ErrTooLarge = errors.New("the rules are too large")
)

// SyntaxError says where a document breaks the rules for rules.
type SyntaxError struct {
	// Offset in the document, in bytes; behind the offending part.
	Offset int64
	// What is a short phrase.
	What string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("backup rules, byte %d: %s", e.Offset, e.What)
}

// Rule names a file, or a folder and all that is in it.
type Rule struct {
	Domain domain.Token
	// Path is clean, without slashes at its ends; empty = the whole domain.
	Path string
	// Require: an include counts only if the transport has all these flags.
	Require backup.Flags
}

// Section is a list of rules for one destination.
type Section struct {
	Include, Exclude []Rule
	// Encrypted: without an encrypted destination nothing is backed up.
	Encrypted bool
	// Err is set if the section breaks the rules for rules. Then it has none,
	// and nothing moves by it.
	Err error
}

// Content is a full-backup-content document.
type Content struct{ Section }

// Extraction is a data-extraction-rules document. A section that is there but
// empty lets everything through; nil = not there, which is another thing.
type Extraction struct {
	Cloud    *Section
	Transfer *Section
}

var errUnusable = errors.New("the rules cannot be read")

// UnusableContent stands for a document that [ParseContent] refused.
func UnusableContent() *Content { return &Content{Section{Err: errUnusable}} }

// UnusableExtraction stands for a document that [ParseExtraction] refused.
func UnusableExtraction() *Extraction {
	return &Extraction{Cloud: &Section{Err: errUnusable}, Transfer: &Section{Err: errUnusable}}
}

// ParseContent reads a full-backup-content document. It fails with
// [ErrCompiled], [ErrTooLarge], a [SyntaxError], or the error of r. The caller
// then goes on with [UnusableContent].
func ParseContent(r io.Reader) (*Content, error) {
	p, err := begin(r, "full-backup-content")
	if err != nil {
		return nil, err
	}
	c := new(Content)
	if err := p.section(&c.Section, true); err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if c.Err != nil {
		return nil, c.Err
	}
	return c, nil
}

// ParseExtraction reads a data-extraction-rules document. It fails as
// [ParseContent] does, but a broken section spoils only itself: see
// [Section.Err]. Sections of the same name add up, unknown ones are skipped.
func ParseExtraction(r io.Reader) (*Extraction, error) {
	p, err := begin(r, "data-extraction-rules")
	if err != nil {
		return nil, err
	}
	e := new(Extraction)
	for {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := p.extractionSection(e, t); err != nil {
				return nil, err
			}
		case xml.EndElement: // the root's: those of sections are consumed
			if err := p.end(); err != nil {
				return nil, err
			}
			return e, nil
		}
	}
}

func (p *parser) extractionSection(e *Extraction, t xml.StartElement) error {
	var s **Section
	switch t.Name.Local {
	case "cloud-backup":
		s = &e.Cloud
	case "device-transfer":
		s = &e.Transfer
	default:
		return p.skip()
	}
	if *s == nil {
		*s = new(Section)
	}
	if v, _ := attr(t, "disableIfNoEncryptionCapabilities"); s == &e.Cloud && v == "true" {
		(*s).Encrypted = true
	}
	return p.section(*s, false)
}

// parser reads tokens and counts.
type parser struct {
	dec   *xml.Decoder
	depth int
	rules int
}

// begin reads up to the root element.
func begin(r io.Reader, want string) (*parser, error) {
	doc, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read backup rules: %w", err)
	}
	if len(doc) > maxDocument {
		return nil, ErrTooLarge
	}
	if bytes.HasPrefix(doc, []byte{3, 0, 8, 0}) {
		return nil, ErrCompiled
	}
	p := &parser{dec: xml.NewDecoder(bytes.NewReader(doc))}
	for {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		if root, ok := t.(xml.StartElement); ok {
			if root.Name.Local != want {
				return nil, p.fail("the document is of another kind")
			}
			return p, nil
		}
	}
}

func (p *parser) fail(what string) error {
	return &SyntaxError{Offset: p.dec.InputOffset(), What: what}
}

// token returns the next token within limits. The end of the document is an
// error: end expects it.
func (p *parser) token() (xml.Token, error) {
	t, err := p.dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, p.fail("the document ends too early")
	}
	if err != nil {
		return nil, p.fail("the document is not well-formed")
	}
	switch t.(type) {
	case xml.Directive:
		return nil, p.fail("a document type, which rules may not have")
	case xml.StartElement:
		if p.depth++; p.depth > maxDepth {
			return nil, p.fail("the document nests too deep")
		}
	case xml.EndElement:
		p.depth--
	}
	return t, nil
}

// end reads what follows the root element: nothing that matters.
func (p *parser) end() error {
	for {
		t, err := p.dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.fail("the document is not well-formed")
		}
		switch t := t.(type) {
		case xml.StartElement, xml.Directive:
			return p.fail("something follows the rules")
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return p.fail("something follows the rules")
			}
		}
	}
}

// skip reads to the end of the element that was begun last.
func (p *parser) skip() error {
	for outside := p.depth - 1; p.depth > outside; {
		if _, err := p.token(); err != nil {
			return err
		}
	}
	return nil
}

// section reads rules up to the end of the element that was begun last. It
// returns errors of the document; those of the section go into s.Err. Rules
// within rules count like rules beside them.
func (p *parser) section(s *Section, legacy bool) error {
	for outside := p.depth - 1; p.depth > outside; {
		t, err := p.token()
		if err != nil {
			return err
		}
		el, ok := t.(xml.StartElement)
		if !ok || s.Err != nil {
			continue
		}
		if p.rules++; p.rules > maxRules {
			return ErrTooLarge
		}
		if what := s.add(el, legacy); what != "" {
			*s = Section{Err: p.fail(what)}
		}
	}
	return nil
}

// Attributes that an element may have at most. More make a section unusable.
const (
	includeAttrs = 3
	excludeAttrs = 2
)

// add takes one rule. It returns what is wrong with it, or nothing. Rules about
// unknown domains and impossible paths are passed over without a word.
func (s *Section) add(el xml.StartElement, legacy bool) (wrong string) {
	n := attrCount(el)
	switch el.Name.Local {
	case "include":
		if n > includeAttrs {
			return "an include with more than three attributes"
		}
	case "exclude":
		if n > excludeAttrs {
			return "an exclude with more than two attributes"
		}
	default:
		return "an element other than include and exclude"
	}
	name, _ := attr(el, "domain")
	path, _ := attr(el, "path")
	token, known := domain.FromXML(name)
	clean, possible := cleanPath(path)
	if !known || !possible {
		return ""
	}
	r := Rule{Domain: token, Path: clean}
	if el.Name.Local == "exclude" {
		s.Exclude = append(s.Exclude, r)
		return ""
	}
	if legacy {
		words, _ := attr(el, "requireFlags")
		r.Require = requireFlags(words)
	}
	s.Include = append(s.Include, r)
	return ""
}

// cleanPath normalises a rule's path. One with ".." anywhere, even within a
// name, or with "//" is impossible.
func cleanPath(path string) (string, bool) {
	if strings.Contains(path, "..") || strings.Contains(path, "//") {
		return "", false
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/"), true
}

// FlagFakeEncryption is Android's FLAG_FAKE_CLIENT_SIDE_ENCRYPTION_ENABLED,
// which only its tests set.
const FlagFakeEncryption backup.Flags = 1 << 31

// requireFlags reads words separated by "|". Unknown ones ask for nothing.
func requireFlags(words string) backup.Flags {
	var f backup.Flags
	for w := range strings.SplitSeq(words, "|") {
		switch w {
		case "clientSideEncryption":
			f |= backup.FlagClientSideEncryptionEnabled
		case "deviceToDeviceTransfer":
			f |= backup.FlagDeviceToDeviceTransfer
		case "fakeClientSideEncryption":
			f |= FlagFakeEncryption
		}
	}
	return f
}

// attr finds an attribute outside of all namespaces.
func attr(el xml.StartElement, name string) (string, bool) {
	for _, a := range el.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// attrCount counts what is left of an element's attributes in an app:
// declarations of namespaces and those for tools are gone by then.
func attrCount(el xml.StartElement) int {
	n := 0
	for _, a := range el.Attr {
		switch {
		case a.Name.Space == "xmlns", a.Name.Space == "" && a.Name.Local == "xmlns":
		case a.Name.Space == "tools", a.Name.Space == "http://schemas.android.com/tools":
		default:
			n++
		}
	}
	return n
}
