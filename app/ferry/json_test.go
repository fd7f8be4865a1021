//go:build unix

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// heading and row are how docs/json.md says an event and a field of it.
var (
	heading = regexp.MustCompile("^### `([a-z_]+)`$")
	row     = regexp.MustCompile("^\\| `([a-z_.\\[\\]]+)` \\| ([a-z ]+) \\|")
)

// documented returns the fields of each event in docs/json.md with their types.
func documented(ts *testscript.TestScript) map[string]map[string]string {
	b, err := os.ReadFile(docsJSON)
	ts.Check(err)
	docs := map[string]map[string]string{}
	event := ""
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			event = m[1]
			docs[event] = map[string]string{}
		} else if strings.HasPrefix(line, "#") {
			event = ""
		} else if m := row.FindStringSubmatch(line); m != nil && event != "" {
			docs[event][m[1]] = m[2]
		}
	}
	return docs
}

// docsJSON is found before a script changes the folder.
var docsJSON, _ = filepath.Abs("../../docs/json.md")

// documented FILE EVENT... checks that every line of a file is one JSON object
// as docs/json.md says it, and that each of the events is among them.
func cmdDocumented(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: documented FILE EVENT...")
	}
	docs := documented(ts)
	seen := map[string]bool{}
	for line := range strings.Lines(wholeLines(ts, args[0])) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			ts.Fatalf("not a JSON object: %q", line)
		}
		event, _ := o["event"].(string)
		fields, ok := docs[event]
		if !ok {
			ts.Fatalf("docs/json.md does not say the event %q", event)
		}
		seen[event] = true
		checkFields(ts, event, "", o, fields)
		for f := range fields {
			if strings.ContainsAny(f, ".[") || strings.HasSuffix(fields[f], "optional") {
				continue
			}
			if _, ok := o[f]; !ok {
				ts.Fatalf("%s lacks the field %q: %s", event, f, line)
			}
		}
	}
	for _, e := range args[1:] {
		if !seen[e] {
			ts.Fatalf("no event %q in %s, which has %q", e, args[0], slices.Sorted(maps.Keys(seen)))
		}
	}
}

// wholeLines reads a file when its last line is whole: what writes it may be in the
// middle of one.
func wholeLines(ts *testscript.TestScript, file string) (text string) {
	until(ts, "the end of a line in "+file, func() bool {
		text = ts.ReadFile(file)
		return text == "" || strings.HasSuffix(text, "\n")
	})
	return text
}

func checkFields(ts *testscript.TestScript, event, prefix string, o map[string]any, fields map[string]string) {
	for name, v := range o {
		name = prefix + name
		want, ok := fields[name]
		if !ok {
			ts.Fatalf("docs/json.md does not say the field %q of %s", name, event)
		}
		want, _ = strings.CutSuffix(want, " optional")
		if got := jsonType(v); got != want {
			ts.Fatalf("the field %q of %s is %s; docs/json.md says %s", name, event, got, want)
		}
		switch v := v.(type) {
		case map[string]any:
			if _, free := fields[name+".name"]; !free { // else its names are free
				checkFields(ts, event, name+".", v, fields)
			}
		case []any:
			for _, e := range v {
				if e, ok := e.(map[string]any); ok {
					checkFields(ts, event, name+"[].", e, fields)
				}
			}
		}
	}
}

func jsonType(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	}
	return "null"
}

// receipt NAME FILE copies the receipt that a run's JSON names.
func cmdReceipt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: receipt NAME FILE")
	}
	path := find(ts, args[0]+".out", regexp.MustCompile(`"receipt":"([^"]+)"|receipt: (.+)`))
	b, err := os.ReadFile(path[1] + path[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// tamper FILE OLD NEW changes a text in a file, which must be there.
func cmdTamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: tamper FILE OLD NEW")
	}
	s := ts.ReadFile(args[0])
	if !strings.Contains(s, args[1]) {
		ts.Fatalf("%q is not in %s", args[1], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(s, args[1], args[2], 1)), 0o600))
}
