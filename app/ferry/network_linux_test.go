package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// network is two network namespaces joined by a cable, with no way out:
//
//	old: wlan0 10.78.1.1, fd78:1::1, link-local      new: wlan0 10.78.1.2, fd78:1::2, link-local
//	     tun0  10.78.9.1                                  tun0  10.78.9.2
//
// A run named old or new is in the one of its name.
type network struct {
	spaces map[string]string // by side
	ears   []*ear
}

var networks atomic.Int32

var wires = []netip.Prefix{
	netip.MustParsePrefix("10.78.1.0/24"), netip.MustParsePrefix("fd78:1::/64"), netip.MustParsePrefix("fe80::/10"),
}

// canMakeNetwork reports whether namespaces with cables and tunnels can be made.
var canMakeNetwork = sync.OnceValue(func() bool {
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return false
	}
	name := fmt.Sprintf("ferry-try-%d", os.Getpid())
	if exec.Command("ip", "netns", "add", name).Run() != nil {
		return false
	}
	defer exec.Command("ip", "netns", "del", name).Run()
	return exec.Command("ip", "-n", name, "tuntap", "add", "tun0", "mode", "tun").Run() == nil &&
		exec.Command("ip", "-n", name, "link", "add", "wlan0", "type", "veth", "peer", "name", "wlan1").Run() == nil
})

// command makes a command that runs in the namespace of a run's name.
func (n *network) command(name, bin string, args []string) *exec.Cmd {
	if n == nil || n.spaces[name] == "" {
		return exec.Command(bin, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", n.spaces[name], bin}, args...)...)
}

// network makes the network, and listens to all that is sent in it.
func cmdNetwork(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: network")
	}
	n := &network{spaces: map[string]string{}}
	of(ts).net = n
	id := networks.Add(1)
	for _, side := range []string{"old", "new"} {
		name := fmt.Sprintf("ferry-%s-%d-%d", side, os.Getpid(), id)
		ip(ts, "netns", "add", name)
		n.spaces[side] = name
		of(ts).undo = append(of(ts).undo, func() { exec.Command("ip", "netns", "del", name).Run() })
	}
	ip(ts, "-n", n.spaces["old"], "link", "add", "wlan0", "type", "veth", "peer", "name", "wlan0", "netns", n.spaces["new"])
	for i, side := range []string{"old", "new"} {
		ns, host := n.spaces[side], strconv.Itoa(i+1)
		e, err := listen(ns)
		ts.Check(err)
		n.ears = append(n.ears, e)
		of(ts).undo = append(of(ts).undo, e.close)
		ip(ts, "-n", ns, "tuntap", "add", "tun0", "mode", "tun")
		ip(ts, "-n", ns, "addr", "add", "10.78.9."+host+"/24", "dev", "tun0")
		ip(ts, "-n", ns, "addr", "add", "10.78.1."+host+"/24", "dev", "wlan0")
		ip(ts, "-n", ns, "addr", "add", "fd78:1::"+host+"/64", "dev", "wlan0", "nodad")
		for _, dev := range []string{"lo", "wlan0", "tun0"} {
			ip(ts, "-n", ns, "link", "set", dev, "up")
		}
	}
}

func ip(ts *testscript.TestScript, args ...string) {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		ts.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// ip SIDE ARG... runs ip on one side of the network.
func cmdIP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ip SIDE ARG...")
	}
	ip(ts, append([]string{"-n", of(ts).net.spaces[args[0]]}, args[1:]...)...)
}

// ear hears every packet in a namespace.
type ear struct {
	file *os.File
	done chan struct{}

	mu      sync.Mutex
	packets [][]byte // guarded by mu; from the IP header on, cut after 1500 bytes
}

func listen(ns string) (*ear, error) {
	type opened struct {
		fd  int
		err error
	}
	got := make(chan opened)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		fd, err := listenHere(filepath.Join("/run/netns", ns))
		got <- opened{fd, err}
	}()
	o := <-got
	if o.err != nil {
		return nil, fmt.Errorf("listen to a namespace: %w", o.err)
	}
	e := &ear{file: os.NewFile(uintptr(o.fd), "packets"), done: make(chan struct{})}
	go func() {
		defer close(e.done)
		b := make([]byte, 1<<16)
		for {
			n, err := e.file.Read(b)
			if err != nil {
				return // closed
			}
			e.mu.Lock()
			e.packets = append(e.packets, bytes.Clone(b[:min(n, 1500)]))
			e.mu.Unlock()
		}
	}()
	return e, nil
}

// listenHere opens a packet socket in a namespace and leaves the thread there.
func listenHere(ns string) (int, error) {
	f, err := os.Open(ns)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return 0, err
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(all))
	if err != nil {
		return 0, err
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	return fd, nil
}

func (e *ear) close() {
	e.file.Close()
	<-e.done
}

// quiet NAME checks that nothing was sent but mDNS on the cable, the session
// with NAME's port over the cable, and what the kernel needs for itself; and
// that no secret was in any of it in the clear.
func cmdQuiet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: quiet NAME")
	}
	r := of(ts)
	port, err := strconv.ParseUint(find(ts, args[0]+".out", regexp.MustCompile(`"addresses":\["[0-9.]+:(\d+)"`))[1], 10, 16)
	ts.Check(err)
	var names, session int
	for _, e := range r.net.ears {
		e.mu.Lock()
		packets := e.packets
		e.mu.Unlock()
		for _, b := range packets {
			what := classify(b, uint16(port))
			switch what {
			case "mdns":
				names++
			case "session":
				session++
			case "kernel":
			default:
				ts.Fatalf("something else was sent: %s", what)
			}
			for _, s := range r.secrets {
				if bytes.Contains(b, []byte(s)) {
					ts.Fatalf("a secret was sent in the clear: %s", what)
				}
			}
		}
	}
	if names == 0 || session == 0 {
		ts.Fatalf("heard %d packets of mDNS and %d of the session", names, session)
	}
}

func onWire(a netip.Addr) bool {
	for _, p := range wires {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// classify says what a packet is: "mdns", "session", "kernel", or something
// else in words.
func classify(b []byte, port uint16) string {
	var src, dst netip.Addr
	var proto byte
	var payload []byte
	switch {
	case len(b) >= 28 && b[0]>>4 == 4 && len(b) >= int(b[0]&15)*4+8:
		src, dst, proto = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), b[9]
		payload = b[int(b[0]&15)*4:]
	case len(b) >= 48 && b[0]>>4 == 6:
		src, dst, proto = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), b[6]
		payload = b[40:]
	default: // ARP
		return "kernel"
	}
	switch proto {
	case unix.IPPROTO_IGMP, unix.IPPROTO_ICMPV6, unix.IPPROTO_HOPOPTS:
		return "kernel"
	case unix.IPPROTO_ICMP:
		if onWire(src) && onWire(dst) {
			return "kernel"
		}
	case unix.IPPROTO_UDP:
		from, to := binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:])
		mdns := dst == netip.MustParseAddr("224.0.0.251") || dst == netip.MustParseAddr("ff02::fb")
		switch {
		case onWire(src) && to == 5353 && (mdns || onWire(dst)), onWire(src) && onWire(dst) && from == 5353:
			return "mdns"
		case onWire(src) && onWire(dst) && (from == port || to == port):
			return "session"
		}
		return fmt.Sprintf("UDP from %s to %s", netip.AddrPortFrom(src, from), netip.AddrPortFrom(dst, to))
	}
	return fmt.Sprintf("IP protocol %d from %s to %s", proto, src, dst)
}
