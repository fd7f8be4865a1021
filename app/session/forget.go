package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// ErrUnknownDevice means that nothing is kept about a device of that ID.
var ErrUnknownDevice = errors.New("nothing is kept about that device")

// AmbiguousIDError means that the beginning of an ID fits several devices.
type AmbiguousIDError struct{ Devices []identity.DeviceID }

// Error implements error.
func (e *AmbiguousIDError) Error() string { return "that is the beginning of several devices' IDs" }

// Forgotten says what Forget deleted.
type Forgotten struct {
	Devices  []identity.DeviceID
	Journals int
	Receipts int
	// Parts is how many files were kept that a move could have gone on with. They
	// stay: the journals do not say in which folder they are.
	Parts int
}

// Forget deletes what is kept about devices whose ID begins or ends with id;
// empty means all. Journals always go: the next move from such a device knows
// nothing of earlier ones. Receipts go only if receipts is set, for they may be
// the only proof that an old phone can be erased. Nothing brings back what was
// deleted.
func Forget(home, id string, receipts bool) (Forgotten, error) {
	var f Forgotten
	known, err := knownDevices(home)
	if err != nil {
		return f, &HomeError{err}
	}
	for _, d := range known {
		if id == "" || strings.HasPrefix(string(d), id) || strings.HasSuffix(string(d), id) {
			f.Devices = append(f.Devices, d)
		}
	}
	switch {
	case id != "" && len(f.Devices) == 0:
		return f, ErrUnknownDevice
	case id != "" && len(f.Devices) > 1:
		return f, &AmbiguousIDError{f.Devices}
	}
	for _, d := range f.Devices {
		n, parts, err := forgetJournals(filepath.Join(home, "journal", string(d)), d)
		f.Journals, f.Parts = f.Journals+n, f.Parts+parts
		if err != nil {
			return f, err
		}
		if !receipts {
			continue
		}
		n, err = forgetReceipts(home, d)
		f.Receipts += n
		if err != nil {
			return f, &HomeError{err}
		}
	}
	return f, nil
}

// knownDevices lists the devices that journals or receipts name.
func knownDevices(home string) ([]identity.DeviceID, error) {
	seen := map[identity.DeviceID]bool{}
	entries, err := os.ReadDir(filepath.Join(home, "journal"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() {
			seen[identity.DeviceID(e.Name())] = true
		}
	}
	err = eachReceipt(home, func(_ string, p *receipt.Payload) error {
		seen[p.Sender.Device], seen[p.Receiver.Device] = true, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(home, "identity.key")); err == nil { // Load would make one
		if self, err := identity.Load(home); err == nil {
			delete(seen, self.ID())
		}
	}
	var out []identity.DeviceID
	for d := range seen {
		out = append(out, d)
	}
	return out, nil
}

// eachReceipt calls f for each receipt that can be read.
func eachReceipt(home string, f func(path string, p *receipt.Payload) error) error {
	dir := filepath.Join(home, "receipts")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if p, err := receipt.Verify(b); err == nil {
			if err := f(path, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func forgetJournals(dir string, d identity.DeviceID) (n, parts int, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, &HomeError{err}
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasSuffix(e.Name(), ".journal") {
			// A move that is under way goes on with its journal.
			j, err := journal.Open(path, d)
			if errors.Is(err, journal.ErrBusy) {
				return n, parts, fmt.Errorf("forget a device: %w", err)
			}
			if err == nil {
				parts += len(j.AllKept())
				j.Close()
			}
			n++
		}
		if err := os.Remove(path); err != nil {
			return n, parts, &HomeError{err}
		}
	}
	if err := os.Remove(dir); err != nil {
		return n, parts, &HomeError{err}
	}
	return n, parts, nil
}

func forgetReceipts(home string, d identity.DeviceID) (n int, err error) {
	err = eachReceipt(home, func(path string, p *receipt.Payload) error {
		if p.Sender.Device != d && p.Receiver.Device != d {
			return nil
		}
		n++
		return os.Remove(path)
	})
	return n, err
}
