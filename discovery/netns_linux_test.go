package discovery

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ferry-move/ferry/discovery/netif"
)

// patience ends a test that would otherwise hang; nothing waits that long.
const patience = 40 * time.Second

// namespaces are two network namespaces joined by a cable, each with three
// interfaces and no default route:
//
//	fa: fveth0 10.77.1.1, fd77:1::1, link-local      fb: fveth0 10.77.1.2, fd77:1::2, link-local
//	    fveth1 10.77.2.1, its other end fveth2           fveth1 10.77.3.1, its other end fveth2
//	    tun0   10.77.9.1                                 tun0   10.77.9.2
type namespaces struct{ a, b string }

var count atomic.Int32

func newNamespaces(t *testing.T, v4, v6 bool) namespaces {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: runs for some seconds")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("skipped: no ip command (iproute2)")
	}
	suffix := fmt.Sprintf("-%d-%d", os.Getpid(), count.Add(1))
	n := namespaces{"ferry-a" + suffix, "ferry-b" + suffix}
	for _, ns := range []string{n.a, n.b} {
		if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
			t.Skipf("skipped: network namespaces are not allowed here: %v: %s", err, out)
		}
		t.Cleanup(func() {
			if out, err := exec.Command("ip", "netns", "del", ns).CombinedOutput(); err != nil {
				t.Errorf("remove %s: %v: %s", ns, err, out)
			}
		})
	}
	// No waiting for duplicate addresses: nobody else is here.
	const quiet = "for f in all default; do echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad; done; "
	const no6 = "for f in all default; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done; "
	for _, ns := range []string{n.a, n.b} {
		script := quiet
		if !v6 {
			script += no6
		}
		sh(t, ns, script+"ip link set lo up; ip link add fveth1 type veth peer name fveth2")
	}
	run(t, "ip", "-n", n.a, "link", "add", "fveth0", "type", "veth", "peer", "name", "fveth0", "netns", n.b)
	for i, ns := range []string{n.a, n.b} {
		if out, err := exec.Command("ip", "-n", ns, "tuntap", "add", "dev", "tun0", "mode", "tun").CombinedOutput(); err != nil {
			t.Skipf("skipped: no tun device: %v: %s", err, out)
		}
		sh(t, ns, "echo 1 > /proc/sys/net/ipv6/conf/tun0/disable_ipv6")
		var add []string
		if v4 {
			add = append(add, fmt.Sprintf("10.77.1.%d/24 dev fveth0", i+1), fmt.Sprintf("10.77.%d.1/24 dev fveth1", i+2))
		}
		if v6 {
			add = append(add, fmt.Sprintf("fd77:1::%d/64 dev fveth0", i+1))
		}
		for _, a := range append(add, fmt.Sprintf("10.77.9.%d/24 dev tun0", i+1)) {
			run(t, "ip", append([]string{"-n", ns, "addr", "add"}, strings.Fields(a)...)...)
		}
		for _, dev := range []string{"fveth2", "fveth1", "fveth0", "tun0"} {
			run(t, "ip", "-n", ns, "link", "set", dev, "up")
		}
	}
	return n
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func sh(t *testing.T, ns, script string) string {
	t.Helper()
	return run(t, "ip", "netns", "exec", ns, "sh", "-ec", script)
}

// process is this test binary playing a role in a namespace.
type process struct {
	t     *testing.T
	role  string
	stdin io.Closer
	lines *json.Decoder
	cmd   *exec.Cmd
}

