package receipt

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// maxHead is more than the fields of a Head take in any receipt.
const maxHead = 32 << 10

// Head is what stands at the beginning of a receipt. It is enough for a list of
// many; nobody has checked it, which only Verify does.
type Head struct {
	Session           string
	Sender, Receiver  Side
	Started, Finished time.Time
}

// ReadHead reads the beginning of a receipt. On error it returns nothing.
func ReadHead(r io.Reader) (Head, error) {
	h, err := readHead(bufio.NewReader(io.LimitReader(r, maxHead)))
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return h, nil
}

func readHead(r *bufio.Reader) (h Head, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	if s := string(line); s != header+"\n" && s != header+"\r\n" {
		return h, fmt.Errorf("another header")
	}
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return h, fmt.Errorf("no payload")
	}
	fields := []struct {
		name string
		to   any
	}{
		{"session", &h.Session}, {"protocol", new(json.Number)}, {"flags", new(json.Number)}, {"sender", &h.Sender}, {"receiver", &h.Receiver},
		{"started", &h.Started}, {"finished", &h.Finished},
	}
	for _, f := range fields {
		t, err := d.Token()
		if err != nil {
			return h, err
		}
		if t != f.name {
			return h, fmt.Errorf("the fields are not in their order")
		}
		if err := d.Decode(f.to); err != nil {
			return h, err
		}
	}
	return h, nil
}
