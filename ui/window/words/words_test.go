package words

import (
	"bytes"
	"encoding/json"
	"errors"
	"log"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
)

// rawMessages returns the forms that a catalogue has for each message, as they
// stand in its file.
func rawMessages(t *testing.T, data []byte) map[string][]string {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for m, v := range raw {
		out[m] = []string{"other"}
		if forms, ok := v.(map[string]any); ok {
			out[m] = slices.Sorted(maps.Keys(forms))
		}
	}
	return out
}

func TestPlurals(t *testing.T) {
	for tag, want := range map[string][]string{
		"en":      {"0 files", "1 file", "2 files", "5 files", "11 files", "21 files", "22 files", "1,001 files"},
		"de":      {"0 Dateien", "1 Datei", "2 Dateien", "5 Dateien", "11 Dateien", "21 Dateien", "22 Dateien", "1.001 Dateien"},
		"es":      {"0 archivos", "1 archivo", "2 archivos", "5 archivos", "11 archivos", "21 archivos", "22 archivos", "1001 archivos"},
		"fr":      {"0 fichier", "1 fichier", "2 fichiers", "5 fichiers", "11 fichiers", "21 fichiers", "22 fichiers", "1\u202f001 fichiers"},
		"pt-BR":   {"0 arquivo", "1 arquivo", "2 arquivos", "5 arquivos", "11 arquivos", "21 arquivos", "22 arquivos", "1.001 arquivos"},
		"ru":      {"0 файлов", "1 файл", "2 файла", "5 файлов", "11 файлов", "21 файл", "22 файла", "1\u00a0001 файл"},
		"uk":      {"0 файлів", "1 файл", "2 файли", "5 файлів", "11 файлів", "21 файл", "22 файли", "1\u00a0001 файл"},
		"zh-Hans": {"0 个文件", "1 个文件", "2 个文件", "5 个文件", "11 个文件", "21 个文件", "22 个文件", "1,001 个文件"},
	} {
		w := In(tag)
		files := backup.Info{Title: "Files", One: "file", Many: "files"}
		for i, n := range []uint64{0, 1, 2, 5, 11, 21, 22, 1001} {
			if got := w.Content(files, n, 0); got != want[i] {
				t.Errorf("%s: %d: %q, want %q", tag, n, got, want[i])
			}
		}
	}
	if got := In("ru").Items(1<<63 + 1); !strings.HasSuffix(got, " элементов") { // …809
		t.Errorf("%q", got)
	}
}

