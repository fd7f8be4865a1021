package rules

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ferry-move/ferry/mobile/backup"
)

func flags(f uint32) backup.Flags { return backup.Flags(f) }

const fullDoc = `<?xml version="1.0" encoding="utf-8"?>
<!-- what we keep -->
<data-extraction-rules>
    <cloud-backup disableIfNoEncryptionCapabilities="true">
        <include domain="file" path="notes" requireFlags="clientSideEncryption" />
        <exclude domain="sharedpref" path="device.xml" />
    </cloud-backup>
    <device-transfer>
        <include domain="root" />
    </device-transfer>
    <cross-platform-transfer platform="ios"><platform-specific-params bundleId="a" teamId="b" contentVersion="1" /></cross-platform-transfer>
    <device-transfer>
        <exclude domain="external" path="/drafts/" />
    </device-transfer>
</data-extraction-rules>
`

func TestParseExtraction(t *testing.T) {
	for _, doc := range []string{fullDoc, "\ufeff" + fullDoc} {
		got, err := ParseExtraction(iotest.OneByteReader(strings.NewReader(doc)))
		if err != nil {
			t.Fatal(err)
		}
		want := &Extraction{
			Cloud:    &Section{Include: []Rule{{Domain: "f", Path: "notes"}}, Exclude: []Rule{{Domain: "sp", Path: "device.xml"}}, Encrypted: true},
			Transfer: &Section{Include: []Rule{{Domain: "r"}}, Exclude: []Rule{{Domain: "ef", Path: "drafts"}}},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v %+v", got.Cloud, got.Transfer)
		}
	}
}