func launch(t *testing.T, ns, role string, wrapper ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := slices.Concat([]string{"netns", "exec", ns}, wrapper, []string{self})
	cmd := exec.Command("ip", args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	p := &process{t: t, role: role, stdin: stdin, lines: json.NewDecoder(bufio.NewReader(stdout)), cmd: cmd}
	t.Cleanup(func() {
		stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		limit.Stop()
	})
	return p
}

// word reads a line that is a string.
func (p *process) word() string {
	p.t.Helper()
	var s string
	if err := p.lines.Decode(&s); err != nil {
		p.t.Fatalf("%s: %v", p.role, err)
	}
	return s
}

// until reads reports until one is as wanted.
func (p *process) until(what string, ok func(report) bool) report {
	p.t.Helper()
	var last report
	for {
		var r report
		if err := p.lines.Decode(&r); err != nil {
			p.t.Fatalf("no report that %s: %v; the last one was %+v", what, err, last)
		}
		if last = r; ok(r) {
			return r
		}
	}
}

func init() { roles["tunnel"] = playTunnel }

// playTunnel is the program behind tun0, as a VPN has one. It counts what is
// sent into it.
func playTunnel(ctx context.Context, out *json.Encoder) error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	r, err := unix.NewIfreq("tun0")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, r); err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "tun") // only now: an unattached one cannot be polled
	defer f.Close()
	if err := out.Encode("attached"); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 2000)
	for n := 0; ; n++ {
		if _, err := f.Read(buf); errors.Is(err, os.ErrDeadlineExceeded) {
			return out.Encode(strconv.Itoa(n))
		} else if err != nil {
			return err
		}
	}
}

// denyCommand builds the wrapper and makes sure that it works here.
func denyCommand(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: no go command to build the wrapper with")
	}
	deny := filepath.Join(t.TempDir(), "deny")
	if out, err := exec.Command("go", "build", "-o", deny, "./internal/deny").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	if out, err := exec.Command(deny, "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: seccomp is not available here: %v: %s", err, out)
	}
	return deny
}

// TestMeeting lets two processes in two namespaces find each other and part.
func TestMeeting(t *testing.T) {
	for _, c := range []struct {
		name   string
		v4, v6 bool
		denied bool
	}{
		{"both", true, true, false},
		{"IPv4 only", true, false, false},
		{"IPv6 only", false, true, false},
		{"both, denied as on Android", true, true, true},
		{"IPv4 only, denied as on Android", true, false, true},
		{"IPv6 only, denied as on Android", false, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNamespaces(t, c.v4, c.v6)
			var wrapper []string
			if c.denied {
				wrapper = []string{denyCommand(t)}
			}
			var tunnels []*process
			for _, ns := range []string{n.a, n.b} {
				end := launch(t, ns, "tunnel")
				if got := end.word(); got != "attached" {
					t.Fatal(got)
				}
				tunnels = append(tunnels, end)
			}
			announcer := launch(t, n.a, "announce", wrapper...)
			browser := launch(t, n.b, "browse", wrapper...)
			instance := announcer.word()

			var want []netip.Prefix // one address in each
			if c.v4 {
				want = append(want, netip.MustParsePrefix("10.77.1.1/32"))
			}
			if c.v6 {
				want = append(want, netip.MustParsePrefix("fd77:1::1/128"), netip.MustParsePrefix("fe80::/64"))
			}
			r := browser.until("has the instance with all its addresses", func(r report) bool {
				return len(r.Candidates) == 1 && !slices.ContainsFunc(want, func(p netip.Prefix) bool {
					return !slices.ContainsFunc(r.Candidates[0].Addrs, func(a netip.AddrPort) bool {
						return p.Contains(a.Addr().WithZone("")) && (!a.Addr().IsLinkLocalUnicast() || a.Addr().Zone() != "")
					})
				})
			})
			got := r.Candidates[0]
			if got.Instance.String() != instance || got.Name != `Müller's "Pixel" \ 9` || got.Protocol != Protocol {
				t.Errorf("%+v", got)
			}
			if first := got.Addrs[0]; !want[0].Contains(first.Addr()) || first.Port() != 4242 {
				t.Errorf("first of %v should be in our own subnet", got.Addrs)
			}
			for _, a := range got.Addrs {
				if netip.MustParsePrefix("10.77.9.0/24").Contains(a.Addr()) {
					t.Errorf("%v is at the far end of a tunnel", a)
				}
			}
			if r.Denied != c.denied {
				t.Errorf("net.Interfaces denied: %v, want %v", r.Denied, c.denied)
			}
			if !slices.Contains(r.Causes, TunnelBeside) {
				t.Errorf("findings %v lack the tunnel", r.Causes)
			}

			announcer.stdin.Close()
			closed := time.Now()
			browser.until("the instance is gone", func(r report) bool { return len(r.Candidates) == 0 })
			if since := time.Since(closed); since > lifetime/2 {
				t.Errorf("it took %v, no faster than without a goodbye", since)
			}
			for _, end := range tunnels {
				end.stdin.Close()
				if got := end.word(); got != "0" {
					t.Errorf("%s packets went into a tunnel", got)
				}
			}
		})
	}
}

