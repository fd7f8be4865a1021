package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/ferry-move/ferry/mobile/backup"
)

// The kinds of this package.
const (
	Photos     backup.Kind = "photos"
	Videos     backup.Kind = "videos"
	Music      backup.Kind = "music"
	Documents  backup.Kind = "documents"
	Downloads  backup.Kind = "downloads"
	Recordings backup.Kind = "recordings"
	Files      backup.Kind = "files"
)

// kind is one row of the table of kinds. Rows are immutable.
type kind struct {
	backup.Info
	// folders at the top of the storage that are this kind's alone, or, of
	// photos and videos, shared between them.
	folders []string
}

var kinds = []kind{
	{backup.Info{Kind: Photos, Title: "Photos", One: "photo", Many: "photos", Order: 50}, []string{"DCIM", "Pictures"}},
	{backup.Info{Kind: Videos, Title: "Videos", One: "video", Many: "videos", Order: 60}, []string{"DCIM", "Movies", "Pictures"}},
	{backup.Info{Kind: Music, Title: "Music", One: "song", Many: "songs", Order: 70}, []string{"Music"}},
	{backup.Info{Kind: Documents, Title: "Documents", One: "document", Many: "documents", Order: 40}, []string{"Documents"}},
	{backup.Info{Kind: Downloads, Title: "Downloads", One: "download", Many: "downloads", Order: 75}, []string{"Download"}},
	{backup.Info{Kind: Recordings, Title: "Recordings", One: "recording", Many: "recordings", Order: 72}, []string{"Recordings"}},
	{backup.Info{Kind: Files, Title: "Files", One: "file", Many: "files", Order: 90}, nil},
}

var videoExt = []string{
	".3g2", ".3gp", ".3gpp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov",
	".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv",
}

func isVideo(name string) bool {
	return slices.Contains(videoExt, strings.ToLower(path.Ext(name)))
}

// ownsFolder reports whether k reads the folder of that name at the top.
func (k *kind) ownsFolder(name string, claimed []string) bool {
	if k.folders != nil {
		return slices.Contains(k.folders, name)
	}
	return !slices.Contains(claimed, name) &&
		!slices.ContainsFunc(kinds, func(o kind) bool { return slices.Contains(o.folders, name) })
}

// ownsLeaf reports whether what is not a folder, at key inside one of k's
// folders, is an item of k.
func (k *kind) ownsLeaf(key string) bool {
	top, _, _ := strings.Cut(key, "/")
	switch {
	case k.Kind == Photos:
		return !isVideo(key)
	case k.Kind == Videos:
		return top == "Movies" || isVideo(key)
	}
	return true
}

// ownsDirs reports whether the folders below the top folder of key are items
// of k.
func (k *kind) ownsDirs(key string) bool {
	top, _, _ := strings.Cut(key, "/")
	return k.Kind != Videos || top == "Movies"
}

// InfoOf describes the agent that lists the file or folder at key, on a storage
// of which no folder is claimed.
func InfoOf(key backup.Key, folder bool) backup.Info {
	top, _, below := strings.Cut(string(key), "/")
	for i := range kinds {
		k := &kinds[i]
		switch {
		case !below && !folder: // a file at the very top
			if k.Kind == Files {
				return k.Info
			}
		case !k.ownsFolder(top, nil):
		case folder && k.ownsDirs(string(key)), !folder && k.ownsLeaf(string(key)):
			return k.Info
		}
	}
	panic("files: a file of no kind") // the kinds of a folder have all that is in it
}

// Options are what [New] needs to know. The zero value works.
type Options struct {
	// Claimed names the folders at the top that other agents read and write.
	// Files of this package neither come from there nor arrive there: an item
	// under such a name is put beside it ("Contacts (1)").
	Claimed []string
	// Shared are folders at the top of which another agent takes some files.
	// The rest of what is in them, and the folders below, are files like any
	// others.
	Shared []Share
	// Profile says which names the storage takes. Zero = [Posix].
	Profile Profile
	// Free returns how many bytes can be written. Nil = nobody knows, and a
	// full disk shows only when a write fails.
	Free func() (int64, error)
}

// Share is a folder at the top that is shared with another agent.
type Share struct {
	Folder string
	// Takes reports whether the other agent takes the file of that name. Such
	// a file that arrives for this package is put beside the folder
	// ("Contacts (1)").
	Takes func(name string) bool
}

// takes reports whether the file at key is another agent's.
func (o *Options) takes(key string) bool {
	top, _, _ := strings.Cut(key, "/")
	return slices.ContainsFunc(o.Shared, func(s Share) bool {
		return (s.Folder == top || o.Profile == Portable && strings.EqualFold(s.Folder, top)) && top != key && s.Takes(path.Base(key))
	})
}

// New returns the agents of the storage at root, which stays the caller's to
// close after everything that the agents opened.
func New(root *os.Root, opts Options) []backup.Agent {
	opts.Claimed, opts.Shared = slices.Clone(opts.Claimed), slices.Clone(opts.Shared)
	src := newTree(root, treeOptions{exact: true})
	dst := newTree(root, treeOptions{profile: opts.Profile, claimed: opts.Claimed})
	sp := newSpace(opts.Free)
	agents := make([]backup.Agent, len(kinds))
	for i := range kinds {
		agents[i] = &agent{kind: &kinds[i], opts: opts, src: src, dst: dst, space: sp}
	}
	return agents
}

// agent is one kind of one storage. Its fields are immutable; the trees and
// the space are shared by all agents of the storage and guard themselves.
type agent struct {
	kind     *kind
	opts     Options
	src, dst *tree
	space    *space
}

func (a *agent) Info() backup.Info { return a.kind.Info }

func (a *agent) Backup(ctx context.Context, _ backup.Transport) (backup.Backup, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a.src.acquire()
	return &reader{agent: a}, nil
}

func (a *agent) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a.dst.acquire()
	if t.Look {
		return &looker{&writer{agent: a}}, nil
	}
	if t.Notes != nil {
		a.dst.noteIn(t.Notes)
	}
	return &writer{agent: a, staged: make(map[*stagedFile]struct{})}, nil
}

// failRead makes the error of an item that could not be read.
func (k *kind) failRead(op string, err error) error {
	reason := backup.ReasonOf(err)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EIO) {
		reason = backup.Unreadable
	}
	return backup.Fail(op, k.Kind, reason, bare(err, reason))
}

// failWrite makes the error of an item that could not be written.
func (k *kind) failWrite(op string, err error) error {
	var set backup.Reason
	reason := backup.ReasonOf(err)
	switch {
	case errors.As(err, &set): // it was chosen where it happened
	case noSpace(err):
		reason = backup.NoSpace
	case reason == backup.Unreadable, reason == backup.Vanished, errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EIO),
		errors.Is(err, errMoved), errors.Is(err, errNotDir):
		reason = backup.Unwritable
	}
	return backup.Fail(op, k.Kind, reason, bare(err, reason))
}

// bare drops a cause that says no more than the reason.
func bare(err error, reason backup.Reason) error {
	if err == error(reason) {
		return nil
	}
	return err
}
