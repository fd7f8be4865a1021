package files

import "bytes"

// holeFrom is the size in bytes from which a block of zeros is not written.
const holeFrom = 4 << 10

// write puts p where it belongs. Zeros become a hole where the file system has
// any: a file that was mostly one on the old phone would fill the new one. They
// read as zeros whatever was there, so what is verified of them stays true.
func (s *stagedFile) write(p []byte, off int64) (int, error) {
	if len(p) >= holeFrom && isZero(p) {
		if done, err := s.leaveOut(int64(len(p)), off); done {
			return len(p), nil
		} else if err != nil {
			return 0, err
		}
	}
	s.size.RLock()
	defer s.size.RUnlock()
	return s.f.WriteAt(p, off)
}

// leaveOut makes n bytes at off zeros without writing them, if it can. The file
// grows as it would have by writing: its size tells of what came.
func (s *stagedFile) leaveOut(n, off int64) (done bool, err error) {
	s.size.Lock()
	defer s.size.Unlock()
	info, err := s.f.Stat()
	if err != nil {
		return false, err
	}
	if off+n > info.Size() {
		if err := s.f.Truncate(off + n); err != nil {
			return false, err
		}
	}
	fresh := off >= info.Size() // nothing was ever there
	if fresh && !s.reserved {
		return true, nil
	}
	return punch(s.f, off, n) == nil || fresh, nil
}

func isZero(p []byte) bool {
	return p[0] == 0 && bytes.Equal(p[1:], p[:len(p)-1])
}