func TestNumbers(t *testing.T) {
	for tag, want := range map[string][4]string{
		"en":      {"23,914", "9,310", "1.5 GB", "12 MB/s"},
		"de":      {"23.914", "9.310", "1,5\u00a0GB", "12\u00a0MB/s"},
		"es":      {"23.914", "9310", "1,5\u00a0GB", "12\u00a0MB/s"},
		"fr":      {"23\u202f914", "9\u202f310", "1,5\u00a0Go", "12\u00a0Mo/s"},
		"pt-BR":   {"23.914", "9.310", "1,5\u00a0GB", "12\u00a0MB/s"},
		"ru":      {"23\u00a0914", "9\u00a0310", "1,5\u00a0ГБ", "12\u00a0МБ/с"},
		"uk":      {"23\u00a0914", "9\u00a0310", "1,5\u00a0ГБ", "12\u00a0МБ/с"},
		"zh-Hans": {"23,914", "9,310", "1.5 GB", "12 MB/s"},
	} {
		w := In(tag)
		if got := [4]string{w.Count(23914), w.Count(9310), w.Bytes(1_500_000_000), w.Speed(12e6, time.Second)}; got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}

func TestSentences(t *testing.T) {
	for tag, want := range map[string]string{
		"en":      "about 12 minutes",
		"de":      "etwa 12 Minuten",
		"ru":      "около 12 минут",
		"uk":      "близько 12 хвилин",
		"zh-Hans": "约 12 分钟",
	} {
		if got := In(tag).LeftBetween(11*time.Minute, 13*time.Minute); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
	if got := In("ru").LeftBetween(10*time.Minute, 21*time.Minute); got != "10–21 минута" {
		t.Errorf("%q", got)
	}
	if got := In("de").Waiting(transfer.WaitLink, 7*time.Second).What; got != "Seit 7 s nichts vom anderen Telefon gehört." {
		t.Errorf("%q", got)
	}
	for tag, want := range map[string]string{"en": "1, 2, 3", "fr": "1, 2, 3", "zh-Hans": "1、2、3"} {
		if got := In(tag).List([]string{"1", "2", "3"}); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
	// What another device or the system wrote is no template.
	if got := In("fr").Error(errors.New("{{.Cause}} {{")).What; got != "Échec : {{.Cause}} {{." {
		t.Errorf("%q", got)
	}
}

// noWindow is what is said where there is no window: on the command's terminal.
var noWindow = map[string]bool{
	"There is no display that a window could open on. Start Ferry from a desktop, or use the command: ferry help.":        true,
	"This display has no OpenGL 2.1, which the window needs. Update the graphics driver, or use the command: ferry help.": true,
}

// A window names nothing that only the command line has, in any language.
func TestNoOptionsInAWindow(t *testing.T) {
	command := regexp.MustCompile(`\bferry\b`) // the program is called Ferry
	for m := range messages(t) {
		for _, word := range []string{"--", "FERRY_HOME", "\"ferry ", "UDP", "chmod", "HOST"} {
			if strings.Contains(m, word) {
				t.Errorf("%q says %s", m, word)
			}
		}
		if command.MatchString(m) && !noWindow[m] {
			t.Errorf("%q names the command", m)
		}
	}
	for _, l := range Languages() {
		w := In(l.Tag)
		if p := w.Reason(backup.OverQuota); p.Next == "" || strings.Contains(p.Next, "--") {
			t.Errorf("%s: %q", l.Tag, p)
		}
	}
}

func TestClosest(t *testing.T) {
	for locale, want := range map[string]string{
		"de-AT": "de", "es-MX": "es", "fr-CA": "fr", "pt-BR": "pt-BR", "pt-PT": "pt-BR", "ru-RU": "ru", "uk-UA": "uk", "zh-CN": "zh-Hans",
		"en-GB": "en", "sr-RS": "en", "ja-JP": "en", "C": "en", "": "en", "garbage!": "en",
	} {
		if got := closest(locale); got != want {
			t.Errorf("%s: %s, want %s", locale, got, want)
		}
	}
}

// What a catalogue lacks or spoils is English, and nothing is logged about it.
func TestBrokenCatalogues(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	english := say.Words{Touch: true}
	for name, text := range map[string]string{
		"none":         "",
		"no JSON":      "{",
		"no object":    `["Try again."]`,
		"empty":        `{}`,
		"other fields": `{"{{.Size}}/s": "{{.Bytes}}/s", "{{.Count}} items": {"one": "{{.N}} Ding", "other": "Dinge"}}`,
		"no template":  `{"{{.Size}}/s": "{{.Size}}/s {{", "{{.Count}} items": {"one": "eins"}}`,
		"a function":   `{"{{.Size}}/s": "{{.Size}}{{printf 1}}"}`,
		"other types":  `{"{{.Size}}/s": 7, "{{.Count}} items": {"other": ["x"]}}`,
	} {
		files := fstest.MapFS{}
		if text != "" {
			files["translations/de.json"] = &fstest.MapFile{Data: []byte(text)}
		}
		w := in(files, "de")
		w.Digits = say.Digits{}
		if got, want := w.Speed(5, time.Second)+w.Items(1)+w.Items(2), english.Speed(5, time.Second)+"1 item"+"2 items"; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := In("tlh").Items(2); got != "2 items" {
		t.Errorf("an unknown language: %q", got)
	}
	if logged.Len() > 0 {
		t.Errorf("logged:\n%s", &logged)
	}
}

// TestQuietStart starts this test again under locales of many kinds: Fyne says
// nothing about any of them, and the words are right.
func TestQuietStart(t *testing.T) {
	if want := os.Getenv("FERRY_TEST_WORDS"); want != "" {
		if got := In("").Items(3) + " " + In("uk").Items(3); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]string{
		"C": "3 items", "C.UTF-8": "3 items", "POSIX": "3 items", "": "3 items", "garbage!": "3 items", "zz_ZZ.UTF-8": "3 items", "en_": "3 items",
		"ja_JP.UTF-8": "3 items", "cs_CZ.UTF-8": "3 items", "tlh": "3 items", "pl_PL": "3 items", "ta_IN": "3 items", "el_GR": "3 items", "sv_SE": "3 items",
		"de_DE.UTF-8@euro": "3 Elemente", "pt_PT": "3 itens", "zh_CN.UTF-8": "3 个项目", "ru_RU.KOI8-R": "3 элемента", "fr_CA": "3 éléments", "es_419": "3 elementos",
	} {
		for _, name := range []string{"LANG", "LC_ALL"} {
			cmd := exec.Command(self, "-test.run=^TestQuietStart$")
			cmd.Env = []string{name + "=" + locale, "FERRY_TEST_WORDS=" + want + " 3 елементи"}
			if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "PASS" {
				t.Errorf("%s=%s: %v\n%s", name, locale, err, out)
			}
		}
	}
}
