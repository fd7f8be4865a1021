package pairing

import (
	"crypto/subtle"
	"fmt"
	"io"
)

const redacted = "[secret]"

// hidden keeps the bytes of a secret out of logs. Its methods catch what prints
// or marshals it. A function holds the bytes, because fmt calls no methods in
// other structs' unexported fields and looks behind pointers there, and so that
// == does not compile. It is immutable.
type hidden struct {
	get func() []byte // nil = none
}

func hide(b []byte) hidden { return hidden{func() []byte { return b }} }

// randomHidden draws a secret of n bytes.
func randomHidden(random io.Reader, n int) (hidden, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return hidden{}, fmt.Errorf("random bytes: %w", err)
	}
	return hide(b), nil
}

// bytes returns the secret itself, which the caller does not change.
func (h hidden) bytes() []byte {
	if h.get == nil {
		return nil
	}
	return h.get()
}

func (h hidden) equal(o hidden) bool {
	return subtle.ConstantTimeCompare(h.bytes(), o.bytes()) == 1
}

// IsZero reports whether there is no secret.
func (h hidden) IsZero() bool { return h.get == nil }

// String returns a fixed text and not the secret.
func (h hidden) String() string { return redacted }

// GoString returns a fixed text and not the secret.
func (h hidden) GoString() string { return redacted }

// Format prints a fixed text and not the secret, whatever the verb.
func (h hidden) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns a fixed text and not the secret.
func (h hidden) MarshalText() ([]byte, error) { return []byte(redacted), nil }
