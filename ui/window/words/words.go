// Package words has the window's words in every language that Ferry speaks. It
// keeps the catalogues in translations, one JSON file for each language, and
// hands them to Fyne's lang; what is said with them is in ui/say.
//
// A message is named by its English text. Fyne has no way to set the language,
// and takes plural forms from the language of the system, so each message is
// registered under a name of its own for each language and form, and the form
// is chosen here: Russian words on an English system count in Russian.
//
// Its worst moment is a catalogue that lacks a message or spoils one: that
// message is English, and nothing is logged.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/ferry-move/ferry/ui/say"
	_ "github.com/ferry-move/ferry/ui/window/words/locale" // before Fyne looks at it
)

//go:embed translations
var translations embed.FS

// Language is one that the window speaks.
type Language struct {
	Tag  string // as BCP 47 has it: "pt-BR"
	Name string // in the language itself
}

// dialect is a language with how it writes numbers.
type dialect struct {
	Language
	digits say.Digits
}

const (
	thin = "\u202f" // narrow no-break space
	hard = "\u00a0" // no-break space
)

var dialects = []dialect{
	{Language{"en", "English"}, say.Digits{}},
	{Language{"de", "Deutsch"}, say.Digits{Group: ".", Decimal: ","}},
	{Language{"es", "Español"}, say.Digits{Group: ".", Decimal: ",", Least: 5}},
	{Language{"fr", "Français"}, say.Digits{Group: thin, Decimal: ","}},
	{Language{"pt-BR", "Português (Brasil)"}, say.Digits{Group: ".", Decimal: ","}},
	{Language{"ru", "Русский"}, say.Digits{Group: hard, Decimal: ","}},
	{Language{"uk", "Українська"}, say.Digits{Group: hard, Decimal: ","}},
	{Language{"zh-Hans", "简体中文"}, say.Digits{}},
}

// Languages returns those that the window speaks, English first.
func Languages() []Language {
	out := make([]Language, len(dialects))
	for i, d := range dialects {
		out[i] = d.Language
	}
	return out
}

// System returns the tag of the language that fits the system's best; English
// when none does.
func System() string { return closest(string(lang.SystemLocale())) }

// closest returns the tag of the language that fits a locale best.
func closest(locale string) string {
	tag, err := language.Parse(locale)
	if err != nil {
		return dialects[0].Tag
	}
	tags := make([]language.Tag, len(dialects))
	for i, d := range dialects {
		tags[i] = language.Make(d.Tag)
	}
	_, i, confidence := language.NewMatcher(tags).Match(tag)
	if confidence == language.No {
		return dialects[0].Tag
	}
	return dialects[i].Tag
}

// In returns the words of a language, by its tag; of the system's if that is
// empty, and English for any that the window does not speak. Words of several
// languages can be used at once, so that another language needs only to be
// drawn.
func In(tag string) say.Words { return in(translations, tag) }

// lock guards Fyne's translations, which have no lock of their own, and loaded.
var (
	lock   sync.RWMutex
	loaded = map[string]*catalogue{}
)

func in(files fs.FS, tag string) say.Words {
	if tag == "" {
		tag = System()
	}
	i := slices.IndexFunc(dialects, func(d dialect) bool { return d.Tag == tag })
	if i <= 0 {
		return say.Words{Touch: true}
	}
	c, err := load(files, tag)
	if err != nil {
		return say.Words{Touch: true}
	}
	return say.Words{Translate: c.translate, Plural: c.plural, Digits: dialects[i].digits, Touch: true}
}

// load reads a language's catalogue, once.
func load(files fs.FS, tag string) (*catalogue, error) {
	lock.Lock()
	defer lock.Unlock()
	if c := loaded[tag]; c != nil && files == fs.FS(translations) {
		return c, nil
	}
	data, err := fs.ReadFile(files, "translations/"+tag+".json")
	if err != nil {
		return nil, err
	}
	c, err := parse(tag, data)
	if err != nil {
		return nil, err
	}
	if err := c.register(); err != nil {
		return nil, err
	}
	if files == fs.FS(translations) {
		loaded[tag] = c
	}
	return c, nil
}