// TestSpoof announces what no honest device would, beside one that is honest.
func TestSpoof(t *testing.T) {
	n := newNamespaces(t, true, false)
	run(t, "ip", "-n", n.a, "route", "add", "224.0.0.0/4", "dev", "fveth0")
	browser := launch(t, n.b, "browse")
	browser.until("listens", func(report) bool { return true })
	spoofer := launch(t, n.a, "spoof")
	if got := spoofer.word(); got != "sent" {
		t.Fatal(got)
	}
	announcer := launch(t, n.a, "announce")
	instance := announcer.word()
	honest := func(c Candidate) bool { return c.Instance.String() == instance }
	r := browser.until("has both", func(r report) bool {
		return slices.ContainsFunc(r.Candidates, honest) && len(r.Candidates) >= 2
	})
	if len(r.Candidates) != 2 {
		t.Errorf("%+v", r.Candidates)
	}
	for _, c := range r.Candidates {
		if honest(c) {
			continue
		}
		if c.Instance != id(1) || c.Name != clean(hostileName) || len(c.Name) != MaxName {
			t.Errorf("%+v", c)
		}
	}
}

// TestNobodyThere finds out why.
func TestNobodyThere(t *testing.T) {
	n := newNamespaces(t, true, true)
	browser := launch(t, n.b, "browse")
	browser.until("nobody is heard", func(r report) bool { return slices.Contains(r.Causes, NobodyHeard) })
	for _, dev := range []string{"fveth0", "fveth1", "fveth2"} {
		run(t, "ip", "-n", n.b, "link", "set", dev, "down")
	}
	browser.until("only the tunnel is left", func(r report) bool { return slices.Equal(r.Causes, []Cause{OnlyTunnel}) })
	run(t, "ip", "-n", n.b, "link", "set", "tun0", "down")
	browser.until("no interface is left", func(r report) bool { return slices.Equal(r.Causes, []Cause{NoInterface}) })
}

// onlyLoopback keeps real sockets away from the networks of the machine that
// the tests run on.
type onlyLoopback struct{ multicast }

func (o onlyLoopback) interfaces() ([]netif.Interface, error) {
	all, err := o.multicast.interfaces()
	for i := range all {
		if !all[i].Loopback() {
			all[i].Flags &^= net.FlagUp
		}
	}
	return all, err
}

// TestLoopback lets two announcers and a browser of one process meet on a
// machine without a network.
func TestLoopback(t *testing.T) {
	one, err := announce(t.Context(), Announcement{Name: "one", Port: 1, Loopback: true}, onlyLoopback{})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := announce(t.Context(), Announcement{Name: "two", Port: 2, Loopback: true}, onlyLoopback{})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	if d := two.Diagnose(); len(d.Interfaces) == 0 || d.Has(CannotJoin) {
		t.Skipf("skipped: no multicast on the loopback interface: %v", d)
	}
	b := browse(t.Context(), Options{Loopback: true, Exclude: one.Instance()}, onlyLoopback{})
	defer b.Close()
	mine := func(want int) func() bool {
		return func() bool {
			n := 0
			for _, c := range b.Candidates() {
				if c.Instance == one.Instance() {
					t.Error("the excluded one is a candidate")
				}
				if c.Instance == two.Instance() && c.Addrs[0] == netip.MustParseAddrPort("127.0.0.1:2") {
					n++
				}
			}
			return n == want
		}
	}
	limit := time.After(patience)
	wait := func(what string, ok func() bool) {
		t.Helper()
		for !ok() {
			select {
			case <-b.Changes():
			case <-limit:
				t.Fatalf("not %s: %+v %v", what, b.Candidates(), b.Diagnose())
			}
		}
	}
	wait("found", mine(1))
	two.Close()
	closed := time.Now()
	wait("gone", mine(0))
	if took := time.Since(closed); took > lifetime/2 {
		t.Errorf("it took %v, no faster than without a goodbye", took)
	}
}
