package prefs

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// Limits bound what a document may cost. The zero value has the defaults.
type Limits struct {
	// MaxBytes is the size of the document. 0 = 16 MiB.
	MaxBytes int64
	// MaxEntries counts settings and members of sets together. 0 = 250,000.
	MaxEntries int
}

const (
	defaultBytes   = 16 << 20
	defaultEntries = 250_000
	maxAttributes  = 8
)

// Decode reads one document to its end. A failed one returns nothing but the
// error: [ErrBinary], [ErrTooLarge], a [SyntaxError], or that of r.
//
// The elements nest three deep at most, so depth needs no limit of its own: the
// first element that does not belong ends the reading.
func Decode(r io.Reader, lim Limits) (*Prefs, error) {
	if lim.MaxBytes <= 0 {
		lim.MaxBytes = defaultBytes
	}
	if lim.MaxEntries <= 0 {
		lim.MaxEntries = defaultEntries
	}
	doc, err := io.ReadAll(io.LimitReader(r, lim.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if int64(len(doc)) > lim.MaxBytes {
		return nil, ErrTooLarge
	}
	if bytes.HasPrefix(doc, []byte("ABX\x00")) {
		return nil, ErrBinary
	}
	d := &decoder{scanner: scanner{doc: doc}, left: lim.MaxEntries}
	return d.document()
}

type decoder struct {
	scanner
	left int // entries still allowed
}

func (d *decoder) document() (*Prefs, error) {
	if err := d.prolog(); err != nil {
		return nil, err
	}
	root, err := d.tag()
	if err != nil {
		return nil, err
	}
	if root.name != "map" || root.closing {
		return nil, d.fail(root.at, "the document does not hold a map")
	}
	if len(root.attrs) > 0 {
		return nil, d.fail(root.at, "an unknown attribute")
	}
	p := new(Prefs)
	if !root.empty {
		if err := d.children(root, func(t *tag) error {
			e, err := d.entry(t)
			if err == nil {
				p.Entries = append(p.Entries, e)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	if err := d.misc(); err != nil {
		return nil, err
	}
	if d.pos < len(d.doc) {
		return nil, d.fail(d.pos, "something follows the map")
	}
	return p, nil
}

// children calls each for every element up to the closing tag of parent.
func (d *decoder) children(parent *tag, each func(*tag) error) error {
	for {
		if err := d.misc(); err != nil {
			return err
		}
		t, err := d.tag()
		if err != nil {
			return err
		}
		if t.closing {
			if t.name != parent.name {
				return d.fail(t.at, "a closing tag without its opening one")
			}
			return nil
		}
		if d.left--; d.left < 0 {
			return ErrTooLarge
		}
		if err := each(t); err != nil {
			return err
		}
	}
}

func (d *decoder) entry(t *tag) (Entry, error) {
	name, named := t.attr("name")
	e := Entry{Name: name, Unnamed: !named}
	known := 0
	if named {
		known++
	}
	var err error
	switch t.name {
	case "string":
		e.Value, err = d.text(t)
	case "null":
		e.Value, err = Null{}, d.hollow(t)
	case "set":
		e.Value, err = d.set(t)
	case "int", "long", "float", "boolean":
		value, ok := t.attr("value")
		if !ok {
			return Entry{}, d.fail(t.at, "a number or a boolean without its value")
		}
		known++
		if e.Value = scalar(t.name, value); e.Value == nil {
			return Entry{}, d.fail(t.at, "a value out of range or not of its kind")
		}
		if t.name == "float" {
			e.written = value
		}
		err = d.hollow(t)
	default:
		return Entry{}, d.fail(t.at, "an unknown element")
	}
	if err == nil && len(t.attrs) != known {
		err = d.fail(t.at, "an unknown attribute")
	}
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

// scalar returns nil for a value that is not of the kind.
func scalar(kind, s string) Value {
	switch kind {
	case "int":
		if n, err := strconv.ParseInt(s, 10, 32); err == nil {
			return Int(n)
		}
	case "long":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return Long(n)
		}
	case "float":
		if f, ok := parseFloat(s); ok {
			return Float(f)
		}
	case "boolean":
		switch s {
		case "true":
			return Bool(true)
		case "false":
			return Bool(false)
		}
	}
	return nil
}

func (d *decoder) set(t *tag) (Value, error) {
	set := Set{}
	if t.empty {
		return set, nil
	}
	err := d.children(t, func(m *tag) error {
		var v Value
		var err error
		switch m.name {
		case "string":
			v, err = d.text(m)
		case "null":
			v, err = Null{}, d.hollow(m)
		default:
			return d.fail(m.at, "a set holds something else than strings")
		}
		if err == nil && len(m.attrs) > 0 {
			err = d.fail(m.at, "an unknown attribute")
		}
		if err == nil {
			set = append(set, v)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return set, nil
}

// text reads a string's content and its closing tag.
func (d *decoder) text(t *tag) (Value, error) {
	if t.empty {
		return String(""), nil
	}
	s, err := d.chars()
	if err != nil {
		return nil, err
	}
	return String(s), d.closes(t)
}

// hollow reads the rest of an element that has no content.
func (d *decoder) hollow(t *tag) error {
	if t.empty {
		return nil
	}
	if err := d.misc(); err != nil {
		return err
	}
	return d.closes(t)
}

func (d *decoder) closes(t *tag) error {
	c, err := d.tag()
	if err != nil {
		return err
	}
	if !c.closing || c.name != t.name {
		return d.fail(c.at, "a closing tag is missing")
	}
	return nil
}
