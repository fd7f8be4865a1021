package netif

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

func message(kind, flags uint16, seq uint32, body ...byte) []byte {
	b := native.AppendUint32(nil, uint32(messageHeader+len(body)))
	b = native.AppendUint16(b, kind)
	b = native.AppendUint16(b, flags)
	b = native.AppendUint32(b, seq)
	b = native.AppendUint32(b, 4711)
	b = append(b, body...)
	return append(b, make([]byte, align(len(b))-len(b))...)
}

func attribute(kind uint16, value ...byte) []byte {
	b := native.AppendUint16(nil, uint16(attributeHeader+len(value)))
	b = native.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, align(len(b))-len(b))...)
}

func addressBody(family, bits byte, index uint32, attrs ...[]byte) []byte {
	b := native.AppendUint32([]byte{family, bits, 0, 0}, index)
	return append(b, slices.Concat(attrs...)...)
}

func addrMessage(family, bits byte, index uint32, attrs ...[]byte) []byte {
	return message(unix.RTM_NEWADDR, unix.NLM_F_MULTI, 1, addressBody(family, bits, index, attrs...)...)
}

var (
	v4   = []byte{192, 168, 7, 20}
	v4p  = []byte{192, 168, 7, 1}
	v6   = netip.MustParseAddr("fe80::1:2").AsSlice()
	done = message(unix.NLMSG_DONE, 0, 1, 0, 0, 0, 0)
)

func TestParse(t *testing.T) {
	lan := address{3, netip.MustParsePrefix("192.168.7.20/24")}
	local := address{3, netip.MustParsePrefix("fe80::1:2/64")}
	for _, c := range []struct {
		name string
		in   []byte
		want []address
		done bool
		err  error
	}{
		{name: "empty"},
		{name: "two and the end", in: slices.Concat(
			addrMessage(unix.AF_INET, 24, 3, attribute(unix.IFA_ADDRESS, v4...), attribute(unix.IFA_LOCAL, v4...), attribute(unix.IFA_LABEL, 'a', 0)),
			addrMessage(unix.AF_INET6, 64, 3, attribute(unix.IFA_ADDRESS, v6...), attribute(unix.IFA_FLAGS, 0, 0, 0, 0)), done),
			want: []address{lan, local}, done: true},
		{name: "point to point: our own end counts",
			in:   addrMessage(unix.AF_INET, 24, 3, attribute(unix.IFA_ADDRESS, v4p...), attribute(unix.IFA_LOCAL, v4...)),
			want: []address{lan}},
		{name: "somebody else's answer", in: message(unix.RTM_NEWADDR, 0, 2, 1, 2, 3)},
		{name: "unknown message", in: message(unix.RTM_NEWROUTE, 0, 1, 1, 2, 3), want: nil},
		{name: "other family", in: addrMessage(unix.AF_PACKET, 0, 3)},
		{name: "duplicate elsewhere", in: addrMessage(unix.AF_INET6, 64, 3, attribute(unix.IFA_ADDRESS, v6...),
			attribute(unix.IFA_FLAGS, native.AppendUint32(nil, unix.IFA_F_DADFAILED)...))},
		{name: "refused", in: message(unix.NLMSG_ERROR, 0, 1, native.AppendUint32(nil, ^uint32(syscall.EACCES)+1)...), err: syscall.EACCES},
		{name: "refused with nothing", in: message(unix.NLMSG_ERROR, 0, 1), err: errMalformed},
		{name: "no error is no answer", in: message(unix.NLMSG_ERROR, 0, 1, 0, 0, 0, 0), err: errMalformed},
		{name: "changed meanwhile", in: message(unix.NLMSG_DONE, unix.NLM_F_DUMP_INTR, 1, 0, 0, 0, 0), err: errInterrupted},
		{name: "no address", in: addrMessage(unix.AF_INET, 24, 3), err: errMalformed},
		{name: "address of the other family", in: addrMessage(unix.AF_INET, 24, 3, attribute(unix.IFA_LOCAL, v6...)), err: errMalformed},
		{name: "prefix too long", in: addrMessage(unix.AF_INET, 33, 3, attribute(unix.IFA_LOCAL, v4...)), err: errMalformed},
		{name: "interface 0", in: addrMessage(unix.AF_INET, 24, 0, attribute(unix.IFA_LOCAL, v4...)), err: errMalformed},
		{name: "attribute beyond the end", in: addrMessage(unix.AF_INET, 24, 3, []byte{200, 0, 1, 0}), err: errMalformed},
		{name: "attribute of no length", in: addrMessage(unix.AF_INET, 24, 3, []byte{0, 0, 1, 0}), err: errMalformed},
		{name: "message of no length", in: make([]byte, messageHeader), err: errMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, end, err := parse(c.in, 1)
			if !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if !reflect.DeepEqual(got, c.want) || end != c.done {
				t.Errorf("got %v %v, want %v %v", got, end, c.want, c.done)
			}
		})
	}
}

// TestParseCut cuts a good answer at every byte: the result is an error or
// whole addresses from before the cut, never something made up.
func TestParseCut(t *testing.T) {
	first := addrMessage(unix.AF_INET, 24, 3, attribute(unix.IFA_LOCAL, v4...))
	whole := slices.Concat(first, addrMessage(unix.AF_INET6, 64, 4, attribute(unix.IFA_ADDRESS, v6...)), done)
	for n := range len(whole) {
		got, end, err := parse(whole[:n], 1)
		atEdge := n == 0 || n == len(first) || n == len(whole)-len(done)
		if end || (err == nil) != atEdge || err != nil && got != nil {
			t.Fatalf("cut at %d: %v %v %v", n, got, end, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(slices.Concat(addrMessage(unix.AF_INET, 24, 3, attribute(unix.IFA_LOCAL, v4...)), done))
	f.Add(addrMessage(unix.AF_INET6, 64, 3, attribute(unix.IFA_ADDRESS, v6...), attribute(unix.IFA_FLAGS, 1, 2, 3, 4)))
	f.Add(message(unix.NLMSG_ERROR, 0, 1, 255, 255, 255, 255))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _, err := parse(b, 1)
		if err != nil && got != nil {
			t.Fatal("a failed parse returned addresses")
		}
		if len(got) > len(b)/messageHeader {
			t.Fatalf("%d addresses out of %d bytes", len(got), len(b))
		}
		for _, a := range got {
			if a.index <= 0 || !a.prefix.IsValid() {
				t.Fatalf("bad address %+v", a)
			}
		}
	})
}

// TestListKnowsTheKernelsNames compares the list with what the kernel shows in
// its files.
func TestListKnowsTheKernelsNames(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if _, err := os.Stat("/sys/class/net/" + i.Name); err != nil {
			t.Errorf("interface %d: %v", i.Index, err)
		}
	}
}
