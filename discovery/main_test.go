package discovery

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

// All tests here also run with net.Interfaces refused, as on Android:
//
//	go build -o bin/deny ./discovery/internal/deny
//	go test -exec "$PWD/bin/deny" ./discovery/...
//
// Those that need network namespaces skip themselves then, because the ip
// command needs what is denied. Run plainly, they start the wrapper themselves
// inside a namespace. TestLoopback uses real sockets either way.

// roleEnv makes this test binary play one side of a meeting of processes.
const roleEnv = "FERRY_DISCOVERY_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	// zeroconf's announcing goroutine cannot be stopped or waited for; its
	// receivers end just after their sockets.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/grandcat/zeroconf.(*Server).probe"))
}

// report is a line of a browsing process.
type report struct {
	Candidates []Candidate
	Causes     []Cause
	// Denied tells that net.Interfaces is refused in that process.
	Denied bool
}

// roles are what a process can play, each until ctx ends.
var roles = map[string]func(ctx context.Context, out *json.Encoder) error{
	"announce": playAnnounce,
	"browse":   playBrowse,
	"spoof":    playSpoof,
}

// play runs a role until standard input ends.
func play(role string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString(0)
		cancel()
	}()
	f, ok := roles[role]
	if !ok {
		return errors.New("unknown role")
	}
	return f(ctx, json.NewEncoder(os.Stdout))
}

func playAnnounce(ctx context.Context, out *json.Encoder) error {
	a, err := Announce(ctx, Announcement{Name: `Müller's "Pixel" \ 9`, Port: 4242})
	if err != nil {
		return err
	}
	if err := out.Encode(a.Instance().String()); err != nil {
		return err
	}
	<-ctx.Done()
	return a.Close()
}

func playBrowse(ctx context.Context, out *json.Encoder) error {
	b := Browse(ctx, Options{})
	defer b.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	_, err := net.Interfaces()
	denied := err != nil
	for {
		select {
		case _, more := <-b.Changes():
			if !more {
				return nil
			}
		case <-tick.C: // for the findings, which change without a signal
		}
		r := report{Candidates: b.Candidates(), Denied: denied}
		for _, f := range b.Diagnose().Findings {
			r.Causes = append(r.Causes, f.Cause)
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
}

func playSpoof(ctx context.Context, out *json.Encoder) error {
	if err := spoof(); err != nil {
		return err
	}
	if err := out.Encode("sent"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// hostileName would turn text around, clear a terminal and fill a screen.
var hostileName = "\u202eevil\x1b[2J\x00" + strings.Repeat("A", 200)

// spoof sends announcements that no honest device sends.
func spoof() error {
	c, err := net.DialUDP("udp4", nil, group4)
	if err != nil {
		return err
	}
	defer c.Close()
	us := netip.MustParseAddr("10.77.1.1")
	text := func(n byte, more ...string) []string { return append([]string{"id=" + id(n).String()}, more...) }
	var fill []string
	for range 50 {
		fill = append(fill, strings.Repeat("x", 200))
	}
	for _, m := range []struct {
		label string
		port  uint16
		text  []string
		addr  netip.Addr
	}{
		{id(1).String(), 4242, text(1, "v=1", "n="+hostileName), us},
		{id(2).String(), 4242, append(fill, text(2, "v=1")...), us},                           // 10 kB of text
		{id(3).String(), 0, text(3, "v=1", "n=port 0"), us},                                   // no port
		{id(4).String(), 4242, text(4, "v=none", "n=wrong"), us},                              // no protocol
		{id(5).String(), 4242, text(6, "v=1", "n=other"), us},                                 // not its ID
		{"..%2f\x00", 4242, text(7, "v=1", "n=label"), us},                                    // no ID at all
		{id(8).String(), 4242, text(8, "v=1", "n=far"), netip.AddrFrom4([4]byte{8, 8, 8, 8})}, // leads out of the house
		{id(9).String(), 4242, text(9, "v=1", "n=self"), netip.AddrFrom4([4]byte{127, 0, 0, 1})},
	} {
		b, err := announcement(m.label, m.port, m.text, m.addr)
		if err != nil {
			return err
		}
		if _, err := c.Write(b); err != nil {
			return err
		}
		if _, err := c.Write(b[:len(b)/2]); err != nil {
			return err
		}
	}
	return nil
}

// announcement is a whole announcement as it goes over the network.
func announcement(label string, port uint16, text []string, addr netip.Addr) ([]byte, error) {
	service, err := dnsmessage.NewName(serviceName)
	if err != nil {
		return nil, err
	}
	instance, err := dnsmessage.NewName(strings.ReplaceAll(label, ".", "_") + "." + serviceName)
	if err != nil {
		return nil, err
	}
	host := dnsmessage.MustNewName("h." + domain)
	head := func(n dnsmessage.Name) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: 120}
	}
	m := dnsmessage.Message{
		Header: dnsmessage.Header{Response: true, Authoritative: true},
		Answers: []dnsmessage.Resource{
			{Header: head(service), Body: &dnsmessage.PTRResource{PTR: instance}},
			{Header: head(instance), Body: &dnsmessage.SRVResource{Port: port, Target: host}},
			{Header: head(instance), Body: &dnsmessage.TXTResource{TXT: text}},
			{Header: head(host), Body: &dnsmessage.AResource{A: addr.As4()}},
		},
	}
	return m.Pack()
}