func TestParseContent(t *testing.T) {
	got, err := ParseContent(strings.NewReader(`<full-backup-content>
		<include domain="database" path="a.db" requireFlags="clientSideEncryption|deviceToDeviceTransfer|x"/>
		<include domain="file" requireFlags="fakeClientSideEncryption"/>
		<exclude domain="device_root" path="b"/></full-backup-content>`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Content{Section{
		Include: []Rule{{Domain: "db", Path: "a.db", Require: 3}, {Domain: "f", Require: 1 << 31}},
		Exclude: []Rule{{Domain: "d_r", Path: "b"}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestRefused(t *testing.T) {
	const open, end = "<full-backup-content>", "</full-backup-content>"
	tooMany := strings.Repeat(`<exclude domain="file" path="a"/>`, maxRules+1)
	for name, c := range map[string]struct {
		doc  string
		want error // nil = a syntax error
		what string
	}{
		"empty":            {"", nil, "the document ends too early"},
		"text":             {"hello", nil, "the document ends too early"},
		"compiled":         {"\x03\x00\x08\x00\x10\x02\x00\x00", ErrCompiled, ""},
		"another root":     {"<data-extraction-rulez/>", nil, "the document is of another kind"},
		"the other root":   {"<data-extraction-rules/>", nil, "the document is of another kind"},
		"another element":  {open + "<keep domain='file'/>" + end, nil, "an element other than include and exclude"},
		"nested root":      {open + open + end + end, nil, "an element other than include and exclude"},
		"include of four":  {open + "<include domain='file' path='a' requireFlags='' x=''/>" + end, nil, "an include with more than three attributes"},
		"exclude of three": {open + "<exclude domain='file' path='a' requireFlags=''/>" + end, nil, "an exclude with more than two attributes"},
		"unknown but four": {open + "<include domain='x' path='..' requireFlags='' x=''/>" + end, nil, "an include with more than three attributes"},
		"document type":    {"<!DOCTYPE a [<!ENTITY b 'c'>]>" + open + end, nil, "a document type, which rules may not have"},
		"entity":           {open + "<include domain='file' path='&b;'/>" + end, nil, "the document is not well-formed"},
		"ten thousand":     {strings.Repeat(open, 10_000), nil, "the document nests too deep"},
		"nine levels":      {open + strings.Repeat("<include>", 8) + strings.Repeat("</include>", 8) + end, nil, "the document nests too deep"},
		"cut":              {open + "<include/>", nil, "the document is not well-formed"},
		"crossed":          {open + "<include></exclude>" + end, nil, "the document is not well-formed"},
		"two roots":        {open + end + open + end, nil, "something follows the rules"},
		"text behind":      {open + end + "x", nil, "something follows the rules"},
		"another encoding": {"<?xml version='1.0' encoding='latin1'?>" + open + end, nil, "the document is not well-formed"},
		"too many rules":   {open + tooMany + end, ErrTooLarge, ""},
		"a byte too many":  {open + strings.Repeat(" ", maxDocument), ErrTooLarge, ""},
	} {
		got, err := ParseContent(strings.NewReader(c.doc))
		if got != nil {
			t.Errorf("%s: something was returned", name)
		}
		var se *SyntaxError
		switch {
		case c.want != nil:
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.As(err, &se) || se.What != c.what || se.Offset > int64(len(c.doc)):
			t.Errorf("%s: %v, want %q", name, err, c.what)
		}
	}
	broken := errors.New("unplugged")
	if _, err := ParseExtraction(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}

// TestLimits: what just fits.
func TestLimits(t *testing.T) {
	rules := strings.Repeat(`<exclude domain="file" path="a"/>`, maxRules)
	if c := content(t, rules); len(c.Exclude) != maxRules {
		t.Errorf("%d rules", len(c.Exclude))
	}
	content(t, strings.Repeat("<include>", 7)+strings.Repeat("</include>", 7))
	doc := "<full-backup-content/>"
	if _, err := ParseContent(strings.NewReader(doc + strings.Repeat("\n", maxDocument-len(doc)))); err != nil {
		t.Error(err)
	}
}

// TestBrokenSection: it spoils only itself, whatever it had before.
func TestBrokenSection(t *testing.T) {
	for _, bad := range []string{"<x/>", "<include a='' b='' c='' d=''/>", "<exclude a='' b='' c=''/>", "<device-transfer/>"} {
		e := extraction(t, "<cloud-backup><include domain='file'/>"+bad+"<exclude domain='file'/></cloud-backup><device-transfer><include domain='root'/></device-transfer>")
		var se *SyntaxError
		if !errors.As(e.Cloud.Err, &se) || len(e.Cloud.Include)+len(e.Cloud.Exclude) > 0 {
			t.Errorf("%s: %+v", bad, e.Cloud)
		}
		if e.Transfer == nil || e.Transfer.Err != nil || len(e.Transfer.Include) != 1 {
			t.Errorf("%s: %+v", bad, e.Transfer)
		}
	}
}

func TestTruncated(t *testing.T) {
	doc := strings.TrimSpace(fullDoc)
	for cut := range doc {
		if e, err := ParseExtraction(strings.NewReader(doc[:cut])); err == nil || e != nil {
			t.Fatalf("cut at %d it still parses", cut)
		}
	}
}

func fuzz(f *testing.F, check func(t *testing.T, doc string)) {
	f.Add(fullDoc)
	f.Add(`<full-backup-content><include domain="database" path="a.db" requireFlags="clientSideEncryption|x"/><exclude domain="root" path="./files/"/></full-backup-content>`)
	f.Add("\x03\x00\x08\x00")
	f.Fuzz(check)
}

// rulesAreClean checks what every parsed section promises.
func rulesAreClean(s *Section) error {
	if s == nil {
		return nil
	}
	if s.Err != nil && len(s.Include)+len(s.Exclude) > 0 {
		return errors.New("a broken section has rules")
	}
	for _, r := range append(append([]Rule(nil), s.Include...), s.Exclude...) {
		p, ok := cleanPath(r.Path)
		if !ok || p != r.Path || r.Domain.XMLName() == "" {
			return fmt.Errorf("rule %+v", r)
		}
	}
	return nil
}

// selected checks that excludes beat includes in every scheme.
func selected(t *testing.T, app App) {
	for _, d := range []Destination{Cloud, DeviceTransfer, ADB} {
		s := Select(app, Query{Destination: d, Flags: 3})
		starts, _ := s.Includes()
		for _, r := range starts {
			if !s.Backup(r.Domain, r.Path) || !s.Restore(r.Domain, r.Path) {
				t.Errorf("destination %d begins at %+v, which it leaves out", d, r)
			}
		}
		for p := range s.exclude {
			if s.Backup(p.domain, p.path) && p.domain.XMLName() != "" || s.Descend(p.domain, p.path) && p.domain.XMLName() != "" {
				t.Errorf("destination %d: %+v is excluded and moves", d, p)
			}
		}
	}
}

func FuzzContent(f *testing.F) {
	fuzz(f, func(t *testing.T, doc string) {
		c, err := ParseContent(strings.NewReader(doc))
		if err != nil {
			return
		}
		if err := rulesAreClean(&c.Section); err != nil {
			t.Error(err)
		}
		selected(t, App{Content: c})
	})
}

func FuzzExtraction(f *testing.F) {
	fuzz(f, func(t *testing.T, doc string) {
		e, err := ParseExtraction(strings.NewReader(doc))
		if err != nil {
			return
		}
		for _, s := range []*Section{e.Cloud, e.Transfer} {
			if err := rulesAreClean(s); err != nil {
				t.Error(err)
			}
		}
		selected(t, App{Extraction: e, TargetSDK: 31})
	})
}
