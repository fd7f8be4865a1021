package pm

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

var (
	stateHead     = "\x00\x07=state=\x00\x00\x00\x02"
	stateHome     = "\x00\x06@home@\x00\x07com.l/A\x00\x00\x00\x01\x00\x00\x00\x05" + oneSigner + aa
	stateGlobal   = "\x00\x06@meta@\x00\x00\x00\x22\x00\x07UP1A.01"
	statePackages = "\x00\x05org.b\x00\x00\x01\x41" + "\x00\x05org.a\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"

	packages = []PackageVersion{{"org.b", 321}, {"org.a", 1 << 32}}
)

func TestState(t *testing.T) {
	h := home
	h.Installer = ""
	tests := []struct {
		name, bytes string
		want        State
	}{
		{"whole", stateHead + stateHome + stateGlobal + statePackages, State{Home: &h, Global: global, Packages: packages}},
		{"no home", stateHead + stateGlobal + statePackages, State{Global: global, Packages: packages}},
		{"no packages", stateHead + stateGlobal, State{Global: global}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if b, err := AppendState([]byte("<"), tt.want); err != nil || string(b) != "<"+tt.bytes {
				t.Errorf("written %v:\n%x\nwant:\n3c%x", err, b, tt.bytes)
			}
			if s, err := ParseState([]byte(tt.bytes)); err != nil || !reflect.DeepEqual(s, tt.want) {
				t.Errorf("read %+v, %v", s, err)
			}
			for n := 1; n < len(tt.bytes); n++ {
				s, err := ParseState([]byte(tt.bytes[:n]))
				if err == nil { // between two packages
					if !reflect.DeepEqual(s.Packages, tt.want.Packages[:len(s.Packages)]) && len(s.Packages) > 0 {
						t.Errorf("cut at %d: %+v", n, s)
					}
					if again, err := AppendState(nil, s); err != nil || string(again) != tt.bytes[:n] {
						t.Errorf("cut at %d: written again as %x, %v", n, again, err)
					}
					continue
				}
				var d *entity.DamageError
				if !errors.As(err, &d) || d.Offset > int64(n) || !reflect.ValueOf(s).IsZero() {
					t.Errorf("cut at %d: %+v, %v", n, s, err)
				}
			}
		})
	}
	if s, err := ParseState(nil); err != nil || !reflect.ValueOf(s).IsZero() {
		t.Errorf("the first time: %+v, %v", s, err)
	}
	if s, err := ParseState([]byte(stateGlobal + statePackages)); err != nil || !s.Old || !slices.Equal(s.Packages, packages) {
		t.Errorf("from long ago: %+v, %v", s, err)
	}
}

