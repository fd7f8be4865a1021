// Package receipt is the proof of a move: what was moved, what was not and
// why, signed by both devices.
//
// A receipt is a text file of four lines:
//
//	ferry receipt 1
//	{"session":…}                    the payload, one line of JSON
//	sender   <base64 of an Ed25519 signature>
//	receiver <base64 of an Ed25519 signature>
//
// Each signature is over "ferry receipt 1 <role>\n" and the payload's bytes as
// they stand. The device IDs in the payload hold the public keys, so a receipt
// is checked anywhere, without either device and without a network.
//
// Its worst moment is a payload that one side did not see: a side signs only
// what it composed itself or compared field by field with its own account.
package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
)

const (
	header = "ferry receipt 1"
	// MaxSize is the longest receipt file in bytes.
	MaxSize = 1 << 20
)

// Role says which side signs.
type Role string

const (
	Sender   Role = "sender"
	Receiver Role = "receiver"
)

// ErrMalformed means that a file is not a receipt.
var ErrMalformed = errors.New("not a receipt")

// ErrSignature means that a receipt was changed after it was signed.
var ErrSignature = errors.New("the signature does not match")

// Side is one of the two devices.
type Side struct {
	Device identity.DeviceID `json:"device"`
	// Name is what the device called itself. Nothing proves it.
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Kind is how the items of one kind ended. Items is the sum of the four
// outcomes. A folder that failed is among them, any other one is in Folders.
type Kind struct {
	Kind    backup.Kind `json:"kind"`
	Items   uint64      `json:"items"`
	Added   uint64      `json:"added"`
	Merged  uint64      `json:"merged"`
	Skipped uint64      `json:"skipped"`
	Failed  uint64      `json:"failed"`
	// Bytes counts the content of the items that did not fail.
	Bytes uint64 `json:"bytes"`
	// Folders are those that are there now.
	Folders uint64 `json:"folders,omitempty"`
}

// Declined is a kind that was offered and not accepted.
type Declined struct {
	Kind  backup.Kind `json:"kind"`
	Items uint64      `json:"items"`
	Bytes uint64      `json:"bytes"`
}

// Note is one item that was not moved, or is kept under another name.
type Note struct {
	Kind backup.Kind `json:"kind"`
	// Key is the item's key, with U+FFFD for bytes that are not UTF-8.
	Key string `json:"key"`
	// Raw is the key's bytes in base64 where Key cannot hold them.
	Raw string `json:"raw,omitempty"`
	// Reason is a number of backup.Reason; 0 for an item that was moved. Words
	// for it are not signed: two versions may have different ones.
	Reason backup.Reason `json:"reason,omitempty"`
	// Name is the key on the new phone, where it differs.
	Name string `json:"name,omitempty"`
}

// NoteOf makes a Note. A reason of 0 means that the item was moved.
func NoteOf(kind backup.Kind, key, name backup.Key, reason backup.Reason) Note {
	n := Note{Kind: kind, Key: strings.ToValidUTF8(string(key), "\uFFFD"), Reason: reason, Name: strings.ToValidUTF8(string(name), "\uFFFD")}
	if !utf8.ValidString(string(key)) {
		n.Raw = base64.StdEncoding.EncodeToString([]byte(key))
	}
	return n
}

// Len returns how many bytes n takes in a payload.
func (n Note) Len() int {
	var b counter
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(n) != nil {
		return MaxSize // strings and a number: it cannot be
	}
	return int(b) // the line end stands for the comma
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// Payload is what both sides sign.
type Payload struct {
	Session  string       `json:"session"` // hex
	Protocol uint32       `json:"protocol"`
	Flags    backup.Flags `json:"flags"`
	Sender   Side         `json:"sender"`
	Receiver Side         `json:"receiver"`
	// Started is on the sender's clock; Finished on the receiver's, when the
	// last item was safe there.
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Kinds    []Kind    `json:"kinds"`
	// Declined are the kinds that the new phone did not take.
	Declined []Declined `json:"declined"`
	// Root is the BLAKE3 hash over every item with its metadata, content
	// digest and outcome, in the order in which they were listed.
	Root string `json:"root"` // hex
	// NotMoved and Renamed name items up to a limit; the More fields count
	// the rest.
	NotMoved     []Note `json:"not_moved"`
	NotMovedMore uint64 `json:"not_moved_more"`
	Renamed      []Note `json:"renamed"`
	RenamedMore  uint64 `json:"renamed_more"`
}

// Complete reports whether everything that the old phone had is on the new
// one.
func (p *Payload) Complete() bool {
	for _, k := range p.Kinds {
		if k.Failed > 0 {
			return false
		}
	}
	return len(p.Declined) == 0
}

// Encode returns the payload's bytes, one line of JSON.
func (p *Payload) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// DecodePayload parses a payload. Only bytes that Encode could have written are
// accepted, so that what a person reads is what was signed.
func DecodePayload(b []byte) (*Payload, error) {
	var p Payload
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: more after the payload", ErrMalformed)
	}
	again, err := p.Encode()
	if err != nil || !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w: the payload is not in its usual form", ErrMalformed)
	}
	return &p, nil
}

func message(role Role, payload []byte) []byte {
	return append([]byte(header+" "+string(role)+"\n"), payload...)
}

// Sign signs a payload.
func Sign(k *identity.Key, role Role, payload []byte) ([]byte, error) {
	return k.Sign(message(role, payload))
}

// Check reports whether sig is the device's signature of a payload.
func Check(d identity.DeviceID, role Role, payload, sig []byte) bool {
	return d.Verify(message(role, payload), sig)
}

// Format returns the file for a payload and its two signatures.
func Format(payload, sender, receiver []byte) []byte {
	e := base64.StdEncoding
	return fmt.Appendf(nil, "%s\n%s\nsender %s\nreceiver %s\n", header, payload, e.EncodeToString(sender), e.EncodeToString(receiver))
}

// Verify parses a receipt and checks both signatures. On error it returns
// nothing.
func Verify(file []byte) (*Payload, error) {
	if len(file) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(file))
	}
	// A copy that went through a mail program may have other line ends.
	text := strings.ReplaceAll(string(file), "\r\n", "\n")
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) != 4 || lines[0] != header {
		return nil, ErrMalformed
	}
	p, err := DecodePayload([]byte(lines[1]))
	if err != nil {
		return nil, err
	}
	for i, side := range []struct {
		role Role
		id   identity.DeviceID
	}{{Sender, p.Sender.Device}, {Receiver, p.Receiver.Device}} {
		text, ok := strings.CutPrefix(lines[2+i], string(side.role)+" ")
		if !ok {
			return nil, ErrMalformed
		}
		sig, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", ErrMalformed, side.role)
		}
		if !Check(side.id, side.role, []byte(lines[1]), sig) {
			return nil, fmt.Errorf("%w: %s", ErrSignature, side.role)
		}
	}
	return p, nil
}
