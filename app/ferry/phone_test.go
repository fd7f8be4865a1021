//go:build unix

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// oddNames are names that a file system takes and that programs stumble over.
// Ferry keeps all of them as they are.
var oddNames = []string{
	"普通话 文件.txt", "עברית.txt", "العربية ملف.txt", "ไทย.txt", "family 👨‍👩‍👧‍👦.jpg", "-rf", "quote'\".txt", "con.txt", "é.txt", "e\u0301.txt",
	"bad\xff\xfe.txt", "%41.txt", "a (1).txt", ".hidden", strings.Repeat("n", 251) + ".txt",
}

// phone DIR [FILES SIZE] makes a folder phone: an old one's usual folders and
// odd names, and FILES photos of SIZE bytes. It is the same each time.
func cmdPhone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && len(args) != 3 {
		ts.Fatalf("usage: phone DIR [FILES SIZE]")
	}
	dir := ts.MkAbs(args[0])
	r := rand.New(rand.NewPCG(1, 2))
	write := func(name string, size int) {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		path := filepath.Join(dir, name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, b, 0o644))
		ts.Check(os.Chtimes(path, time.Time{}, time.Unix(1_500_000_000+r.Int64N(2e8), r.Int64N(1e9))))
	}
	for _, n := range oddNames {
		write("Documents/odd/"+n, r.IntN(3000))
	}
	write("Documents/"+strings.Repeat("deep/", 60)+"end.txt", 10)
	write("Documents/empty.txt", 0)
	write("DCIM/Camera/VID_0001.mp4", 3_000_000)
	write("Music/song.mp3", 70_000)
	write("Recordings/memo.m4a", 5_000)
	write("Download/file.zip", 1<<16)
	write("top.txt", 20)
	write("Other/app/data.bin", 1<<16+1)
	if len(args) == 3 {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		size, err := strconv.Atoi(args[2])
		ts.Check(err)
		for i := range n {
			write(fmt.Sprintf("DCIM/%03dFERRY/IMG_%05d.jpg", 100+i/100, i), size)
		}
	}
	cards := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nN:Lovelace;Ada;;;\r\nFN:Ada Lovelace\r\nitem1.TEL:+44 20 7946 0000\r\nitem1.X-ABLabel:_$!<Mobile>!$_\r\nEND:VCARD\r\n" +
		"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD;;;;\r\nTEL;CELL:+7 495 000\r\nEND:VCARD\r\n" +
		"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:王小明\r\nTEL:+86 10 0000\r\nEND:VCARD\r\n"
	ts.Check(os.MkdirAll(filepath.Join(dir, "Contacts"), 0o755))
	ts.Check(os.WriteFile(filepath.Join(dir, "Contacts", "all.vcf"), []byte(cards), 0o644))
}

// countFiles counts the regular files below dir that are no temporary ones.
func countFiles(dir string) (n int) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !isTemp(d.Name()) {
			n++
		}
		return nil
	})
	return n
}

func isTemp(name string) bool { return strings.HasPrefix(name, ".ferry-") }

// notemp DIR checks that nothing temporary is left below a folder.
func cmdNoTemp(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] notemp DIR")
	}
	var found []string
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && isTemp(d.Name()) {
			found = append(found, d.Name())
		}
		return err
	}))
	if (len(found) == 0) == neg {
		ts.Fatalf("temporary files: %q", found)
	}
}

// partBytes returns how long the temporary files below dir are.
func partBytes(dir string) (n int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && isTemp(d.Name()) {
			if fi, err := d.Info(); err == nil { // else it has its name by now
				n += fi.Size()
			}
		}
		return nil
	})
	return n
}

// cards are the cards of a vCard file in an order of their own.
func cards(b []byte) []byte {
	parts := bytes.SplitAfter(b, []byte("END:VCARD\r\n"))
	slices.SortFunc(parts, bytes.Compare)
	return bytes.Join(parts, nil)
}

// entry is one file or folder of a tree.
type entry struct {
	path, kind string
	perm       fs.FileMode
	mtime      int64 // ns; 0 of a folder
	content    []byte
}

func tree(ts *testscript.TestScript, dir string) (out []entry) {
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		e := entry{path: rel, kind: fi.Mode().Type().String(), perm: fi.Mode().Perm()}
		if fi.Mode().IsRegular() {
			e.mtime = fi.ModTime().UnixNano()
			if e.content, err = os.ReadFile(path); err != nil {
				return err
			}
			if filepath.Ext(path) == ".vcf" { // contacts are merged, not copied
				e.content, e.mtime, e.perm = cards(e.content), 0, 0
			}
		}
		out = append(out, e)
		return nil
	}))
	slices.SortFunc(out, func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	return out
}

// sametree A B checks that two folders hold the same: names, kinds, permissions,
// times to the nanosecond and content.
func cmdSameTree(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] sametree A B")
	}
	diff := differ(tree(ts, ts.MkAbs(args[0])), tree(ts, ts.MkAbs(args[1])))
	switch {
	case diff != "" && !neg:
		ts.Fatalf("the trees differ: %s", diff)
	case diff == "" && neg:
		ts.Fatalf("the trees are the same")
	}
}

func differ(a, b []entry) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a) || i < len(b) && b[i].path < a[i].path:
			return fmt.Sprintf("only the second has %q", b[i].path)
		case i >= len(b) || a[i].path < b[i].path:
			return fmt.Sprintf("only the first has %q", a[i].path)
		case !bytes.Equal(a[i].content, b[i].content):
			return fmt.Sprintf("content of %q", a[i].path)
		case a[i].kind != b[i].kind || a[i].perm != b[i].perm || a[i].mtime != b[i].mtime:
			return fmt.Sprintf("%q: %s %v %d and %s %v %d", a[i].path, a[i].kind, a[i].perm, a[i].mtime, b[i].kind, b[i].perm, b[i].mtime)
		}
	}
	return ""
}

// fifo FILE makes a named pipe.
func cmdFIFO(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fifo FILE")
	}
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
}
