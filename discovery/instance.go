package discovery

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// Protocol is the number of the discovery protocol spoken here.
//
//	1  2026-11-21  id, v and n; d may be there
const Protocol = 1

const (
	serviceType = "_ferry._udp"
	domain      = "local."
	serviceName = serviceType + "." + domain
)

// InstanceID names one run of an [Announcer]. It is random, so that nobody can
// follow a device from one network to the next by it, and it is no proof of
// anything. The zero value is no instance.
type InstanceID [8]byte

var errInstanceID = errors.New("not an instance ID of 16 lower-case hex digits")

func newInstanceID() InstanceID {
	var id InstanceID
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// ParseInstanceID reads what String wrote.
func ParseInstanceID(s string) (InstanceID, error) {
	var id InstanceID
	if len(s) != hex.EncodedLen(len(id)) {
		return InstanceID{}, errInstanceID
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil || id.String() != s || id.IsZero() {
		return InstanceID{}, errInstanceID
	}
	return id, nil
}

// String returns id as 16 lower-case hex digits.
func (id InstanceID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id is no instance.
func (id InstanceID) IsZero() bool { return id == InstanceID{} }

// service is what one Announcer makes known.
type service struct {
	id   InstanceID
	port int
	name string // cleaned
	form Form
}

// text returns the strings of the TXT record in the form zeroconf takes, where
// a backslash begins an escape.
func (s service) text() []string {
	out := []string{
		"id=" + s.id.String(),
		fmt.Sprintf("v=%d", Protocol),
		"n=" + escape(s.name),
	}
	if s.form != NoForm {
		out = append(out, "d="+s.form.String())
	}
	return out
}
