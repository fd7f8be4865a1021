package helper

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/snapshot"
	contract "github.com/ferry-move/ferry/mobile/backup"
)

// maxFile is the largest file in bytes: an entity's size is an int32.
const maxFile = math.MaxInt32 - snapshot.MetaSize

// fileSet is what both helpers of files do (AOSP BackupHelpers.cpp
// back_up_files and RestoreHelperBase).
type fileSet struct {
	root    *os.Root
	members []member
	byName  map[string]int // a key's text -> index in members
	// restored is what the restore under way brought back.
	restored map[entity.Key]snapshot.Stat
	buf      []byte
}

// member is one file: its key, and its path below the root.
type member struct {
	key  entity.Key
	path string
}

func newFileSet(root *os.Root) fileSet {
	return fileSet{root: root, byName: map[string]int{}, restored: map[entity.Key]snapshot.Stat{}}
}

// backup writes the files that differ from the old state. A file that is gone
// is deleted; one that is there and cannot be read fails the pass.
func (s *fileSet) backup(ctx context.Context, b android.BackupRequest) error {
	if len(s.members) == 0 {
		return nil
	}
	before, err := readFiles(b.Old)
	if err != nil {
		return fmt.Errorf("back up files: read the old state: %w", err)
	}
	paths := make(map[entity.Key]string, len(s.members))
	now := make(map[entity.Key]snapshot.Stat, len(s.members))
	var after snapshot.Files
	for _, m := range s.members {
		paths[m.key] = m.path
		st, err := s.send(ctx, m.path, io.Discard, nil)
		if errors.Is(err, contract.Vanished) {
			continue
		}
		if err != nil {
			return fmt.Errorf("back up files: %w", err)
		}
		now[m.key] = st
		after = append(after, snapshot.File{Key: m.key, Stat: st})
	}
	for _, c := range snapshot.Diff(before, after) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("back up files: %w", err)
		}
		if c.Delete {
			err = b.Data.Delete(string(c.Key))
		} else {
			err = s.write(ctx, b.Data, c.Key, paths[c.Key], now)
		}
		if err != nil {
			return fmt.Errorf("back up files: %w", err)
		}
	}
	after = after[:0]
	for key, st := range now {
		after = append(after, snapshot.File{Key: key, Stat: st})
	}
	state, err := snapshot.AppendFiles(nil, after)
	if err == nil {
		_, err = b.New.Write(state)
	}
	if err != nil {
		return fmt.Errorf("back up files: write the new state: %w", err)
	}
	return nil
}

func readFiles(old io.Reader) (snapshot.Files, error) {
	if old == nil {
		return nil, nil
	}
	state, err := snapshot.Read(old)
	if err != nil && !errors.Is(err, snapshot.ErrTooLarge) {
		return nil, err
	}
	files, err := snapshot.ParseFiles(state)
	if err != nil {
		return nil, nil // as if there were none: everything is stored
	}
	for i := range files {
		// Android's own states have four bytes for what Java writes in six.
		// Taken for another key, its deletion would hit this one.
		name, err := files[i].Key.Text()
		if err == nil {
			files[i].Key, err = entity.KeyOf(name)
		}
		if err != nil {
			return nil, nil
		}
	}
	return files, nil
}

// write stores a file and notes in now what was stored of it.
func (s *fileSet) write(ctx context.Context, out android.EntityOutput, key entity.Key, file string, now map[entity.Key]snapshot.Stat) error {
	st, err := s.send(ctx, file, out, func(info fs.FileInfo) error {
		if err := out.WriteHeader(string(key), snapshot.MetaSize+info.Size()); err != nil {
			return err
		}
		_, err := out.Write(snapshot.MetaOf(info.Mode()).Append(nil))
		return err
	})
	if errors.Is(err, contract.Vanished) { // since it was looked at
		delete(now, key)
		return out.Delete(string(key))
	}
	now[key] = st
	return err
}

// send opens a file, calls begin with what it is, copies as many bytes as that
// says to w, and returns the state of what was copied. Where the file has
// become shorter zeros follow, where it has grown it is cut: either way it
// differs from its state, and the next pass stores it again.
func (s *fileSet) send(ctx context.Context, file string, w io.Writer, begin func(fs.FileInfo) error) (st snapshot.Stat, err error) {
	f, info, err := appdir.Open(s.root, file)
	if err != nil {
		return st, err
	}
	defer f.Close()
	if info.Size() > maxFile {
		return st, appdir.Fail("read", contract.TooLarge, nil)
	}
	if begin != nil {
		if err := begin(info); err != nil {
			return st, err
		}
	}
	crc := crc32.NewIEEE()
	if err := s.copyPadded(ctx, io.MultiWriter(crc, w), f, info.Size()); err != nil {
		return st, err
	}
	return statOf(info, crc.Sum32()), nil
}

