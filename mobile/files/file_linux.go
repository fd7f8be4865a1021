package files

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setTime sets the modification time of an open file, known as name in d. The
// zero time leaves it alone, and so does a file system that cannot keep it. The
// access time is set with it: FUSE's exFAT drops a modification time that comes
// by itself, and says that it took it.
func setTime(_ *dir, f *os.File, _ string, t time.Time) error {
	if t.IsZero() {
		return nil
	}
	mtime, err := unix.TimeToTimespec(t)
	if err != nil {
		return nil // out of this platform's range
	}
	now, err := unix.TimeToTimespec(time.Now())
	if err != nil {
		return nil
	}
	ts := [2]unix.Timespec{now, mtime}
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		// No path: the call is for the file itself. x/sys has no name for that.
		_, _, errno = unix.Syscall6(unix.SYS_UTIMENSAT, fd, 0, uintptr(unsafe.Pointer(&ts[0])), 0, 0, 0)
	})
	if err != nil || errno == 0 || unsettable(errno) {
		return err
	}
	return errno
}

// preallocate takes room on the disk for n bytes at off and reports whether it
// did. It fails when there is not that much; a file system that cannot do it is
// no error.
func preallocate(f *os.File, off, n int64) (bool, error) {
	err := fallocate(f, unix.FALLOC_FL_KEEP_SIZE, off, n)
	if noSpace(err) || errors.Is(err, syscall.EFBIG) {
		return false, err
	}
	return err == nil, nil
}

// punch makes n bytes at off a hole, within the file's size.
func punch(f *os.File, off, n int64) error {
	return fallocate(f, unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE, off, n)
}

func fallocate(f *os.File, mode uint32, off, n int64) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	err = conn.Control(func(fd uintptr) {
		for {
			ferr = unix.Fallocate(int(fd), mode, off, n)
			if ferr != unix.EINTR {
				return
			}
		}
	})
	return cmp.Or(err, ferr)
}

// adviseSequential tells the kernel that f is read from here to its end.
func adviseSequential(f *os.File) {
	if conn, err := f.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), 0, 0, unix.FADV_SEQUENTIAL) })
	}
}

// forgetCached has the kernel drop what it remembers of f and is on the disk.
func forgetCached(f *os.File) {
	if conn, err := f.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), 0, 0, unix.FADV_DONTNEED) })
	}
}

// deviceOf returns the number of the file system that holds a file.
func deviceOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}

// syncData forces a file's content to the disk, and of what describes it only
// what reading needs.
func syncData(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = conn.Control(func(fd uintptr) {
		for {
			if serr = unix.Fdatasync(int(fd)); serr != unix.EINTR {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return serr
}

// forget lets the system have the memory back in which it keeps what is on the
// disk already: nobody reads it soon, and the next bytes find pages that are in
// use, instead of pushing out what others need.
func forget(f *os.File) {
	if conn, err := f.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), 0, 0, unix.FADV_DONTNEED) })
	}
}

// heldBytes returns how much of the disk a file takes: room that was taken
// beforehand counts too.
func heldBytes(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}

// hasOtherName reports whether a file is known under another name too.
func hasOtherName(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink > 1
}
