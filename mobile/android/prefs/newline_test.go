package prefs

import "testing"

// TestTextThatEndsWithALine: nothing is added to text that ends with a line
// feed, on its own or in a set.
func TestTextThatEndsWithALine(t *testing.T) {
	p := &Prefs{Entries: []Entry{{Name: "k", Value: String("a\n")}, {Name: "s", Value: Set{String("\n")}}}}
	want := head + "<map>\n    <string name=\"k\">a&#10;</string>\n    <set name=\"s\">\n        <string>&#10;</string>\n    </set>\n</map>\n"
	if b, err := p.Append(nil); err != nil || string(b) != want {
		t.Errorf("%q, %v", b, err)
	}
}
