package fullbackup_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// sample returns the inflated tar of an archive that Android made.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("FERRY_SAMPLES")
	if dir == "" {
		t.Skip("FERRY_SAMPLES is not set: real archives are not tried")
	}
	b, err := os.ReadFile(filepath.Join(dir, "android", name))
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.SplitN(b, []byte{'\n'}, 5)
	if len(head) < 5 || string(head[0]) != "ANDROID BACKUP" || string(head[3]) != "none" {
		t.Fatal("not a plain archive")
	}
	if string(head[2]) == "0" {
		return head[4]
	}
	z, err := zlib.NewReader(bytes.NewReader(head[4]))
	if err != nil {
		t.Fatal(err)
	}
	b, err = io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Archives made by Android are written again the same, and nothing in them is
// odd.
func TestSamples(t *testing.T) {
	for name, want := range map[string]struct{ size, entries, manifest, sdk int }{
		"backup_telephony_no_password": {26112, 3, 2438, 25},
		"backup_file_with_long_name":   {5120, 2, 1406, 25},
	} {
		t.Run(name, func(t *testing.T) {
			in := sample(t, name)
			if len(in) != want.size {
				t.Errorf("%d bytes inflated", len(in))
			}
			var entries []entry
			for r := fullbackup.NewReader(bytes.NewReader(in), fullbackup.Limits{Strict: true, End: true}); ; {
				h, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if h.Odd != nil || h.Pax || h.Flags != 0 {
					t.Errorf("entry %d: odd %d bytes, pax %v, flags %d", len(entries)+1, len(h.Odd), h.Pax, h.Flags)
				}
				content, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				entries = append(entries, entry{*h, string(content)})
			}
			if len(entries) != want.entries {
				t.Fatalf("%d entries", len(entries))
			}
			first := entries[0]
			if !first.h.IsManifest() || first.h.Mode != 0o600 || first.h.ModTime != 0 || len(first.content) != want.manifest {
				t.Errorf("manifest: %+v", first.h)
			}
			m, err := fullbackup.ParseManifest([]byte(first.content))
			if err != nil {
				t.Fatal(err)
			}
			if m.Package != first.h.Package || len(m.Certificates) != 1 || m.Extra != nil || m.Splits != nil || m.SDK != int64(want.sdk) || !m.AndroidReads() {
				t.Errorf("manifest of SDK %d, %d certificates", m.SDK, len(m.Certificates))
			}
			if b, err := m.Append(nil); err != nil || string(b) != first.content {
				t.Errorf("manifest written again: %v", err)
			}
			if got := fullbackup.MetadataHeader(m.Package, "", fullbackup.ManifestName, first.h.Size); got.UID != first.h.UID || got.Mode != first.h.Mode {
				t.Errorf("manifest's header: %+v", got)
			}
			diff(t, string(archive(t, true, entries...)), string(in))
		})
	}
}
