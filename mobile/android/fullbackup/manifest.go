package fullbackup

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
)

// Manifest is a package's _manifest: lines of text, each ended by LF (AOSP
// AppMetadataBackupWriter.java).
//
//	1
//	package
//	version code
//	SDK
//	installer, or empty
//	1 if the app itself follows, else 0
//	[number of splits: some Samsung phones only]
//	number of certificates
//	certificate in lower-case hex     once for each
type Manifest struct {
	Package string
	// VersionCode is the long version code. See [Manifest.AndroidReads].
	VersionCode int64
	// SDK is the API level of the phone that wrote the archive.
	SDK int64
	// Installer is the package that installed the app, or "".
	Installer string
	// HasAPK says that the app itself follows, in domain a.
	HasAPK bool
	// Splits is the number in the additional line of some Samsung phones, nil
	// where there is none.
	Splits *int64
	// Certificates are the app's signing certificates in DER. Android restores
	// nothing for an app that has none.
	Certificates [][]byte
	// Extra is what follows the certificates, as it stands. Android ignores it
	// and writes none.
	Extra []byte
}

// AndroidReads reports whether Android takes the manifest: it reads the version
// code into 32 bits and ignores the package if it does not fit.
func (m *Manifest) AndroidReads() bool {
	return m.VersionCode >= math.MinInt32 && m.VersionCode <= math.MaxInt32 && len(m.Certificates) > 0
}

// ParseManifest reads a manifest of at most [MaxMetadata] bytes.
// [Manifest.Append] gives back the same bytes.
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxMetadata {
		return nil, &DamageError{Part: PartManifest, Offset: MaxMetadata, What: "it is too large"}
	}
	l := lines{part: PartManifest, b: b}
	m := &Manifest{}
	if v := l.number("format version"); l.err == nil && v != 1 {
		l.fail(0, "its format version is not 1")
	}
	m.Package = l.pkg()
	m.VersionCode = l.number("version code")
	m.SDK = l.number("SDK")
	m.Installer = string(l.line("installer"))
	at := l.off
	apk := l.line("app flag")
	switch {
	case l.err != nil:
	case string(apk) == "1":
		m.HasAPK = true
	case string(apk) != "0":
		l.fail(at, "its app flag is neither 0 nor 1")
	}
	if l.err != nil {
		return nil, l.err
	}
	// The additional line has no mark. It is there if without it something is
	// wrong or left over, and with it everything fits.
	plain := l
	m.Certificates = plain.certificates()
	if plain.err == nil && len(m.Certificates) > 0 && plain.off == len(b) {
		return m, nil
	}
	split := l
	n := split.number("number of splits")
	certs := split.certificates()
	if split.err == nil && n >= 0 && split.off == len(b) && (len(certs) > 0 || plain.err != nil) {
		m.Splits, m.Certificates = &n, certs
		return m, nil
	}
	if plain.err != nil {
		return nil, plain.err
	}
	if plain.off < len(b) {
		m.Extra = bytes.Clone(b[plain.off:])
	}
	return m, nil
}

// Append appends the manifest to b. It returns [ErrInvalid] where
// [ParseManifest] would not read back the same.
func (m *Manifest) Append(b []byte) ([]byte, error) {
	out := fmt.Appendf(nil, "1\n%s\n%d\n%d\n%s\n", m.Package, m.VersionCode, m.SDK, m.Installer)
	apk := byte('0')
	if m.HasAPK {
		apk = '1'
	}
	out = append(out, apk, '\n')
	if m.Splits != nil {
		out = append(strconv.AppendInt(out, *m.Splits, 10), '\n')
	}
	out = append(strconv.AppendInt(out, int64(len(m.Certificates)), 10), '\n')
	for _, c := range m.Certificates {
		out = append(hex.AppendEncode(out, c), '\n')
	}
	out = append(out, m.Extra...)
	if got, err := ParseManifest(out); err != nil || !got.equal(m) {
		return b, fmt.Errorf("manifest: %w", ErrInvalid)
	}
	return append(b, out...), nil
}

func (m *Manifest) equal(o *Manifest) bool {
	if (m.Splits == nil) != (o.Splits == nil) || m.Splits != nil && *m.Splits != *o.Splits ||
		len(m.Certificates) != len(o.Certificates) {
		return false
	}
	for i, c := range m.Certificates {
		if !bytes.Equal(c, o.Certificates[i]) {
			return false
		}
	}
	return m.Package == o.Package && m.VersionCode == o.VersionCode && m.SDK == o.SDK &&
		m.Installer == o.Installer && m.HasAPK == o.HasAPK && bytes.Equal(m.Extra, o.Extra)
}

// lines reads text line by line. After the first error it returns zero values.
type lines struct {
	part Part
	b    []byte
	off  int
	err  error
}

func (l *lines) fail(at int, what string) {
	if l.err == nil {
		l.err = &DamageError{Part: l.part, Offset: int64(at), What: what}
	}
}

func (l *lines) line(what string) []byte {
	if l.err != nil {
		return nil
	}
	n := bytes.IndexByte(l.b[l.off:], '\n')
	if n < 0 {
		l.fail(len(l.b), "it ends before the end of its "+what)
		return nil
	}
	s := l.b[l.off : l.off+n]
	l.off += n + 1
	return s
}

// number reads a number in the one form it is written in.
func (l *lines) number(what string) int64 {
	at := l.off
	s := l.line(what)
	if l.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(string(s[:min(len(s), 24)]), 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != string(s) {
		l.fail(at, "its "+what+" is not a number")
		return 0
	}
	return v
}

func (l *lines) pkg() string {
	at := l.off
	s := string(l.line("package"))
	if l.err == nil && !validPackage(s) {
		l.fail(at, "its package name is not allowed")
	}
	return s
}

func (l *lines) certificates() [][]byte {
	at := l.off
	n := l.number("number of certificates")
	if l.err == nil && n < 0 {
		l.fail(at, "its number of certificates is negative")
	}
	var certs [][]byte
	for range n {
		at := l.off
		s := l.line("certificates")
		if l.err != nil {
			return nil
		}
		cert := make([]byte, hex.DecodedLen(len(s)))
		if _, err := hex.Decode(cert, s); err != nil || len(s) == 0 || bytes.ContainsAny(s, "ABCDEF") {
			l.fail(at, "a certificate is not lower-case hex")
			return nil
		}
		certs = append(certs, cert)
	}
	return certs
}
