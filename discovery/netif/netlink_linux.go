package netif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// What goes over the netlink socket; numbers are in the machine's byte order,
// and every part begins at a multiple of four bytes.
//
//	message   | length 4 | type 2 | flags 2 | sequence 4 | port 4 | body |   length counts the 16 bytes of this header
//	request     body: | family 1 = any |
//	address     body: | family 1 | prefix length 1 | flags 1 | scope 1 | index 4 | attributes |
//	attribute | length 2 | type 2 | value |                                 length counts the 4 bytes of this header
//	error, end  body: | -errno 4 | ...
const (
	messageHeader   = 16
	addressHeader   = 8
	attributeHeader = 4
)

var (
	errMalformed   = errors.New("malformed netlink message")
	errInterrupted = errors.New("addresses changed meanwhile")
)

// address is one address of one interface.
type address struct {
	index  int
	prefix netip.Prefix
}

// addressRequest asks for the addresses of all interfaces and families.
func addressRequest(seq uint32) []byte {
	b := make([]byte, 0, messageHeader+4)
	b = binary.NativeEndian.AppendUint32(b, messageHeader+unix.SizeofRtGenmsg)
	b = binary.NativeEndian.AppendUint16(b, unix.RTM_GETADDR)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	return append(b, unix.AF_UNSPEC, 0, 0, 0)
}

// parse reads the messages in b that answer request seq. done tells that the
// last one was among them.
func parse(b []byte, seq uint32) (out []address, done bool, err error) {
	for len(b) > 0 {
		if len(b) < messageHeader {
			return nil, false, errMalformed
		}
		size := binary.NativeEndian.Uint32(b)
		if size < messageHeader || uint64(size) > uint64(len(b)) {
			return nil, false, errMalformed
		}
		kind := binary.NativeEndian.Uint16(b[4:])
		flags := binary.NativeEndian.Uint16(b[6:])
		mine := binary.NativeEndian.Uint32(b[8:]) == seq
		body := b[messageHeader:size]
		b = b[min(align(int(size)), len(b)):]
		if !mine {
			continue
		}
		if flags&unix.NLM_F_DUMP_INTR != 0 {
			return nil, false, errInterrupted
		}
		switch kind {
		case unix.NLMSG_DONE:
			return out, true, nil
		case unix.NLMSG_ERROR:
			return nil, false, refusal(body)
		case unix.RTM_NEWADDR:
			a, ok, err := parseAddress(body)
			if err != nil {
				return nil, false, err
			}
			if ok {
				out = append(out, a)
			}
		}
	}
	return out, false, nil
}

// refusal is the error in an error message. One that says "no error" does not
// answer the request and is as good as malformed.
func refusal(body []byte) error {
	if len(body) < 4 {
		return errMalformed
	}
	no := int32(binary.NativeEndian.Uint32(body))
	if no >= 0 {
		return errMalformed
	}
	return fmt.Errorf("netlink: %w", syscall.Errno(-int64(no)))
}

// parseAddress reads the body of an address message. ok is false for an
// address that cannot be used: another family, or one that the kernel found to
// be in use elsewhere.
func parseAddress(body []byte) (a address, ok bool, err error) {
	if len(body) < addressHeader {
		return address{}, false, errMalformed
	}
	family, bits := body[0], int(body[1])
	index := binary.NativeEndian.Uint32(body[4:])
	if index == 0 || index > 1<<31-1 {
		return address{}, false, errMalformed
	}
	state := uint32(body[2])
	var local, peer []byte
	for rest := body[addressHeader:]; len(rest) > 0; {
		if len(rest) < attributeHeader {
			return address{}, false, errMalformed
		}
		size := int(binary.NativeEndian.Uint16(rest))
		if size < attributeHeader || size > len(rest) {
			return address{}, false, errMalformed
		}
		value := rest[attributeHeader:size]
		switch binary.NativeEndian.Uint16(rest[2:]) {
		case unix.IFA_LOCAL:
			local = value
		case unix.IFA_ADDRESS:
			peer = value // the address itself, but on a point-to-point link
		case unix.IFA_FLAGS:
			if len(value) < 4 {
				return address{}, false, errMalformed
			}
			state = binary.NativeEndian.Uint32(value)
		}
		rest = rest[min(align(size), len(rest)):]
	}
	if family != unix.AF_INET && family != unix.AF_INET6 || state&unix.IFA_F_DADFAILED != 0 {
		return address{}, false, nil
	}
	if local == nil {
		local = peer
	}
	ip, valid := netip.AddrFromSlice(local)
	if !valid || ip.Is4() != (family == unix.AF_INET) {
		return address{}, false, errMalformed
	}
	p := netip.PrefixFrom(ip, bits)
	if !p.IsValid() {
		return address{}, false, errMalformed
	}
	return address{index: int(index), prefix: p}, true, nil
}

func align(n int) int { return (n + 3) &^ 3 }
