package say

import (
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
)

// kind has the messages about a kind of data.
type kind struct {
	title     string
	one, many string
	a         string // an item of it that has no path
}

// kinds has those that this version knows, by their English title: what the
// other device calls a kind is no message.
var kinds = map[string]kind{
	"Contacts":   {"Contacts", "{{.Count}} contact", "{{.Count}} contacts", "a contact ({{.Key}})"},
	"Documents":  {"Documents", "{{.Count}} document", "{{.Count}} documents", ""},
	"Photos":     {"Photos", "{{.Count}} photo", "{{.Count}} photos", ""},
	"Videos":     {"Videos", "{{.Count}} video", "{{.Count}} videos", ""},
	"Music":      {"Music", "{{.Count}} song", "{{.Count}} songs", ""},
	"Recordings": {"Recordings", "{{.Count}} recording", "{{.Count}} recordings", ""},
	"Downloads":  {"Downloads", "{{.Count}} download", "{{.Count}} downloads", ""},
	"Apps":       {"Apps", "{{.Count}} app item", "{{.Count}} app items", ""},
	"Files":      {"Files", "{{.Count}} file", "{{.Count}} files", ""},
}

// InfoOf returns what this version knows of a kind of which only the name is at
// hand. A kind that it does not know is called by that name, and what it holds
// items.
func InfoOf(k backup.Kind) backup.Info {
	for title, words := range kinds {
		if strings.ToLower(title) == string(k) {
			return backup.Info{
				Kind: k, Title: title, One: strings.TrimPrefix(words.one, "{{.Count}} "), Many: strings.TrimPrefix(words.many, "{{.Count}} "), Entities: words.a != "",
			}
		}
	}
	return backup.Info{Kind: k, Title: Foreign(string(k))}
}

// Title says what a kind is called: "Photos".
func (w Words) Title(info backup.Info) string {
	if k, ok := kinds[info.Title]; ok {
		return w.Say(k.title)
	}
	return info.Title
}

// Content says what there is of a kind: "412 contacts", "62 photos, 4 folders".
func (w Words) Content(info backup.Info, n, folders uint64) string {
	switch {
	case folders == 0:
		return w.ofKind(info, n)
	case n == 0:
		return w.Folders(folders)
	}
	return w.Say("{{.Items}}, {{.Folders}}", Fields{"Items": w.ofKind(info, n), "Folders": w.Folders(folders)})
}

// ofKind says how many items of a kind.
func (w Words) ofKind(info backup.Info, n uint64) string {
	if k, ok := kinds[info.Title]; ok && k.many == "{{.Count}} "+info.Many {
		return w.Number(k.one, k.many, n)
	}
	switch {
	case info.Many == "":
		return w.Items(n)
	case n == 1:
		return "1 " + info.One
	}
	return w.Count(n) + " " + info.Many
}

// Items says "1 item", "23,914 items".
func (w Words) Items(n uint64) string { return w.Number("{{.Count}} item", "{{.Count}} items", n) }

// Folders says "1 folder", "12 folders".
func (w Words) Folders(n uint64) string {
	return w.Number("{{.Count}} folder", "{{.Count}} folders", n)
}

// Tries says how many tries: "2 tries".
func (w Words) Tries(n int) string {
	return w.Number("{{.Count}} try", "{{.Count}} tries", uint64(max(n, 0)))
}

// Item names an item: by its path, or, of a record, by its kind and its key.
func (w Words) Item(info backup.Info, key backup.Key) string {
	if !info.Entities {
		return Path(string(key))
	}
	shown := Fields{"Key": Foreign(string(key))}
	if k, ok := kinds[info.Title]; ok && k.a == "a "+info.One+" ({{.Key}})" {
		return w.Say(k.a, shown)
	}
	return Fill("a "+info.One+" ({{.Key}})", shown)
}