// catalogue is a language's messages: for each the forms that it has, by the
// name of the form; "other" alone if it does not count. It is immutable.
type catalogue struct {
	tag      string
	messages map[string]map[string]string
}

// parse reads a catalogue. A message whose fields are not those of its English
// text is left out.
func parse(tag string, data []byte) (*catalogue, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", tag, err)
	}
	c := &catalogue{tag, map[string]map[string]string{}}
	for message, v := range raw {
		var one string
		forms := map[string]string{}
		if json.Unmarshal(v, &one) == nil {
			forms["other"] = one
		} else if json.Unmarshal(v, &forms) != nil {
			continue
		}
		for form, text := range forms {
			if text == "" || !sameFields(message, text) {
				delete(forms, form)
			}
		}
		if forms["other"] != "" {
			c.messages[message] = forms
		}
	}
	return c, nil
}

var field = regexp.MustCompile(`\{\{\.[A-Z][A-Za-z]*\}\}`)

// sameFields reports whether a text has the fields of another, and no other
// templates.
func sameFields(a, b string) bool {
	fields := func(s string) []string {
		out := field.FindAllString(s, -1)
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(fields(a), fields(b)) && !braces.MatchString(field.ReplaceAllString(b, ""))
}

var braces = regexp.MustCompile(`\{\{|\}\}`)

// id is what a form of a message is called in Fyne's translations.
func (c *catalogue) id(message, form string) string {
	return "ferry/" + c.tag + "/" + form + "/" + message
}

// fynes are the languages of Fyne's own translations, one of which it has
// taken for its own, whatever the system's is.
var fynes = []string{"en", "cs", "de", "el", "es", "fr", "ja", "pl", "pt", "pt_BR", "ru", "sv", "ta", "uk", "zh_Hans"}

// taken finds out which of them Fyne has taken, which it does not tell: each
// gets a message that says its name. It is called with the lock held.
var taken = sync.OnceValues(func() (string, error) {
	const id = "ferry/language"
	for _, l := range fynes {
		if err := add(l, map[string]string{id: l}); err != nil {
			return "", err
		}
	}
	return lang.X(id, fynes[0]), nil
})

// register hands the catalogue to Fyne, as a part of the language that it has
// taken: it would look for a message nowhere else, and log that it lacks.
func (c *catalogue) register() error {
	l, err := taken()
	if err != nil {
		return err
	}
	flat := map[string]string{}
	for message, forms := range c.messages {
		for form, text := range forms {
			flat[c.id(message, form)] = text
		}
	}
	if len(flat) == 0 {
		return nil
	}
	return add(l, flat)
}

func add(language string, messages map[string]string) error {
	data, err := json.Marshal(messages)
	if err != nil {
		return err
	}
	return lang.AddTranslations(fyne.NewStaticResource("ferry."+language+".json", data))
}

func (c *catalogue) translate(message string, fields say.Fields) string {
	return c.form(message, "other", fields)
}

func (c *catalogue) plural(one, many string, n uint64, fields say.Fields) string {
	form := c.formFor(n)
	switch forms := c.messages[many]; {
	case forms[form] != "":
		return c.form(many, form, fields)
	case forms == nil && n == 1:
		return say.Fill(one, fields)
	}
	return c.form(many, "other", fields)
}

func (c *catalogue) form(message, form string, fields say.Fields) string {
	if c.messages[message][form] == "" {
		return say.Fill(message, fields)
	}
	lock.RLock()
	defer lock.RUnlock()
	return lang.X(c.id(message, form), message, fields)
}

// formFor returns the name of the plural form in which n things are counted.
func (c *catalogue) formFor(n uint64) string {
	if n > math.MaxInt32 {
		n = n%10_000_000 + 10_000_000 // the rules look at the last digits, and for 0 and 1
	}
	switch plural.Cardinal.MatchPlural(language.Make(c.tag), int(n), 0, 0, 0, 0) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}
