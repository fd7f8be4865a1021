// Deny runs a command the way Android 11 and later run an app: it cannot bind
// a netlink socket, so that net.Interfaces fails in it with "permission denied".
//
//	go build -o bin/deny ./discovery/internal/deny
//	go test -exec "$PWD/bin/deny" ./discovery/...
//
// A seccomp filter answers EACCES to every bind whose address is as long as a
// netlink address, 12 bytes; nothing else is touched, and IPv4 and IPv6
// addresses have other lengths. It holds for all that the command starts.
//
// Its worst moment is a kernel that does not let it filter: then the command is
// not run at all and the exit code is 125, since a test that passes without the
// filter proves nothing. 127 means that there is no such command.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	exitNoFilter  = 125
	exitNotFound  = 127
	netlinkLength = 12 // of struct sockaddr_nl
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: deny COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "deny:", err)
		os.Exit(exitNotFound)
	}
	runtime.LockOSThread()
	if err := filter(); err != nil {
		fmt.Fprintln(os.Stderr, "deny: cannot filter system calls:", err)
		os.Exit(exitNoFilter)
	}
	err = unix.Exec(path, os.Args[1:], os.Environ())
	fmt.Fprintln(os.Stderr, "deny:", os.NewSyscallError("exec", err))
	os.Exit(exitNotFound)
}

// filter installs the filter on all threads of this process.
func filter() error {
	// struct seccomp_data: number 4, architecture 4, instruction pointer 8,
	// then the arguments, 8 bytes each.
	const number, third = 0, 16 + 2*8
	low := uint32(third)
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 { // big endian
		low += 4
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	// unless skips n instructions if the loaded word is not want.
	unless := func(want uint32, n uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: want, Jf: n}
	}
	answer := func(what uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
	}
	program := []unix.SockFilter{
		load(number),
		unless(unix.SYS_BIND, 3),
		load(low),
		unless(netlinkLength, 1),
		answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)),
		answer(unix.SECCOMP_RET_ALLOW),
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}