func TestStateRefused(t *testing.T) {
	many := strings.Repeat("\x00\x01a\x00\x00\x00\x01", MaxApps+1)
	for name, tt := range map[string]struct {
		in   string
		want error
	}{
		"newer":               {"\x00\x07=state=\x00\x00\x00\x03" + stateGlobal, ErrVersion},
		"no system":           {stateHead + statePackages, nil},
		"home twice":          {stateHead + stateHome + stateHome + stateGlobal, nil},
		"not text":            {stateHead + stateGlobal + "\x00\x01\xFF\x00\x00\x00\x01", nil},
		"21 signers":          {stateHead + strings.Replace(stateHome, oneSigner, "\x00\x00\x00\x15\x00\x00\x00\x20", 1) + stateGlobal, ErrSigners},
		"too many":            {stateHead + stateGlobal + many, entity.ErrLimit},
		"another file":        {"Snap\x00\x00\x00\x00File\x10\x00\x00\x00", nil},
		"larger than a state": {stateHead + stateGlobal + strings.Repeat("\x00", MaxState), entity.ErrLimit},
	} {
		s, err := ParseState([]byte(tt.in))
		var d *entity.DamageError
		if tt.want != ErrVersion && !errors.As(err, &d) || tt.want != nil && !errors.Is(err, tt.want) || !reflect.ValueOf(s).IsZero() {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for name, s := range map[string]State{
		"component": {Home: &Home{Component: "\xFF"}},
		"signers":   {Home: &Home{Signers: make([]Hash, MaxSigners+1)}},
		"build":     {Global: Global{Build: "\xFF"}},
		"package":   {Packages: []PackageVersion{{Name: "\xFF"}}},
		"too many":  {Packages: make([]PackageVersion, MaxApps+1)},
		"huge":      {Packages: slices.Repeat([]PackageVersion{{Name: strings.Repeat("n", 60000)}}, 300)},
	} {
		if b, err := AppendState([]byte("kept"), s); err == nil || string(b) != "kept" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokens(t *testing.T) {
	head := "\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x07" + "\x01\x02\x03\x04\x05\x06\x07\x08"
	tests := []struct {
		name, bytes string
		want        Tokens
	}{
		{"unknown", head + "\xFF\xFF\xFF\xFF", Tokens{7, 0x0102030405060708, nil}},
		{"none", head + "\x00\x00\x00\x00", Tokens{7, 0x0102030405060708, []string{}}},
		{"two", head + "\x00\x00\x00\x02\x00\x05org.b\x00\x05org.a", Tokens{7, 0x0102030405060708, []string{"org.b", "org.a"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if b, err := AppendTokens([]byte("<"), tt.want); err != nil || string(b) != "<"+tt.bytes {
				t.Errorf("written %v:\n%x\nwant:\n3c%x", err, b, tt.bytes)
			}
			if got, err := ParseTokens([]byte(tt.bytes)); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("read %+v, %v", got, err)
			}
			for n := range len(tt.bytes) {
				var d *entity.DamageError
				if got, err := ParseTokens([]byte(tt.bytes[:n])); !errors.As(err, &d) || d.Offset > int64(n) || !reflect.ValueOf(got).IsZero() {
					t.Errorf("cut at %d: %+v, %v", n, got, err)
				}
			}
		})
	}
	for name, in := range map[string]string{
		"less than unknown":   head + "\xFF\xFF\xFF\xFE",
		"huge count":          head + "\x7F\xFF\xFF\xFF",
		"more bytes":          head + "\x00\x00\x00\x00x",
		"not text":            head + "\x00\x00\x00\x01\x00\x01\xFF",
		"larger than allowed": head + "\x00\x00\x00\x00" + strings.Repeat("x", MaxState),
	} {
		var d *entity.DamageError
		if got, err := ParseTokens([]byte(in)); !errors.As(err, &d) || !reflect.ValueOf(got).IsZero() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := ParseTokens([]byte("\x00\x00\x00\x02" + head[4:] + "\x00\x00\x00\x00")); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
	for name, tok := range map[string]Tokens{"not text": {Packages: []string{"\xFF"}}, "too many": {Packages: make([]string, MaxApps+1)}} {
		if b, err := AppendTokens([]byte("kept"), tok); err == nil || string(b) != "kept" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(stateHead + stateHome + stateGlobal + statePackages))
	f.Add([]byte(stateGlobal + statePackages))
	f.Add([]byte("\x00\x00\x00\x01" + strings.Repeat("\x00", 16) + "\x00\x00\x00\x01\x00\x05org.a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseState(b); err == nil && len(b) > 0 {
			s.Old = false
			again, err := AppendState(nil, s)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := ParseState(again); err != nil || !reflect.DeepEqual(back, s) {
				t.Fatalf("%+v became %+v, %v", s, back, err)
			}
		} else if !reflect.ValueOf(s).IsZero() {
			t.Fatal("an error and a state")
		}
		if tok, err := ParseTokens(b); err == nil {
			if again, err := AppendTokens(nil, tok); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x became %x, %v", b, again, err)
			}
		} else if !reflect.ValueOf(tok).IsZero() {
			t.Fatal("an error and tokens")
		}
	})
}
