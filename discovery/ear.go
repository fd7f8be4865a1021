package discovery

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/ferry-move/ferry/discovery/netif"
)

const (
	mdnsPort = 5353
	// maxPacket is the largest multicast DNS message (RFC 6762, 17). A larger
	// one counts as heard and is not understood.
	maxPacket = 9000
	enumerate = "_services._dns-sd._udp." + domain
)

var (
	group4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort}
)

// packet is a multicast DNS message as it was received.
type packet struct {
	from netip.Addr // without a zone
	data []byte     // valid until the handler returns
}

// socket is a multicast socket of one IP version.
type socket interface {
	JoinGroup(*net.Interface, net.Addr) error
	SetMulticastInterface(*net.Interface) error
	Close() error
	// receive returns index 0 where the system does not tell the interface.
	receive([]byte) (n, index int, from net.Addr, err error)
	send([]byte) error
}

type socket4 struct{ *ipv4.PacketConn }

func (s socket4) receive(b []byte) (n, index int, from net.Addr, err error) {
	n, cm, from, err := s.ReadFrom(b)
	if cm != nil {
		index = cm.IfIndex
	}
	return n, index, from, err
}

func (s socket4) send(b []byte) error { _, err := s.WriteTo(b, nil, group4); return err }

type socket6 struct{ *ipv6.PacketConn }

func (s socket6) receive(b []byte) (n, index int, from net.Addr, err error) {
	n, cm, from, err := s.ReadFrom(b)
	if cm != nil {
		index = cm.IfIndex
	}
	return n, index, from, err
}

func (s socket6) send(b []byte) error { _, err := s.WriteTo(b, nil, group6); return err }

// family is one IP version: how to open it and who has it.
type family struct {
	group *net.UDPAddr
	has   func(netif.Interface) bool
	open  func() (socket, error)
}

// families are both IP versions. Package net lets others share the port, as it
// does for every multicast address; setting up what is only nice to have may
// fail.
var families = [...]family{
	{group4, netif.Interface.Has4, func() (socket, error) {
		c, err := net.ListenUDP("udp4", group4)
		if err != nil {
			return nil, err
		}
		p := ipv4.NewPacketConn(c)
		_ = p.SetControlMessage(ipv4.FlagInterface, true)
		_ = p.SetMulticastTTL(255)
		_ = p.SetMulticastLoopback(true)
		return socket4{p}, nil
	}},
	{group6, netif.Interface.Has6, func() (socket, error) {
		c, err := net.ListenUDP("udp6", group6)
		if err != nil {
			return nil, err
		}
		p := ipv6.NewPacketConn(c)
		_ = p.SetControlMessage(ipv6.FlagInterface, true)
		_ = p.SetMulticastHopLimit(255)
		_ = p.SetMulticastLoopback(true)
		return socket6{p}, nil
	}},
}

// ear hears all the multicast DNS on some interfaces, most of which zeroconf
// keeps to itself, and knows on which of them joining or sending fails, which
// zeroconf does not look at. It belongs to one goroutine.
type ear struct {
	on    []netif.Interface
	ends  []end
	heard sync.WaitGroup // the goroutines that receive
}

// end is an open socket and the interfaces on which it is in the group.
type end struct {
	socket
	on []netif.Interface
}

// openEar joins the groups. It hears nothing before listen. The troubles are
// the interfaces on which neither IP version could be joined.
func openEar(on []netif.Interface) (*ear, []trouble) {
	e := &ear{on: on}
	tried := make(attempts)
	for _, f := range families {
		with := filter(on, f.has)
		if len(with) == 0 {
			continue
		}
		s, err := f.open()
		if err != nil {
			for _, i := range with {
				tried.note(i, err)
			}
			continue
		}
		joined := filter(with, func(i netif.Interface) bool {
			err := s.JoinGroup(plain(i), &net.UDPAddr{IP: f.group.IP})
			tried.note(i, err)
			return err == nil
		})
		if len(joined) == 0 {
			s.Close()
			continue
		}
		e.ends = append(e.ends, end{s, joined})
	}
	return e, tried.troubles(on)
}

