package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/transfer"
)

// How a device asks to go on with a session, on a stream of p2p.AgainProtocol:
//
//	old ──> new   16 bytes, the session's ID
//	    <──       1 byte: 1 = go on, 2 = no such session of yours
//	    <──       after a 2, 1 byte: 0 = why is not known, 1 = another one took its place
//
// Who speaks an earlier version ends the stream after the 2, or reads no further.
// After a 1 the stream is the session's control stream, from hello on. The ID is
// known to the two devices only; the device is proved by the link.
const (
	againYes = 1
	againNo  = 2

	// After a no:
	whyUnknown  = 0
	whyReplaced = 1

	// againIn is how long the question and the answer may take.
	againIn = 5 * time.Second
)

// readAgain reads which session a device wants to go on with.
func readAgain(s *p2p.Stream) (id transfer.SessionID, err error) {
	s.SetReadDeadline(time.Now().Add(againIn))
	defer s.SetReadDeadline(time.Time{})
	_, err = io.ReadFull(s, id[:])
	return id, err
}

// answerAgain answers it.
func answerAgain(s *p2p.Stream, answer ...byte) error {
	s.SetWriteDeadline(time.Now().Add(againIn))
	defer s.SetWriteDeadline(time.Time{})
	_, err := s.Write(answer)
	return err
}

// goOn asks the new phone to go on with a session. ErrGone means that it says no,
// ErrDisplaced that it says why.
func goOn(ctx context.Context, link *p2p.Link, id transfer.SessionID) (*p2p.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, againIn)
	defer cancel()
	s, err := link.Open(ctx, p2p.AgainProtocol)
	if errors.Is(err, p2p.ErrNoProtocol) { // a version that does not wait
		return nil, ErrGone
	}
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	var answer [1]byte
	if _, err = s.Write(id[:]); err == nil {
		_, err = io.ReadFull(s, answer[:])
	}
	switch {
	case err != nil:
		s.Reset()
		return nil, err
	case answer[0] == againYes:
		return s, nil
	case answer[0] == againNo:
		_, err = io.ReadFull(s, answer[:])
		s.Reset()
		if err == nil && answer[0] == whyReplaced {
			return nil, ErrDisplaced
		}
		return nil, ErrGone
	}
	s.Reset()
	return nil, fmt.Errorf("%w: answer %d", transfer.ErrProtocol, answer[0])
}
