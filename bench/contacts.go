//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// contactFiles are the files of the contacts, each in its own version.
var contactFiles = []struct{ name, version string }{
	{"contacts.vcf", "3.0"},
	{"SIM.vcf", "2.1"},
	{"Семья/семья.vcf", "4.0"},
	{"家族.vcf", "3.0"},
}

// people are given names and surnames, in the scripts that people use.
var people = [][2]string{
	{"Ada", "Byron"}, {"André", "Lefèvre"}, {"Jörg", "Weiß"}, {"Łucja", "Żak"}, {"Đức", "Trần"},
	{"Наталья", "Соколова"}, {"Ганна", "Їжак"}, {"Ελένη", "Νικολάου"}, {"Անի", "Սարգսյան"}, {"ნინო", "ბერიძე"},
	{"רות", "לוי"}, {"ليلى", "حداد"}, {"अनिता", "वर्मा"}, {"মীনা", "রায়"}, {"คำ", "แสน"},
	{"芳", "李"}, {"はなこ", "田中"}, {"서연", "박"}, {"O'Neil, Kim", "van der Berg; Co"}, {"🍀", ""},
}

// makeContacts makes n cards in files of every version, and copies the vCard
// files of m.vcf beside them.
func makeContacts(m *maker, n int) error {
	files := make([]bytes.Buffer, len(contactFiles))
	for i := range n {
		f := m.rng.IntN(len(files))
		m.card(&files[f], i, contactFiles[f].version)
	}
	for i := range files {
		if files[i].Len() == 0 {
			continue
		}
		if err := m.put("Contacts/"+contactFiles[i].name, files[i].Bytes()); err != nil {
			return err
		}
	}
	if m.vcf == "" {
		return nil
	}
	more, err := filepath.Glob(filepath.Join(m.vcf, "*.vcf"))
	if err != nil {
		return err
	}
	if len(more) == 0 {
		return fmt.Errorf("no *.vcf in %s", m.vcf)
	}
	for _, path := range more {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := m.put("Contacts/more/"+filepath.Base(path), b); err != nil {
			return err
		}
	}
	return nil
}

// card writes contact i, who has a number that nobody else has.
func (m *maker) card(w *bytes.Buffer, i int, version string) {
	given, family := people[m.rng.IntN(len(people))][0], people[m.rng.IntN(len(people))][1]
	old := version == "2.1"
	w.WriteString("BEGIN:VCARD\r\nVERSION:" + version + "\r\n")
	if m.rng.IntN(3) > 0 {
		fmt.Fprintf(w, "UID:urn:uuid:%08x-0000-4000-8000-%012x\r\n", m.rng.Uint32(), i)
	}
	writeText(w, "FN", old, strings.TrimSpace(given+" "+family)+fmt.Sprintf(" %d", i))
	writeText(w, "N", old, family, given, "", "", "")
	tel := "TEL;TYPE=CELL"
	if old {
		tel = "TEL;CELL"
	}
	fmt.Fprintf(w, "%s:+49 30 %07d\r\n", tel, 1_000_000+i)
	if m.rng.IntN(2) == 0 {
		fmt.Fprintf(w, "item1.EMAIL:contact%d@example.org\r\nitem1.X-ABLabel:Club\r\n", i)
	}
	if m.rng.IntN(4) == 0 {
		writeText(w, "NOTE", old, strings.Repeat("met in the train; owes me a book, "+given+" ", 1+m.rng.IntN(5)))
	}
	if m.rng.IntN(16) == 0 {
		code := base64.StdEncoding.EncodeToString(append([]byte("\xFF\xD8\xFF\xE0"), m.noise(500+m.rng.IntN(2500))...))
		switch version {
		case "2.1":
			fold(w, "PHOTO;ENCODING=BASE64;JPEG:"+code)
			w.WriteString("\r\n") // an empty line ends it
		case "3.0":
			fold(w, "PHOTO;ENCODING=b;TYPE=JPEG:"+code)
		default:
			fold(w, "PHOTO:data:image/jpeg;base64,"+code)
		}
	}
	w.WriteString("END:VCARD\r\n")
}

var escaper = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`)

// writeText writes a property whose parts are separated by semicolons; version
// 2.1 has other letters than ASCII as quoted-printable.
func writeText(w *bytes.Buffer, name string, old bool, parts ...string) {
	for i, p := range parts {
		if old {
			parts[i] = strings.ReplaceAll(p, ";", `\;`)
		} else {
			parts[i] = escaper.Replace(p)
		}
	}
	value := strings.Join(parts, ";")
	if !old {
		fold(w, name+":"+value)
		return
	}
	w.WriteString(name + ";CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:")
	q := quotedprintable.NewWriter(w)
	q.Write([]byte(value)) // into memory: it cannot fail
	q.Close()
	w.WriteString("\r\n")
}

// fold writes a line as lines of at most 75 bytes.
func fold(w *bytes.Buffer, line string) {
	for room := 75; len(line) > room; room = 74 {
		cut := room
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		w.WriteString(line[:cut] + "\r\n ")
		line = line[cut:]
	}
	w.WriteString(line + "\r\n")
}
