package archived_test

import (
	"testing"

	"github.com/ferry-move/ferry/mobile/archived"
	"github.com/ferry-move/ferry/mobile/backup"
)

// FuzzListing: whatever an archive holds, what is counted is what is listed,
// and what is listed opens.
func FuzzListing(f *testing.F) {
	f.Add(newTar(f).app(app, "").dir(app, "f", "d").file(app, "f", "d/a", "a").records("com.b", "k", "v").tar())
	f.Add(newTar(f).file("", "shared/0", "DCIM/a.jpg", "a").file("", "shared/1", "x", "y").raw("shared/0/l", '2', 0).tar())
	f.Add(newTar(f).app(app, "").file(app, "c", "a", "a").raw("apps/"+app+"/f/x", 'S', 0).tar())
	f.Fuzz(func(t *testing.T, tar []byte) {
		d, err := archived.Open(t.Context(), saved(t, tar), archived.Options{})
		if err != nil {
			return
		}
		defer d.Close()
		mustCount(t, d, d2d)
		for _, a := range d.Agents() {
			b := source(t, d, a.Info().Kind, d2d)
			for it, err := range b.Items(t.Context()) {
				if err == nil && it.Type == backup.TypeFile {
					if got := content(t, b, it, 0); int64(len(got)) != it.Size {
						t.Errorf("%d bytes of %d", len(got), it.Size)
					}
				}
				if err == nil {
					b.(backup.Releaser).Release(it)
				}
			}
		}
	})
}
