//go:build !linux

package netif

import (
	"fmt"
	"net"
	"net/netip"
)

// List returns the interfaces in the order of their indexes, with their
// addresses.
func List() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	out := make([]Interface, 0, len(all))
	for _, ifi := range all {
		addrs, err := ifi.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses: %w", err)
		}
		one := Interface{Interface: ifi}
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			ip, ok := netip.AddrFromSlice(n.IP)
			if !ok {
				continue
			}
			bits, _ := n.Mask.Size()
			one.Prefixes = append(one.Prefixes, netip.PrefixFrom(ip.Unmap(), bits))
		}
		out = append(out, one)
	}
	return out, nil
}
