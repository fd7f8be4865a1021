package history

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/ferry-move/ferry/app/durable"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// State is what a receipt is worth.
type State uint8

// The states.
const (
	Signed     State = iota + 1 // both devices signed it, and nobody changed it since
	Changed                     // it was changed after it was signed
	Damaged                     // it is no receipt, or a damaged one
	Unreadable                  // its file cannot be read
)

// String returns the word that JSON uses.
func (s State) String() string {
	return [...]string{"unknown", "signed", "changed", "damaged", "unreadable"}[min(s, Unreadable)]
}

// Erase answers whether the old phone can be erased, as far as one receipt can.
type Erase uint8

// The answers.
const (
	CannotTell Erase = iota // the receipt is not good
	No                      // something was not moved
	Yes                     // everything that was offered is on the new phone
)

// String returns the word that JSON uses.
func (e Erase) String() string { return [...]string{"unknown", "no", "yes"}[min(e, Yes)] }

// Run is a move, as its receipt proves it.
type Run struct {
	Entry
	State State
	// Receipt is what both devices signed; nil unless State is Signed.
	Receipt *receipt.Payload
	// Err is why State is not Signed.
	Err error
}

// Complete reports whether everything that was offered is on the new phone.
func (r Run) Complete() bool { return r.Receipt != nil && r.Receipt.Complete() }

// Erase answers whether the old phone can be erased after this move.
func (r Run) Erase() Erase {
	switch {
	case r.Receipt == nil:
		return CannotTell
	case r.Receipt.Complete():
		return Yes
	}
	return No
}

// Total adds up the items and bytes that are on the new phone, and the items that
// are not: failed, declined there, or both.
func (r Run) Total() (items, bytes, missing uint64) {
	if r.Receipt == nil {
		return 0, 0, 0
	}
	for _, k := range r.Receipt.Kinds {
		items, bytes, missing = items+k.Items-k.Failed, bytes+k.Bytes, missing+k.Failed
	}
	for _, d := range r.Receipt.Declined {
		missing += d.Items
	}
	return items, bytes, missing
}

// Read reads the receipt of an entry and checks it.
func Read(e Entry) Run {
	r := Run{Entry: e, State: Signed}
	b, err := load(e.Path)
	if err == nil {
		r.Receipt, err = receipt.Verify(b)
	}
	switch r.Err = err; {
	case err == nil:
	case errors.Is(err, receipt.ErrSignature):
		r.State = Changed
	case errors.Is(err, receipt.ErrMalformed):
		r.State = Damaged
	default:
		r.State = Unreadable
	}
	return r
}

// load reads a receipt's file, and no more of a larger one than shows that it is
// none.
func load(path string) ([]byte, error) {
	f, _, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, receipt.MaxSize+1))
}

// ErrExists means that a receipt would be saved over another file.
var ErrExists = errors.New("there is a file of that name already")

// Export saves a receipt that verifies to a file, or into a folder under its own
// name, and returns where. Unless replace is set, it fails with ErrExists rather
// than put it over another file.
func Export(path, to string, replace bool) (string, error) {
	b, err := good(path)
	if err != nil {
		return "", err
	}
	if fi, err := os.Stat(to); err == nil && fi.IsDir() {
		to = filepath.Join(to, filepath.Base(path))
	}
	if _, err := os.Lstat(to); err == nil && !replace {
		return "", ErrExists
	}
	return to, durable.Write(to, b)
}

// Copy writes a receipt that verifies to w: where a face has no path, but a place
// to write to.
func Copy(w io.Writer, path string) error {
	b, err := good(path)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// good reads a receipt that verifies.
func good(path string) ([]byte, error) {
	b, err := load(path)
	if err != nil {
		return nil, err
	}
	if _, err := receipt.Verify(b); err != nil {
		return nil, err
	}
	return b, nil
}
