package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

const (
	version = 1
	// maxFile is the longest file in bytes.
	maxFile = 256 << 10
	// versionField stands beside the settings in the file.
	versionField = "version"
)

// What Parse can find.
var (
	errDamaged = errors.New("the settings are damaged")
	errNewer   = errors.New("a newer version wrote the settings")
)

// object is a file's content by field, known or not.
type object map[string]json.RawMessage

// field is how a setting lies in the file.
type field struct {
	name  Field
	at    func(*Settings) any // a pointer to it
	check func(*Settings) error
}

// fields are the settings in the order in which they are checked.
var fields = []field{
	{Name, func(s *Settings) any { return &s.Name }, func(s *Settings) error {
		if clean, err := CleanName(s.Name); err != nil || clean != s.Name {
			return &InvalidError{Name, NotText}
		}
		return nil
	}},
	{NewFolder, func(s *Settings) any { return &s.NewFolder }, func(s *Settings) error { return CheckFolder(NewFolder, s.NewFolder) }},
	{SendFolder, func(s *Settings) any { return &s.SendFolder }, func(s *Settings) error { return CheckFolder(SendFolder, s.SendFolder) }},
	{Look, func(s *Settings) any { return &s.Appearance }, func(s *Settings) error { return CheckAppearance(s.Appearance) }},
	{TextScale, func(s *Settings) any { return &s.TextScale }, func(s *Settings) error { return CheckTextScale(s.TextScale) }},
	{Language, func(s *Settings) any { return &s.Language }, func(s *Settings) error { return CheckLanguage(s.Language) }},
	{Limit, func(s *Settings) any { return &s.Limit }, func(s *Settings) error { return CheckLimit(s.Limit) }},
	{Verify, func(s *Settings) any { return &s.Verify }, func(*Settings) error { return nil }},
	{LastRole, func(s *Settings) any { return &s.LastRole }, func(s *Settings) error { return CheckRole(s.LastRole) }},
}

// parse reads a file. It returns nothing on error.
func parse(b []byte) (object, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes", errDamaged, len(b))
	}
	var o object
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("%w: no object", errDamaged)
	}
	if _, err := d.Token(); err != io.EOF || o == nil {
		return nil, fmt.Errorf("%w: more than an object", errDamaged)
	}
	var v float64
	if json.Unmarshal(o[versionField], &v) != nil || v < 1 || v != math.Trunc(v) {
		return nil, fmt.Errorf("%w: no version", errDamaged)
	}
	if v > version {
		return nil, errNewer
	}
	return o, nil
}

// encode writes an object as a file: a line for each field, in their order.
func (o object) encode() ([]byte, error) {
	o = maps.Clone(o)
	if o == nil {
		o = object{}
	}
	delete(o, versionField)
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n \"%s\": %d", versionField, version)
	for _, k := range slices.Sorted(maps.Keys(o)) {
		name, err := text(k)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, ",\n %s: ", name)
		if err := json.Compact(&b, o[k]); err != nil {
			return nil, err
		}
	}
	b.WriteString("\n}\n")
	if b.Len() > maxFile {
		return nil, fmt.Errorf("the settings take more than %d bytes", maxFile)
	}
	return b.Bytes(), nil
}

// text is v in JSON, as a person would write it.
func text(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// settings reads the known fields. Those whose values cannot be used have their
// default, and are named.
func (o object) settings() (s Settings, bad []Field) {
	for _, f := range fields {
		raw, ok := o[string(f.name)]
		if !ok {
			continue
		}
		was := s
		if json.Unmarshal(raw, f.at(&s)) != nil || f.check(&s) != nil {
			s = was
			bad = append(bad, f.name)
		}
	}
	return s, bad
}

// changes returns the fields in which b differs from a.
func changes(a, b Settings) (object, error) {
	out := object{}
	for _, f := range fields {
		was, err := text(f.at(&a))
		if err != nil {
			return nil, err
		}
		is, err := text(f.at(&b))
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(was, is) {
			out[string(f.name)] = is
		}
	}
	return out, nil
}
