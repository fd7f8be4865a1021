// Package cpace is the CPace key exchange between two sides that share a short
// password: draft-irtf-cfrg-cpace-21, suite CPACE-RISTR255-SHA512, in its
// initiator-responder form.
//
// Each side makes a [State], sends its share, and gives the other's share to
// [State.Finish]. The keys are equal if the password, the channel, the session
// and both sides' associated data are, and unrelated if any of them differs.
// Nothing tells a side which of the two happened: the caller confirms the key
// in both directions before it believes anything. Each exchange gives an
// impostor one guess at the password, and no way to try others afterwards.
//
// Its worst moment is a share made to fix the outcome: the identity, an
// encoding that is not canonical, or our own share sent back. All end in
// [ErrShare].
package cpace

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gtank/ristretto255"
)

const (
	// ShareSize is the length of a share in bytes.
	ShareSize = 32
	// KeySize is the length of a key in bytes.
	KeySize = 64
)

const (
	generatorLabel = "CPaceRistretto255"
	keyLabel       = "CPaceRistretto255_ISK"
	hashBlock      = 128 // SHA-512's input block in bytes
	uniformSize    = 64  // bytes for one scalar without bias
)

// ErrShare means that the other side's share is none that an honest side sends.
var ErrShare = errors.New("cpace: the share is not valid")

// ErrSpent means that the state was finished or cleared before.
var ErrSpent = errors.New("cpace: the state is spent")

// Role is a side of the exchange. It decides whose share comes first in the
// key's transcript.
type Role uint8

const (
	// Initiator is the side that sends its share first.
	Initiator Role = 1
	// Responder is the other side.
	Responder Role = 2
)

// Input is what a side brings to an exchange, named as in the draft.
type Input struct {
	// PRS is the password-related string: the secret that both sides share.
	PRS []byte
	// CI is the channel identifier: who talks to whom, in which protocol.
	CI []byte
	// SID is the session identifier. It should never repeat.
	SID []byte
	// AD is this side's own associated data.
	AD []byte
}

// State is one side of one exchange. It serves once, and belongs to one
// goroutine.
type State struct {
	role  Role
	sid   []byte
	ad    []byte
	y     *ristretto255.Scalar // nil = spent
	share [ShareSize]byte
}

// Start begins an exchange. It reads 64 bytes from random, which is
// crypto/rand.Reader everywhere but in tests.
func Start(role Role, in Input, random io.Reader) (*State, error) {
	if role != Initiator && role != Responder {
		return nil, fmt.Errorf("cpace: role %d does not exist", role)
	}
	var seed [uniformSize]byte
	defer clear(seed[:])
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("cpace: random bytes: %w", err)
	}
	y := ristretto255.NewScalar().FromUniformBytes(seed[:])
	if y.Equal(ristretto255.NewScalar()) == 1 {
		return nil, errors.New("cpace: the random bytes are all zero")
	}
	g := generator(in.PRS, in.CI, in.SID)
	share := ristretto255.NewElement().ScalarMult(y, g)
	g.Zero()
	s := &State{role: role, sid: bytes.Clone(in.SID), ad: bytes.Clone(in.AD), y: y}
	share.Encode(s.share[:0])
	return s, nil
}

// Share returns the bytes to send, together with the AD if the other side
// cannot know it.
func (s *State) Share() [ShareSize]byte { return s.share }

// Finish returns the key made with the other side's share and associated data,
// and clears s in any case. The caller clears the key.
func (s *State) Finish(share [ShareSize]byte, ad []byte) (key [KeySize]byte, err error) {
	if s.y == nil {
		return key, ErrSpent
	}
	defer s.Clear()
	if share == s.share {
		return key, ErrShare
	}
	peer := ristretto255.NewElement()
	if err := peer.Decode(share[:]); err != nil {
		return key, ErrShare
	}
	k := ristretto255.NewElement().ScalarMult(s.y, peer)
	defer k.Zero()
	if k.Equal(ristretto255.NewElement()) == 1 {
		return key, ErrShare
	}
	var enc [ShareSize]byte
	defer clear(enc[:])
	k.Encode(enc[:0])

	secret := LVCat([]byte(keyLabel), s.sid, enc[:])
	defer clear(secret)
	h := sha512.New()
	h.Write(secret)
	if s.role == Initiator {
		h.Write(LVCat(s.share[:], s.ad, share[:], ad))
	} else {
		h.Write(LVCat(share[:], ad, s.share[:], s.ad))
	}
	h.Sum(key[:0])
	return key, nil
}

// Clear forgets the secret scalar. It may be called at any time.
func (s *State) Clear() {
	if s.y != nil {
		s.y.Zero()
		s.y = nil
	}
}

// generator derives the group's generator for one exchange.
func generator(prs, ci, sid []byte) *ristretto255.Element {
	in := generatorString(prs, ci, sid)
	h := sha512.Sum512(in)
	g := ristretto255.NewElement().FromUniformBytes(h[:])
	clear(in)
	clear(h[:])
	return g
}

// generatorString pads the password so that it fills the first block of the
// hash alone with the label.
func generatorString(prs, ci, sid []byte) []byte {
	pad := max(0, hashBlock-1-lvLen(len(prs))-lvLen(len(generatorLabel)))
	return LVCat([]byte(generatorLabel), prs, make([]byte, pad), ci, sid)
}

// LVCat joins parts so that they cannot be mistaken for others: the length of
// each in LEB128, then its bytes.
func LVCat(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += lvLen(len(p))
	}
	out := make([]byte, 0, n)
	for _, p := range parts {
		out = binary.AppendUvarint(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}

// lvLen is how many bytes LVCat needs for a part of n bytes.
func lvLen(n int) int {
	var b [binary.MaxVarintLen64]byte
	return binary.PutUvarint(b[:], uint64(n)) + n
}
