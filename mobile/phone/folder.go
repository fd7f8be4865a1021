package phone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"

	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/contacts"
	"github.com/ferry-move/ferry/mobile/files"
)

// ErrNotFolder means that a phone's folder is something else, such as a file.
var ErrNotFolder = errors.New("not a folder")

// ErrTaken means that somebody else receives into a phone's folder.
var ErrTaken = errors.New("somebody else receives into that folder")

// FolderOptions says how [OpenFolder] opens a folder. The zero value is right
// for sending.
type FolderOptions struct {
	// Create makes the folder, and those above it, with mode 0700 if it is
	// missing, and fails if nothing can be written in it: for receiving.
	Create bool
	// Profile says which names the folder takes. Zero = what this system
	// takes.
	Profile files.Profile
	// AppQuota is how many bytes one app may move. 0 = 2 GiB.
	AppQuota int64
}

// OpenFolder opens the phone that lies in a folder. The caller closes it after
// everything that its agents opened. The folder itself may be a symbolic link;
// none below it is followed.
func OpenFolder(dir string, opts FolderOptions) (mobile.Device, error) {
	root, err := openRoot(dir, opts.Create)
	if err != nil {
		return nil, fmt.Errorf("phone folder: %w", withoutPath(err))
	}
	f := &folder{root: root}
	f.agents = folderAgents(root, files.Options{
		Claimed: []string{apps.Folder},
		Shared:  []files.Share{{Folder: contacts.Folder, Takes: contacts.Takes}},
		Profile: max(opts.Profile, profile),
		Free:    f.Free,
	}, apps.Options{Quota: opts.AppQuota, Free: f.Free})
	slices.SortStableFunc(f.agents, func(a, b backup.Agent) int { return cmp.Compare(a.Info().Order, b.Info().Order) })
	return f, nil
}

// openRoot opens a folder that can be listed, and, where create is set, written.
func openRoot(dir string, create bool) (*os.Root, error) {
	info, err := os.Stat(dir)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		info, err = os.Stat(dir)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, ErrNotFolder
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	list, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	defer list.Close()
	if create {
		if err := writable(list); err != nil {
			root.Close()
			return nil, err
		}
	}
	return root, nil
}

// withoutPath keeps what went wrong and drops where.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// folder implements mobile.Device. It is immutable.
type folder struct {
	root   *os.Root
	agents []backup.Agent
}

// Agents implements mobile.Device.
func (f *folder) Agents() []backup.Agent { return slices.Clone(f.agents) }

// Apps returns how each app would move.
func (f *folder) Apps(ctx context.Context) iter.Seq2[apps.Plan, error] {
	for _, a := range f.agents {
		if a, ok := a.(*apps.Agent); ok {
			return a.Plans(ctx)
		}
	}
	return func(func(apps.Plan, error) bool) {}
}

// FreeFiles implements mobile.FileCounter.
func (f *folder) FreeFiles() (int64, error) {
	n, err := freeFiles(f.root)
	if err != nil {
		return 0, fmt.Errorf("free files: %w", withoutPath(err))
	}
	return n, nil
}

// Free implements mobile.Device: what this user may still write, in bytes.
func (f *folder) Free() (int64, error) {
	n, err := freeBytes(f.root)
	if err != nil {
		return 0, fmt.Errorf("free space: %w", withoutPath(err))
	}
	return n, nil
}

// Lock implements mobile.Locker.
func (f *folder) Lock() (unlock func() error, err error) { return lock(f.root) }

// Close implements mobile.Device.
func (f *folder) Close() error { return f.root.Close() }
