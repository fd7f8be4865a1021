package ab

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// keys open the payload.
type keys struct {
	iv  []byte // blockSize
	key []byte // keySize
}

func (k *keys) wipe() {
	clear(k.iv)
	clear(k.key)
}

// A regime is how a platform turned Java characters into the bytes that PBKDF2
// takes.
type regime struct {
	password func([]byte) string // of a password in UTF-8
	spread   func([]byte) string // of a key's bytes, for its check sum
}

var (
	// wide is UTF-8, of all platforms since version 2.
	wide = regime{password: func(p []byte) string { return string(p) }, spread: signExtend}
	// narrow takes the low eight bits of each character, as some platforms
	// that wrote version 1 did.
	narrow = regime{password: lowBytes, spread: func(k []byte) string { return string(k) }}
)

// signExtend makes a Java character of each byte, as a cast from the signed
// byte does (0x80 becomes U+FF80), and encodes them in UTF-8.
func signExtend(key []byte) string {
	out := make([]byte, 0, 3*len(key))
	for _, b := range key {
		r := rune(b)
		if b >= 0x80 {
			r |= 0xFF00
		}
		out = utf8.AppendRune(out, r)
	}
	s := string(out)
	clear(out)
	return s
}

// lowBytes keeps the low byte of each UTF-16 unit.
func lowBytes(password []byte) string {
	units := utf16.Encode([]rune(string(password)))
	out := make([]byte, len(units))
	for i, u := range units {
		out[i] = byte(u)
	}
	s := string(out)
	clear(units)
	clear(out)
	return s
}

func derive(secret string, salt []byte, rounds int) ([]byte, error) {
	k, err := pbkdf2.Key(sha1.New, secret, salt, rounds, keySize)
	if err != nil {
		return nil, fmt.Errorf("derive the backup's key: %w", err)
	}
	return k, nil
}

// unlock opens the key blob. The narrow regime is tried for version 1 only, and
// after the wide one.
func unlock(e *envelope, version int, password []byte) (*keys, error) {
	k, err := wide.open(e, password)
	if version == 1 && errors.Is(err, ErrPassword) {
		k, err = narrow.open(e, password)
	}
	return k, err
}

func (g regime) open(e *envelope, password []byte) (*keys, error) {
	user, err := derive(g.password(password), e.userSalt, e.rounds)
	if err != nil {
		return nil, err
	}
	defer clear(user)
	block, err := aes.NewCipher(user)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, blobSize)
	defer clear(plain)
	cipher.NewCBCDecrypter(block, e.iv).CryptBlocks(plain, e.blob)

	// From here on all failures look the same.
	n, ok := unpad(plain[blobSize-blockSize:])
	b := plain[:blobSize-blockSize+n]
	ok = ok && len(b) == 1+blockSize+1+keySize+1+keySize &&
		b[0] == blockSize && b[1+blockSize] == keySize && b[2+blockSize+keySize] == keySize
	if !ok {
		return nil, ErrPassword
	}
	k := &keys{iv: make([]byte, blockSize), key: make([]byte, keySize)}
	copy(k.iv, b[1:])
	copy(k.key, b[2+blockSize:])
	sum, err := derive(g.spread(k.key), e.checkSalt, e.rounds)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(sum, b[3+blockSize+keySize:]) != 1 {
		k.wipe()
		return nil, ErrPassword
	}
	return k, nil
}

// lock makes fresh keys and the envelope that holds them.
func lock(version, rounds int, password []byte, random io.Reader) (*keys, *envelope, error) {
	e := &envelope{
		userSalt: make([]byte, saltSize), checkSalt: make([]byte, saltSize),
		iv: make([]byte, blockSize), blob: make([]byte, 0, blobSize), rounds: rounds,
	}
	k := &keys{iv: make([]byte, blockSize), key: make([]byte, keySize)}
	for _, b := range [][]byte{e.userSalt, e.checkSalt, e.iv, k.iv, k.key} {
		if _, err := io.ReadFull(random, b); err != nil {
			return nil, nil, fmt.Errorf("draw the backup's key: %w", err)
		}
	}
	g := wide
	if version == 1 {
		g = narrow // what a platform that knows only version 1 expects; later ones try both
	}
	user, err := derive(g.password(password), e.userSalt, rounds)
	if err != nil {
		return nil, nil, err
	}
	defer clear(user)
	sum, err := derive(g.spread(k.key), e.checkSalt, rounds)
	if err != nil {
		return nil, nil, err
	}
	b := append(e.blob, blockSize)
	b = append(b, k.iv...)
	b = append(b, keySize)
	b = append(b, k.key...)
	b = append(b, keySize)
	b = pad(append(b, sum...))
	block, err := aes.NewCipher(user)
	if err != nil {
		return nil, nil, err
	}
	cipher.NewCBCEncrypter(block, e.iv).CryptBlocks(b, b)
	e.blob = b
	return k, e, nil
}

// pad appends PKCS#5 padding: 1 to 16 bytes, each its length.
func pad(b []byte) []byte {
	n := blockSize - len(b)%blockSize
	for range n {
		b = append(b, byte(n))
	}
	return b
}

// unpad says how many bytes of the last block are content.
func unpad(last []byte) (n int, ok bool) {
	p := int(last[blockSize-1])
	if p < 1 || p > blockSize {
		return 0, false
	}
	for _, b := range last[blockSize-p:] {
		ok = int(b) == p
		if !ok {
			return 0, false
		}
	}
	return blockSize - p, true
}
