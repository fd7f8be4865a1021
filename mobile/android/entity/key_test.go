package entity

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestSystemKeys(t *testing.T) {
	for key, want := range map[Key]bool{
		"\uFF00": true, "\uFFED\uFFEDwidget": true, "\uFEFF": false, "a\uFFED": false, "\U0001F600": false,
		"\xED\xA0\xBD\xED\xB8\x80": false, "": false,
	} {
		if key.Reserved() != want {
			t.Errorf("Reserved(%x) = %v", string(key), !want)
		}
	}
	records := []record{{"\uFFED\uFFEDwidget", "w", false}}
	if got, err := read(NewReader(bytes.NewReader(write(t, Options{System: true}, records)), Limits{})); err != nil || !slices.Equal(got, records) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestKeyText(t *testing.T) {
	k, err := KeyOf("a\x00\U0001F600")
	if err != nil || k != "a\xC0\x80\xED\xA0\xBD\xED\xB8\x80" {
		t.Fatalf("KeyOf = %x, %v", string(k), err)
	}
	if s, err := k.Text(); err != nil || s != "a\x00\U0001F600" {
		t.Errorf("Text = %q, %v", s, err)
	}
	for _, bad := range []string{"", "\xFF"} {
		if k, err := KeyOf(bad); !errors.Is(err, ErrKey) || k != "" {
			t.Errorf("KeyOf(%x) = %x, %v", bad, string(k), err)
		}
	}
	if s, err := Key("\xFF").Text(); !errors.Is(err, ErrKey) || s != "" {
		t.Errorf("Text of a bad key = %q, %v", s, err)
	}
	if Key("\U0001F600").Compare(k[3:]) != 0 || Key("\U0001F600").Compare("\uFFED") >= 0 {
		t.Error("keys are not in Java's order")
	}
}

func TestPrefix(t *testing.T) {
	if k := Key("a:b").WithPrefix("prefs"); k != "prefs:a:b" {
		t.Errorf("WithPrefix = %q", k)
	}
	if k := Key("a").WithPrefix(""); k != "a" {
		t.Errorf("without a prefix: %q", k)
	}
	tests := []struct {
		in, prefix, rest Key
		ok               bool
	}{
		{"prefs:keyvalue_prefs", "prefs", "keyvalue_prefs", true},
		{"p:a:b", "p", "a:b", true},
		{"p:", "p", "", true},
		{":a", "", ":a", false},
		{"a", "", "a", false},
		{"", "", "", false},
	}
	for _, tt := range tests {
		if p, rest, ok := tt.in.CutPrefix(); p != tt.prefix || rest != tt.rest || ok != tt.ok {
			t.Errorf("CutPrefix(%q) = %q, %q, %v", tt.in, p, rest, ok)
		}
	}
}
