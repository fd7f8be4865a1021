package files

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

const piece = 256 << 10

// holed returns content with a piece of noise at each of some places, and zeros
// elsewhere.
func holed(size int, at ...int) []byte {
	b := make([]byte, size)
	for _, i := range at {
		copy(b[i*piece:min(size, (i+1)*piece)], bytes.Repeat([]byte{7, 1, 3, 0}, piece/4))
	}
	return b
}

// writePieces writes content from that piece on, from several goroutines at once.
func writePieces(t *testing.T, f backup.StagedFile, content []byte, from int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := from; i*piece < len(content); i++ {
		wg.Go(func() {
			p := content[i*piece : min(len(content), (i+1)*piece)]
			if n, err := f.WriteAt(p, int64(i*piece)); n != len(p) || err != nil {
				t.Errorf("piece %d: %d, %v", i, n, err)
			}
		})
	}
	wg.Wait()
}

// arrivesSparse commits f and compares it.
func arrivesSparse(t *testing.T, s *storage, w *writer, f backup.Staged, content []byte, most int64) {
	t.Helper()
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Added {
		t.Fatalf("%+v", res)
	}
	path := filepath.Join(s.dir, "d/holes")
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(b, content) {
		t.Errorf("%d bytes arrived, of %d, or others: %v", len(b), len(content), err)
	}
	info, err := os.Stat(path)
	if err != nil || heldBytes(info) > most {
		t.Errorf("it takes %d bytes of the disk, of %d: %v", heldBytes(info), most, err)
	}
	if n := s.agent(Files).space.unwritten; n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

// sparseStorage is one on a file system that has holes, or the test is skipped.
func sparseStorage(t *testing.T) *storage {
	t.Helper()
	s := newStorage(t, t.TempDir(), Options{})
	f, err := s.root.Create("probe")
	if err != nil {
		t.Fatal(err)
	}
	defer s.root.Remove("probe")
	defer f.Close()
	if err := f.Truncate(piece); err != nil {
		t.Fatal(err)
	}
	if err := punch(f, 0, piece); err != nil {
		t.Skip(err)
	}
	return s
}

// TestSparse: zeros take no room here, in whichever order they come, in small
// files and in those for which room was taken beforehand.
func TestSparse(t *testing.T) {
	const slack = 64 << 10
	for name, tt := range map[string]struct {
		size int
		at   []int
	}{
		"large": {40*piece + 5000, []int{0, 17, 18}}, "all zeros": {20 * piece, nil}, "small": {piece, nil}, "ends in noise": {8 * piece, []int{7}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sparseStorage(t)
			content := holed(tt.size, tt.at...)
			w := s.writer(t, Files)
			f := stage(t, w, fileItem("d/holes", string(content)), "")
			writePieces(t, f, content, 0)
			arrivesSparse(t, s, w, f, content, int64(len(tt.at)*piece+slack))
		})
	}
	t.Run("over what was there", func(t *testing.T) {
		s := sparseStorage(t)
		content := holed(8*piece, 2)
		w := s.writer(t, Files)
		f := stage(t, w, fileItem("d/holes", string(content)), string(bytes.Repeat([]byte{9}, len(content))))
		writePieces(t, f, content, 0)
		arrivesSparse(t, s, w, f, content, piece+slack)
	})
	t.Run("resumed", func(t *testing.T) {
		s := sparseStorage(t)
		content := holed(40*piece, 3, 30)
		it := fileItem("d/holes", string(content))
		l := kept(t, s, it, string(content[:4*piece]), 4*piece)
		w := s.writer(t, Files)
		f, _, err := w.Resume(t.Context(), it, l)
		if err != nil {
			t.Fatal(err)
		}
		writePieces(t, f, content, 4)
		// What was written at once, zeros and noise, is no hole.
		arrivesSparse(t, s, w, f, content, 5*piece+slack)
	})
	t.Run("ends in a hole when it is kept", func(t *testing.T) {
		s := sparseStorage(t)
		content := holed(40*piece, 0, 39)
		it := fileItem("d/holes", string(content))
		w := s.writer(t, Files)
		f := stage(t, w, it, "")
		writePieces(t, f, content[:20*piece], 0)
		if _, err := f.Sync(20 * piece); err != nil {
			t.Fatal(err)
		}
		l, err := f.Keep(20 * piece)
		if err != nil || l.Held > piece+slack {
			t.Fatalf("%+v, %v", l, err)
		}
		r, _, err := w.Resume(t.Context(), it, l)
		if err != nil {
			t.Fatal(err)
		}
		writePieces(t, r, content, 20)
		arrivesSparse(t, s, w, r, content, 2*piece+slack)
	})
}
