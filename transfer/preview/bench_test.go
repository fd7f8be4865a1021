package preview_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/contacts"
	"github.com/ferry-move/ferry/transfer/preview"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// BenchmarkContacts asks about 20,000 people, of each of whom the new phone has a
// card that would be merged.
func BenchmarkContacts(b *testing.B) {
	phone := func(more string) backup.Agent {
		var s strings.Builder
		for i := range 20_000 {
			fmt.Fprintf(&s, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Person Number %d\r\nTEL:+1555%07d\r\n%s\r\nEND:VCARD\r\n", i, i, more)
		}
		dir := b.TempDir()
		name := filepath.Join(dir, contacts.Folder, "all.vcf")
		if err := os.Mkdir(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(s.String()), 0o644); err != nil {
			b.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { root.Close() })
		return contacts.New(contacts.Dir{Root: root})
	}
	old, here := phone("NOTE:met in a town of some size, and never again"), phone("EMAIL:somebody@example.org")
	for b.Loop() {
		ends := transfertest.Pipe()
		served := make(chan error, 1)
		go func() {
			served <- preview.Serve(b.Context(), ends.ReceiveControl, preview.Config{Agents: []backup.Agent{here}})
		}()
		o, err := preview.Ask(b.Context(), ends.SendControl, []backup.Agent{old}, d2d)
		if serr := <-served; err != nil || serr != nil || o.Kinds[0].Merge != 20_000 {
			b.Fatal(o, err, serr)
		}
	}
}