func statOf(info fs.FileInfo, crc uint32) snapshot.Stat {
	return snapshot.Stat{
		ModTime: int32(info.ModTime().Unix()),
		Mode:    snapshot.MetaOf(info.Mode()).Mode,
		Size:    snapshot.SizeOf(info.Size()),
		CRC:     crc,
	}
}

// copyPadded copies exactly n bytes, zeros where r has no more.
func (s *fileSet) copyPadded(ctx context.Context, w io.Writer, r io.Reader, n int64) error {
	if s.buf == nil {
		s.buf = make([]byte, 64<<10)
	}
	for ended := false; n > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := s.buf[:min(n, int64(len(s.buf)))]
		got := 0
		if !ended {
			var err error
			got, err = io.ReadFull(r, p)
			ended = err == io.EOF || err == io.ErrUnexpectedEOF
			if err != nil && !ended {
				return appdir.ReadError("read", err)
			}
		}
		clear(p[got:])
		if _, err := w.Write(p); err != nil {
			return err
		}
		n -= int64(len(p))
	}
	return nil
}

// restore takes an entity in and returns the path of the file that came back,
// "" if the key is none of the helper's.
func (s *fileSet) restore(ctx context.Context, e Entity) (_ string, err error) {
	name, err := e.Key.Text()
	if err != nil {
		return "", nil
	}
	i, ok := s.byName[name]
	if !ok {
		return "", nil
	}
	m := s.members[i]
	if err := s.restoreFile(ctx, m, e); err != nil {
		return "", fmt.Errorf("restore a file: %w", err)
	}
	return m.path, nil
}

func (s *fileSet) restoreFile(ctx context.Context, m member, e Entity) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	var head [snapshot.MetaSize]byte
	n, err := io.ReadFull(e.Data, head[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	meta, err := snapshot.ParseMeta(head[:n])
	if err != nil {
		return err
	}
	if err := s.root.MkdirAll(path.Dir(m.path), 0o700); err != nil {
		return appdir.WriteError("make the folder", err)
	}
	t, err := appdir.Create(s.root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Discard()) }()
	crc := crc32.NewIEEE()
	if err := copyExact(ctx, io.MultiWriter(crc, t), e.Data, e.Size-snapshot.MetaSize); err != nil {
		return err
	}
	if err := t.Commit(m.path, appdir.Attr{Perm: meta.Perm()&0o700 | 0o600}); err != nil {
		return err
	}
	info, err := s.root.Lstat(m.path)
	if err != nil {
		return appdir.ReadError("look at", err)
	}
	s.restored[m.key] = statOf(info, crc.Sum32())
	return nil
}

// copyExact copies n bytes, neither fewer nor more.
func copyExact(ctx context.Context, w io.Writer, r io.Reader, n int64) error {
	left := &io.LimitedReader{R: r, N: n}
	buf := make([]byte, 32<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := left.Read(buf)
		if k > 0 {
			if _, werr := w.Write(buf[:k]); werr != nil {
				return werr
			}
		}
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF {
			break
		}
	}
	if left.N > 0 {
		return appdir.Fail("restore", contract.Damaged, io.ErrUnexpectedEOF)
	}
	return nil
}

// writeState writes the state of what was restored.
func (s *fileSet) writeState(w io.Writer) error {
	if len(s.members) == 0 {
		return nil
	}
	var files snapshot.Files
	for key, st := range s.restored {
		files = append(files, snapshot.File{Key: key, Stat: st})
	}
	clear(s.restored)
	state, err := snapshot.AppendFiles(nil, files)
	if err != nil {
		return err
	}
	_, err = w.Write(state)
	return err
}

func (s *fileSet) clear(ctx context.Context) error {
	var errs []error
	for _, m := range s.members {
		if err := ctx.Err(); err != nil {
			return err
		}
		errs = append(errs, appdir.Remove(s.root, m.path))
	}
	return errors.Join(append(errs, appdir.Sweep(s.root))...)
}
