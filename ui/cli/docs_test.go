package cli

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The README shows what "ferry help" prints, word for word.
func TestReadmeHasTheUsage(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatalf("the README cannot be read: %v", err)
	}
	for _, block := range regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$").FindAllStringSubmatch(string(b), -1) {
		if block[1] == usage {
			return
		}
		if strings.Contains(block[1], "\nUsage:\n") {
			t.Fatalf("the README's usage block is not what \"ferry help\" prints:\n%s\nwant:\n%s", block[1], usage)
		}
	}
	t.Fatalf("the README has no fenced block with what \"ferry help\" prints:\n%s", usage)
}

func TestEveryCommandHasHelp(t *testing.T) {
	for name := range commands {
		text, ok := details[name]
		switch {
		case !ok:
			t.Errorf("%s has no help", name)
		case !strings.HasPrefix(text, "Usage: ferry "+name):
			t.Errorf("the help of %s begins with another line", name)
		case !strings.Contains(text, "Exit codes: "):
			t.Errorf("the help of %s has no exit codes", name)
		case !strings.Contains(usage, "\n  ferry "+name+" "):
			t.Errorf("the usage does not name %s", name)
		}
	}
	for _, text := range slices.AppendSeq([]string{usage}, maps.Values(details)) {
		for line := range strings.Lines(text) {
			if n := len(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%d columns: %q", n, line)
			}
		}
	}
}

// events are the objects of --json by their name.
var events = map[string]any{
	"version": jsonVersion{}, "error": jsonError{}, "ready": jsonReady{}, "code": jsonCode{}, "peer": jsonPeer{},
	"wrong_code": jsonWrongCode{}, "waiting": jsonWaiting{}, "back": jsonBack{}, "diagnosis": jsonDiagnosis{}, "plan": jsonPlan{}, "preview": jsonPreview{}, "offer": jsonOffer{},
	"progress": jsonProgress{}, "pause": jsonPause{}, "item": jsonItem{}, "space": jsonSpace{}, "notes": jsonNotes{}, "done": jsonDone{}, "receipt": jsonReceipt{},
	"app": jsonApp{}, "archive": jsonArchive{}, "package": jsonPackage{}, "shared": jsonShared{}, "finding": jsonFound{},
	"checked": jsonChecked{}, "extracted": jsonExtracted{}, "created": jsonCreated{}, "device": jsonDevice{}, "run": jsonRun{}, "forgotten": jsonForgotten{},
}

// never are fields of a type that two lists of a receipt share, where they have
// no meaning.
var never = []string{"receipt.not_moved[].name", "receipt.renamed[].reason"}

// docs/json.md has exactly the fields of the objects, with their types.
func TestJSONIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]map[string]string{}
	event := ""
	heading := regexp.MustCompile("^### `([a-z_]+)`$")
	row := regexp.MustCompile("^\\| `([a-z_.\\[\\]]+)` \\| ([a-z ]+) \\|[^|]*\\| .+ \\|$")
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			event = m[1]
			docs[event] = map[string]string{}
		} else if m := row.FindStringSubmatch(line); m != nil && event != "" {
			docs[event][m[1]] = m[2]
		}
	}
	for name, object := range events {
		fields := map[string]string{}
		describe(reflect.TypeOf(object), "", fields)
		for f, want := range fields {
			if got := docs[name][f]; got != want && !slices.Contains(never, f) {
				t.Errorf("%s: field %q is %q in docs/json.md; want %q", name, f, got, want)
			}
		}
		for f := range docs[name] {
			if _, ok := fields[f]; !ok {
				t.Errorf("%s: docs/json.md has a field %q that is never printed", name, f)
			}
		}
	}
	for name := range docs {
		if _, ok := events[name]; !ok {
			t.Errorf("docs/json.md has an event %q that does not exist", name)
		}
	}
}

// describe writes an object's fields and their types into out.
func describe(t reflect.Type, prefix string, out map[string]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		name = prefix + name
		ft := f.Type
		for ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		kind := "number"
		switch {
		case ft == reflect.TypeFor[time.Time](), ft.Kind() == reflect.String:
			kind = "string"
		case ft.Kind() == reflect.Bool:
			kind = "boolean"
		case ft.Kind() == reflect.Slice:
			kind = "array"
			if ft.Elem().Kind() == reflect.Struct {
				describe(ft.Elem(), name+"[].", out)
			}
		case ft.Kind() == reflect.Map: // names that are free, documented as one
			kind = "object"
			out[name+".name"] = "number"
		case ft.Kind() == reflect.Struct:
			kind = "object"
			describe(ft, name+".", out)
		}
		if strings.Contains(opts, "omitempty") {
			kind += " optional"
		}
		out[name] = kind
	}
}
