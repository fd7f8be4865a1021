package say

import (
	"github.com/ferry-move/ferry/discovery"
)

// Diagnosis says why nobody was found, one Problem for each finding, the most
// likely first; and at the end what always can be tried.
func (w Words) Diagnosis(d discovery.Diagnosis) []Problem {
	var out []Problem
	for _, f := range d.Findings {
		if p := finding(f); p.What != "" {
			out = append(out, w.problem(p, Fields{"Networks": w.List(f.Interfaces)}))
		}
	}
	if len(out) == 0 {
		out = append(out, w.problem(Problem{"This device's network looks fine.", "The other device may not be ready yet: start \"ferry receive\" on it."}))
	}
	return append(out, w.problem(Problem{"It also works without finding:", "read the address on the new phone and give it with --at HOST:PORT."}))
}

// NobodyComes says on the new phone why the old one may not find it, as Diagnosis
// does on the old one.
func (w Words) NobodyComes(d discovery.Diagnosis) []Problem {
	var out []Problem
	for _, f := range d.Findings {
		p := finding(f)
		switch f.Cause {
		case discovery.Unlisted, discovery.NoMulticast, discovery.Crowded:
			p.Next = "Give the address of this device on the old phone."
		case discovery.NobodyHeard:
			p = Problem{"No other device is heard at all.", "Start sending on the old phone. If it searches already, the access point may keep its guests apart (\"client isolation\", usual in guest networks): use another network, or a hotspot on one of the devices."}
		case discovery.NoAnswer: // the new phone is the one that answers
			continue
		}
		if p.What != "" {
			out = append(out, w.problem(p, Fields{"Networks": w.List(f.Interfaces)}))
		}
	}
	if len(out) == 0 {
		out = append(out, w.problem(Problem{"This device's network looks fine.", "Check that the old phone is on the same network, and that it is searching."}))
	}
	return append(out, w.problem(Problem{"It also works without finding:", "read the address on this device and give it on the old phone, with --at HOST:PORT."}))
}

// finding returns the messages about one finding.
func finding(f discovery.Finding) Problem {
	switch f.Cause {
	case discovery.Unlisted:
		return Problem{"The system does not tell which networks there are.", "Use --at."}
	case discovery.NoInterface:
		return Problem{"This device is on no network.", "Turn Wi-Fi on, on both devices, or open a hotspot on one and join it with the other."}
	case discovery.NoMulticast:
		return Problem{"This network ({{.Networks}}) carries no multicast, by which devices find each other.", "Use --at."}
	case discovery.OnlyTunnel:
		return Problem{"Only a VPN is up ({{.Networks}}), and it does not lead to the device beside you.", "Turn Wi-Fi on, or turn the VPN off."}
	case discovery.OnlyMobile:
		return Problem{"Only mobile data is up.", "Turn Wi-Fi on, on both devices."}
	case discovery.CannotJoin:
		return Problem{"The system does not let Ferry listen on {{.Networks}}.", "Allow it to use the local network, in the system's settings or its firewall."}
	case discovery.CannotSend:
		return Problem{"The system does not let Ferry send on {{.Networks}}.", "Allow it in the firewall (UDP, port 5353 and Ferry's own)."}
	case discovery.TunnelBeside:
		return Problem{"A VPN is up ({{.Networks}}) and may swallow what is meant for the device beside you.", "Turn it off for the time of the move."}
	case discovery.SeveralNetworks:
		return Problem{"This device is on several networks ({{.Networks}}).", "Make sure that the other one is on one of them."}
	case discovery.Crowded:
		return Problem{"Very many devices announce themselves here: somebody may be flooding the network.", "Use --at, or another network."}
	case discovery.NobodyHeard:
		return Problem{"No other device is heard at all.", "The access point may keep its guests apart (\"client isolation\", usual in guest networks): use another network, or a hotspot on one of the devices."}
	case discovery.NoAnswer:
		return Problem{"Other devices are heard, but no new phone.", "Start \"ferry receive\" on it, check that it is on this network, and that its firewall lets Ferry in."}
	}
	return Problem{}
}
