// Package discovery finds the other phone on the networks that both share, by
// multicast DNS, and says why it may not be found.
//
// An [Announcer] makes this device known as one instance of _ferry._udp on
// every local network there is; a [Browser] collects the instances that others
// announce as [Candidate] values. Neither picks "the" network by its default
// route: a phone is often on a Wi-Fi without internet, beside mobile data and a
// VPN. Tunnels and mobile data are left out, because they lead to other people
// and the other phone is not there.
//
// An instance is
//
//	PTR  _ferry._udp.local.             -> ID._ferry._udp.local.
//	SRV  ID._ferry._udp.local.          -> ferry-ID.local. and the UDP port
//	TXT  id=ID v=1 n=NAME d=phone|computer
//	A, AAAA  ferry-ID.local.            one for each address
//
// where ID is 16 hex digits drawn anew for each Announcer, v is [Protocol] and
// NAME is what a person reads; d may be missing. Nothing in it is secret and nothing of it is
// proof: anyone on the network can announce anything. What is received is
// cleaned, cut and bounded in one place (parse, clean and table), and only the
// pairing that follows decides who the other side is.
//
// The queries and answers are github.com/grandcat/zeroconf's. It is told the
// interfaces and addresses each time, since it cannot list them on Android. A
// listener beside it hears what zeroconf does not tell: goodbyes, which
// interfaces can be used at all, and whether anybody is heard.
//
// Several programs on one device find each other through any local network.
// On a device with none, both have to ask for the loopback interface; see
// [Options].
//
// The worst moment is the most frequent one: nobody is found, and nothing says
// why. [Browser.Diagnose] lists what was found wrong on this device, most
// likely cause first.
package discovery
