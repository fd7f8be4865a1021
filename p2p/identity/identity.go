// Package identity is who a device is: an Ed25519 key that never leaves it.
//
// The key is a libp2p key, the [DeviceID] is the libp2p peer ID made from its
// public half, and every link and receipt rests on it. The key lies in one file
// with mode 0600.
//
// Its worst moment is a key file that was cut short or is open to others: it
// is refused with the reason, never replaced, because a new key would make
// this device a stranger to its own receipts.
package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// DeviceID names a device: the libp2p peer ID of its public key in its usual
// text form (12D3KooW…). A valid one holds the whole public key.
type DeviceID string

// Short returns the last eight characters, enough for a person to tell two
// devices apart and for nothing else.
func (d DeviceID) Short() string {
	if len(d) <= 8 {
		return string(d)
	}
	return string(d[len(d)-8:])
}

// maxDeviceID is longer than any valid DeviceID; decoding takes time that grows
// with the square of the length.
const maxDeviceID = 64

// Peer returns the libp2p peer ID, or an error if d is not one of an Ed25519
// key in the one text form that [FromPeer] gives.
func (d DeviceID) Peer() (peer.ID, error) {
	if len(d) > maxDeviceID {
		return "", errors.New("device ID: too long")
	}
	id, err := peer.Decode(string(d))
	if err != nil {
		return "", fmt.Errorf("device ID: %w", err)
	}
	if FromPeer(id) != d { // a CID names the same peer
		return "", errors.New("device ID: not in its usual form")
	}
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return "", fmt.Errorf("device ID: %w", err)
	}
	if pub.Type() != crypto.Ed25519 {
		return "", errors.New("device ID: not an Ed25519 key")
	}
	return id, nil
}

// FromPeer returns the DeviceID of a libp2p peer ID.
func FromPeer(id peer.ID) DeviceID { return DeviceID(id.String()) }

// Verify reports whether sig is d's signature of msg.
func (d DeviceID) Verify(msg, sig []byte) bool {
	id, err := d.Peer()
	if err != nil {
		return false
	}
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return false
	}
	ok, err := pub.Verify(msg, sig)
	return err == nil && ok
}

// Key is a device's own key pair. It is immutable.
type Key struct {
	priv crypto.PrivKey
	id   DeviceID
}

// New makes a key that is kept nowhere.
func New() (*Key, error) {
	priv, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	return fromPrivate(priv)
}

func fromPrivate(priv crypto.PrivKey) (*Key, error) {
	if priv.Type() != crypto.Ed25519 {
		return nil, errors.New("not an Ed25519 key")
	}
	id, err := peer.IDFromPrivateKey(priv)
	if err != nil {
		return nil, err
	}
	return &Key{priv: priv, id: FromPeer(id)}, nil
}

// ID returns the device that the key belongs to.
func (k *Key) ID() DeviceID { return k.id }

// Private returns the key in libp2p's form.
func (k *Key) Private() crypto.PrivKey { return k.priv }

// Sign signs msg.
func (k *Key) Sign(msg []byte) ([]byte, error) { return k.priv.Sign(msg) }

const (
	keyFile   = "identity.key"
	keyHeader = "ferry identity key 1\n"
	maxFile   = 4096
)

// ErrDamaged means that a key file exists and does not hold a key.
var ErrDamaged = errors.New("the identity key is damaged")

// ErrExposed means that a key file can be read by other users.
var ErrExposed = errors.New("the identity key is readable by other users")

// Load reads the key in dir, or makes one there if there is none. The folder
// is made with mode 0700 if it is missing. It fails with [ErrDamaged] or
// [ErrExposed], and leaves the file as it is, or with the system's error, from
// which the path is taken: it may hold a person's name.
func Load(dir string) (*Key, error) {
	k, err := load(dir)
	if err != nil {
		return nil, pathless(err)
	}
	return k, nil
}

func load(dir string) (*Key, error) {
	path := filepath.Join(dir, keyFile)
	k, err := read(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if k, err = New(); err != nil {
		return nil, err
	}
	if err := write(path, k); err != nil {
		if errors.Is(err, fs.ErrExist) { // another process was first
			return read(path)
		}
		return nil, err
	}
	return k, nil
}

// pathless keeps what failed and why.
func pathless(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return fmt.Errorf("identity key: %s: %w", pe.Op, pe.Err)
	case errors.As(err, &le):
		return fmt.Errorf("identity key: %s: %w", le.Op, le.Err)
	}
	return err
}

func read(path string) (*Key, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if fi.Mode().IsRegular() && exposed(fi) {
		return nil, fmt.Errorf("%w: %s", ErrExposed, keyFile)
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxFile {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, keyFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	k, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, keyFile, err)
	}
	return k, nil
}

// encode returns the file's content: the header, and the private key as libp2p
// marshals it in one line of base64.
func encode(k *Key) ([]byte, error) {
	raw, err := crypto.MarshalPrivateKey(k.priv)
	if err != nil {
		return nil, err
	}
	return []byte(keyHeader + base64.StdEncoding.EncodeToString(raw) + "\n"), nil
}

// decode takes exactly what encode gives.
func decode(b []byte) (*Key, error) {
	body, ok := strings.CutPrefix(string(b), keyHeader)
	if !ok {
		return nil, errors.New("unknown header")
	}
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return nil, errors.New("not base64")
	}
	priv, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, errors.New("not a key")
	}
	k, err := fromPrivate(priv)
	if err != nil {
		return nil, err
	}
	if again, err := encode(k); err != nil || !bytes.Equal(again, b) {
		return nil, errors.New("not in its usual form")
	}
	// The halves of the key are kept apart and nothing compares them.
	both, err := priv.Raw()
	if err != nil || len(both) != ed25519.PrivateKeySize ||
		!bytes.Equal(ed25519.NewKeyFromSeed(both[:ed25519.SeedSize]), both) {
		return nil, errors.New("the public half does not fit the private one")
	}
	return k, nil
}

// write puts the key in place whole or not at all, and never over another.
func write(path string, k *Key) error {
	b, err := encode(k)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".identity-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return place(f.Name(), path)
}
