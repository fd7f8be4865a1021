package prefs

import (
	"errors"
	"fmt"
)

// Value is one of [String], [Int], [Long], [Float], [Bool], [Set] and [Null].
type Value interface{ element() string }

type (
	// String is text in UTF-8.
	String string
	// Int is Java's int.
	Int int32
	// Long is Java's long.
	Long int64
	// Float is Java's float.
	Float float32
	// Bool is Java's boolean.
	Bool bool
	// Set is a set of strings in the order of the file. Its values are String
	// or, where an app put Java's null into the set, Null.
	Set []Value
	// Null is Java's null.
	Null struct{}
)

func (String) element() string { return "string" }
func (Int) element() string    { return "int" }
func (Long) element() string   { return "long" }
func (Float) element() string  { return "float" }
func (Bool) element() string   { return "boolean" }
func (Set) element() string    { return "set" }
func (Null) element() string   { return "null" }

// Entry is one setting.
type Entry struct {
	Name string
	// Unnamed: the app used Java's null for a name. Then Name is empty.
	Unnamed bool
	Value   Value

	// written is how the file spelled a Float. Platforms differ in the digits
	// that they give for the same number; an unchanged one keeps its own.
	written string
}

// Prefs is the content of a file, in its order.
type Prefs struct {
	Entries []Entry
}

// Get finds a setting by its name. Of several the last counts, as on Android.
func (p *Prefs) Get(name string) (Value, bool) {
	for i := len(p.Entries) - 1; i >= 0; i-- {
		if e := &p.Entries[i]; e.Name == name && !e.Unnamed {
			return e.Value, true
		}
	}
	return nil, false
}

// Put replaces a setting where it is, or appends it.
func (p *Prefs) Put(name string, v Value) {
	for i := len(p.Entries) - 1; i >= 0; i-- {
		if e := &p.Entries[i]; e.Name == name && !e.Unnamed {
			*e = Entry{Name: name, Value: v}
			return
		}
	}
	p.Entries = append(p.Entries, Entry{Name: name, Value: v})
}

var (
	// ErrBinary: Android's binary XML. The system keeps some of its own files
	// so; apps' settings are always text.
	ErrBinary = errors.New("the settings are in Android's binary form, not in text")
	// ErrTooLarge: the document is beyond a limit.
	ErrTooLarge = errors.New("the settings file is too large")
	// ErrUnencodable: a value that the format cannot hold: text that is not
	// UTF-8, no value at all, or a set with something else than strings in it.
	ErrUnencodable = errors.New("a setting cannot be written as text")
)

// SyntaxError says where a document stops making sense.
type SyntaxError struct {
	// Offset in the document, in bytes.
	Offset int64
	// What is a short phrase.
	What string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("settings file, byte %d: %s", e.Offset, e.What)
}
