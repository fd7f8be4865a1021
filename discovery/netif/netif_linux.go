package netif

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// tries is how often List asks again when addresses changed while the kernel
// was listing them.
const tries = 3

// List returns the interfaces that have an address, in the order of their
// indexes. Interfaces without one are left out: to see them takes a question
// that Android refuses.
func List() ([]Interface, error) {
	var found []address
	for i := range tries {
		var err error
		found, err = addresses()
		if err == nil {
			break
		}
		if !errors.Is(err, errInterrupted) || i == tries-1 {
			return nil, fmt.Errorf("list addresses: %w", err)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd)

	at := make(map[int]int)
	var out []Interface
	for _, a := range found {
		j, seen := at[a.index]
		if !seen {
			ifi, err := describe(fd, a.index)
			if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
				continue // it went away since
			}
			if err != nil {
				return nil, fmt.Errorf("list interfaces: %w", err)
			}
			j = len(out)
			at[a.index] = j
			out = append(out, Interface{Interface: ifi})
		}
		out[j].Prefixes = append(out[j].Prefixes, a.prefix)
	}
	slices.SortFunc(out, func(a, b Interface) int { return a.Index - b.Index })
	return out, nil
}

// addresses asks the kernel for every address. The socket is never bound: the
// kernel does that by itself with the first message.
func addresses() ([]address, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	limit := unix.Timeval{Sec: 2}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	const seq = 1
	if err := unix.Sendto(fd, addressRequest(seq), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	var out []address
	buf := make([]byte, 64<<10)
	for {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		if k, ok := from.(*unix.SockaddrNetlink); !ok || k.Pid != 0 {
			continue // not from the kernel
		}
		more, done, err := parse(buf[:n], seq)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
		if done {
			return out, nil
		}
	}
}

// describe asks for the name, the MTU and the flags of one interface.
func describe(fd, index int) (net.Interface, error) {
	r, err := unix.NewIfreq("")
	if err != nil {
		return net.Interface{}, err
	}
	r.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, r); err != nil {
		return net.Interface{}, os.NewSyscallError("siocgifname", err)
	}
	ifi := net.Interface{Index: index, Name: r.Name()}
	if r, err = unix.NewIfreq(ifi.Name); err != nil {
		return net.Interface{}, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFMTU, r); err != nil {
		return net.Interface{}, os.NewSyscallError("siocgifmtu", err)
	}
	ifi.MTU = int(int32(r.Uint32()))
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r); err != nil {
		return net.Interface{}, os.NewSyscallError("siocgifflags", err)
	}
	ifi.Flags = flags(r.Uint16())
	return ifi, nil
}

func flags(raw uint16) net.Flags {
	var f net.Flags
	for _, b := range []struct {
		raw  uint16
		flag net.Flags
	}{
		{unix.IFF_UP, net.FlagUp},
		{unix.IFF_BROADCAST, net.FlagBroadcast},
		{unix.IFF_LOOPBACK, net.FlagLoopback},
		{unix.IFF_POINTOPOINT, net.FlagPointToPoint},
		{unix.IFF_RUNNING, net.FlagRunning},
		{unix.IFF_MULTICAST, net.FlagMulticast},
	} {
		if raw&b.raw != 0 {
			f |= b.flag
		}
	}
	return f
}