// listen calls handle with every packet that arrives on one of the interfaces,
// from up to two goroutines, until close.
func (e *ear) listen(handle func(packet)) {
	for _, s := range e.ends {
		e.heard.Go(func() { s.listen(handle) })
	}
}

// listen receives until the socket is closed, or fails so often that it will
// not recover: single errors are about single packets.
func (s end) listen(handle func(packet)) {
	buf := make([]byte, maxPacket)
	for failed := 0; failed < 100; {
		n, index, from, err := s.receive(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		u, ok := from.(*net.UDPAddr)
		if err != nil || !ok {
			failed++
			continue
		}
		failed = 0
		here := func(i netif.Interface) bool { return i.Index == index }
		if index != 0 && !slices.ContainsFunc(s.on, here) {
			continue // another program is in the group there
		}
		handle(packet{from: u.AddrPort().Addr().Unmap().WithZone(""), data: buf[:n]})
	}
}

// ask sends a query for our instances on every interface, and with all also
// one that every responder answers, whatever it offers. The troubles are the
// interfaces on which sending failed in all IP versions that were joined.
func (e *ear) ask(all bool) []trouble {
	q := query(all)
	tried := make(attempts)
	for _, s := range e.ends {
		for _, i := range s.on {
			err := s.SetMulticastInterface(plain(i))
			if err == nil {
				err = s.send(q)
			}
			tried.note(i, err)
		}
	}
	return tried.troubles(e.on)
}

// close ends listening and returns when nothing runs any more.
func (e *ear) close() {
	for _, s := range e.ends {
		s.Close()
	}
	e.heard.Wait()
}

// attempts collects what succeeded and failed, by interface index.
type attempts map[int]*attempt

type attempt struct {
	ok  bool
	err error
}

func (a attempts) note(i netif.Interface, err error) {
	if a[i.Index] == nil {
		a[i.Index] = new(attempt)
	}
	if err == nil {
		a[i.Index].ok = true
	} else if a[i.Index].err == nil {
		a[i.Index].err = err
	}
}

// troubles returns the interfaces on which nothing succeeded, each with its
// first error.
func (a attempts) troubles(on []netif.Interface) []trouble {
	var out []trouble
	for _, i := range on {
		if t := a[i.Index]; t != nil && !t.ok {
			out = append(out, trouble{i.Name, t.err})
		}
	}
	return out
}

// plain is i as other packages take it, without a hardware address: zeroconf
// prints what it fails to join.
func plain(i netif.Interface) *net.Interface {
	return &net.Interface{Index: i.Index, MTU: i.MTU, Name: i.Name, Flags: i.Flags}
}

func query(all bool) []byte {
	ask := []string{serviceName}
	if all {
		ask = append(ask, enumerate)
	}
	var m dnsmessage.Message
	for _, n := range ask {
		m.Questions = append(m.Questions, dnsmessage.Question{
			Name: dnsmessage.MustNewName(n), Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET,
		})
	}
	b, err := m.Pack()
	if err != nil {
		panic(err) // made of constants
	}
	return b
}

// goodbyes returns the instances that a message says are leaving: pointers to
// them with a lifetime of zero. What cannot be parsed says nothing.
func goodbyes(data []byte) []InstanceID {
	var p dnsmessage.Parser
	h, err := p.Start(data)
	if err != nil || !h.Response || p.SkipAllQuestions() != nil {
		return nil
	}
	var out []InstanceID
	for len(out) < MaxCandidates {
		rr, err := p.AnswerHeader()
		if err != nil {
			break // the end, or nonsense
		}
		if rr.Type != dnsmessage.TypePTR || rr.TTL != 0 || !strings.EqualFold(rr.Name.String(), serviceName) {
			if p.SkipAnswer() != nil {
				break
			}
			continue
		}
		ptr, err := p.PTRResource()
		if err != nil {
			break
		}
		label, ok := strings.CutSuffix(ptr.PTR.String(), "."+serviceName)
		if !ok {
			continue
		}
		if id, err := ParseInstanceID(label); err == nil {
			out = append(out, id)
		}
	}
	return out
}
