package transfer_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// destination is a file system that holds less than this system's usual ones.
// What is not installed here, or not in the kernel, is skipped.
type destination struct {
	mkfs  []string
	mount []string // the device and the folder come behind
}

var destinations = map[string]destination{
	"vfat":  {mkfs: []string{"mkfs.vfat"}, mount: []string{"mount", "-t", "vfat", "-o", "utf8"}},
	"exfat": {mkfs: []string{"mkfs.exfat"}, mount: []string{"mount.exfat-fuse"}},
	"ntfs":  {mkfs: []string{"mkfs.ntfs", "-q", "-F"}, mount: []string{"lowntfs-3g", "-o", "windows_names,ignore_case"}},
}

// at makes the file system and mounts it.
func (d destination) at(t *testing.T, size int64) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount")
	}
	for _, program := range []string{d.mkfs[0], d.mount[0]} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	device, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	if err := errors.Join(os.WriteFile(device, nil, 0o600), os.Truncate(device, size)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(d.mkfs[0], append(d.mkfs[1:], device)...).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	out, err := exec.Command("losetup", "-f", "--show", device).CombinedOutput()
	if err != nil {
		t.Skipf("losetup: %v: %s", err, out)
	}
	device = strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", device).CombinedOutput(); err != nil {
			t.Errorf("losetup -d: %v: %s", err, out)
		}
	})
	if out, err := exec.Command(d.mount[0], append(d.mount[1:], device, dir)...).CombinedOutput(); err != nil {
		t.Skipf("mounting: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// awkwardNames are names that some file system cannot hold, or holds once.
var awkwardNames = []string{
	"plain.txt", "a:b", "x?", "q\"<>|*.txt", "trailing.", "trailing ", "CON", "nul.txt", "\xff\xfe.txt", "Case.txt", "case.TXT", "cASE.txt",
	norm.NFC.String("é.txt"), norm.NFD.String("é.txt"), "-rf", ".hidden", "%3A", "100%.txt", "folder:/x", "Folder/x", "FOLDER/y",
	strings.Repeat("x", 255), strings.Repeat("x", 251) + ".jpg", strings.Repeat("写", 85), strings.Repeat("ω", 127), strings.Repeat("🏔", 63) + "abc",
	strings.Repeat("שלום ", 28) + "ab", "e" + strings.Repeat("\u0301", 127), strings.Repeat("L", 255) + "/" + strings.Repeat("l", 255),
}

// contentOf makes what is in the i-th of them, and mostly zeros for one more.
func contentOf(i int, what string) []byte {
	if i == len(awkwardNames) {
		return append(append([]byte(what), make([]byte, 3<<20)...), what...)
	}
	return fmt.Appendf(nil, "%s %d", what, i)
}

// folders returns a rig that moves one folder into another.
func folders(t *testing.T, from, into string) *transfertest.Rig {
	t.Helper()
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{Empty: true}, fakephone.Config{Empty: true})
	src, err := phone.OpenFolder(from, phone.FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	dst, err := phone.OpenFolder(into, phone.FolderOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dst.Close() })
	notes := filepath.Join(t.TempDir(), "journal")
	r.TuneSend = func(c *transfer.SendConfig) { c.Agents = src.Agents() }
	r.TuneTake = func(c *transfer.ReceiveConfig) {
		c.Agents, c.Free = dst.Agents(), dst.Free
		c.Journal = func(d identity.DeviceID) (*journal.Journal, error) { return journal.Open(notes, d) }
	}
	return r
}

// accounted fails unless every file below from is below into under its own name,
// under another that the receipt tells, or is in the receipt with a reason. It
// returns the reasons.
func accounted(t *testing.T, p *receipt.Payload, from, into string, names []string) map[string]backup.Reason {
	t.Helper()
	other, failed, places := map[string]string{}, map[string]backup.Reason{}, map[string]string{}
	key := func(n receipt.Note) string {
		if n.Raw != "" {
			raw, err := base64.StdEncoding.DecodeString(n.Raw)
			if err != nil {
				t.Error(err)
			}
			return string(raw)
		}
		return string(n.Key)
	}
	for _, n := range p.Renamed {
		other[key(n)] = string(n.Name)
	}
	for _, n := range p.NotMoved {
		failed[key(n)] = n.Reason
	}
	for _, name := range names {
		key := "Stuff/" + name
		if failed[key] != 0 {
			continue
		}
		at := key
		if other[key] != "" {
			at = other[key]
		}
		if first, twice := places[at]; twice {
			t.Errorf("%q and %q are both at %q", first, name, at)
		}
		places[at] = name
		want, err := os.ReadFile(filepath.Join(from, key))
		got, err2 := os.ReadFile(filepath.Join(into, at))
		if err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%q is not at %q: %v, %v", name, at, err, err2)
		}
	}
	return failed
}

// keptTime is more exact than what these file systems keep.
var keptTime = time.Unix(1_600_000_000, 123_456_789)

// timesArrived fails unless each file below dir has keptTime, as far as its file
// system can hold it.
func timesArrived(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.ModTime().Sub(keptTime).Abs() > 2*time.Second {
			t.Errorf("%q is of %v", path, info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDestinations moves awkward names to file systems that hold few of them.
// Each arrives, under another name if it has to be, with its time as far as there
// is one, and the second run reads nothing: it does not even notice what no time
// tells of. A verification does.
func TestDestinations(t *testing.T) {
	for name, d := range destinations {
		t.Run(name, func(t *testing.T) {
			from, into := t.TempDir(), filepath.Join(d.at(t, 64<<20), "phone")
			names := append(slices.Clone(awkwardNames), "zeros")
			for i, name := range names {
				path := filepath.Join(from, "Stuff", name)
				err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, contentOf(i, "content"), 0o644), os.Chtimes(path, time.Time{}, keptTime))
				if err != nil {
					t.Fatal(err)
				}
			}
			r := folders(t, from, into)
			p := mustAgree(t, r.Run(t.Context()))
			for name, reason := range accounted(t, p, from, into, names) {
				t.Errorf("%q: %v", name, reason)
			}
			timesArrived(t, filepath.Join(into, "Stuff"))
			again := func(run string) {
				e := r.Run(t.Context())
				for _, k := range mustAgree(t, e).Kinds {
					if k.Skipped != k.Items || e.Sent.SentBytes > 0 {
						t.Errorf("%s changed something: %+v, %d bytes", run, k, e.Sent.SentBytes)
					}
				}
			}
			tune := r.TuneSend
			r.TuneSend = func(c *transfer.SendConfig) { tune(c); c.Verify = true }
			again("a verification")
			r.TuneSend = tune
			for i, name := range names {
				path := filepath.Join(from, "Stuff", name)
				if err := errors.Join(os.WriteFile(path, contentOf(i, "CONTENT"), 0o644), os.Chtimes(path, time.Time{}, keptTime)); err != nil {
					t.Fatal(err)
				}
			}
			again("the second run")
		})
	}
}
