package pm

import (
	"encoding/binary"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

const (
	stateHeader  = "=state="
	stateVersion = 2
)

// State is what the agent of the data set remembers of what it stored:
//
//	UTF "=state=", int32 2
//	UTF "@home@", UTF component, int64 version, signers   if there is a home app
//	UTF "@meta@", int32 SDK, UTF build
//	UTF package name, version                             to the end
type State struct {
	// Home is nil if there is none. Its Installer is not part of a state.
	Home *Home
	// Global is of the system when the state was written.
	Global Global
	// Packages are those that were stored, in the order of the file.
	Packages []PackageVersion
	// Old says that the state has no header: an Android from long ago wrote
	// it, and everything has to be stored again. It is only read.
	Old bool
}

// PackageVersion is a package as a [State] remembers it.
type PackageVersion struct {
	Name string
	// Version is the long version code.
	Version int64
}

// AppendState appends a state. On an error dst is returned as it was.
func AppendState(dst []byte, s State) ([]byte, error) {
	b, err := appendState(dst, s)
	if err == nil && (len(b)-len(dst) > MaxState || len(s.Packages) > MaxApps) {
		err = entity.ErrLimit
	}
	if err != nil {
		return dst, wrap("write the state of the package list", err)
	}
	return b, nil
}

func appendState(b []byte, s State) ([]byte, error) {
	b, err := mutf8.AppendUTF(b, stateHeader)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint32(b, stateVersion)
	if s.Home != nil {
		if b, err = mutf8.AppendUTF(b, string(HomeKey)); err != nil {
			return nil, err
		}
		if b, err = mutf8.AppendUTF(b, s.Home.Component); err != nil {
			return nil, err
		}
		b = binary.BigEndian.AppendUint64(b, uint64(s.Home.Version))
		if b, err = appendSigners(b, s.Home.Signers); err != nil {
			return nil, err
		}
	}
	if b, err = mutf8.AppendUTF(b, string(GlobalKey)); err != nil {
		return nil, err
	}
	if b, err = s.Global.Append(b); err != nil {
		return nil, err
	}
	for _, p := range s.Packages {
		if b, err = mutf8.AppendUTF(b, p.Name); err != nil {
			return nil, err
		}
		b = appendVersion(b, p.Version)
	}
	return b, nil
}

// ParseState reads a state; an empty one is the zero State. It fails with
// [ErrVersion] or an [*entity.DamageError], and the caller then goes on with
// the zero State: everything is stored again.
func ParseState(state []byte) (State, error) {
	if len(state) == 0 {
		return State{}, nil
	}
	c := cursor{b: state}
	if len(state) > MaxState {
		c.fail(0, "the state", entity.ErrLimit)
	}
	var s State
	tag := c.utf()
	if s.Old = tag != stateHeader; !s.Old {
		if v := c.int32(); v > stateVersion {
			return State{}, wrap("read the state of the package list", ErrVersion)
		}
		tag = c.utf()
	}
	if tag == string(HomeKey) {
		s.Home = &Home{Component: c.utf(), Version: c.int64(), Signers: c.signers()}
		tag = c.utf()
	}
	if tag != string(GlobalKey) {
		c.fail(c.at, "nothing about the system", nil)
	}
	s.Global = c.global()
	for c.more() {
		if len(s.Packages) == MaxApps {
			c.fail(c.at, "the packages", entity.ErrLimit)
			break
		}
		s.Packages = append(s.Packages, PackageVersion{Name: c.utf(), Version: c.version()})
	}
	if c.err != nil {
		return State{}, c.err
	}
	return s, nil
}

// Token names a data set of a transport. 0 = none.
type Token int64

const tokensVersion = 1

// Tokens is the framework's file "ancestral": the sets that a phone restores
// from and backs up to (AOSP UserBackupManagerService.java). Its integers are
// big-endian:
//
//	int32 1, int64 ancestral, int64 current,
//	int32 number of packages or -1, for each: UTF name
type Tokens struct {
	// Ancestral is the set that the phone was set up from.
	Ancestral Token
	// Current is the set that the phone backs up to.
	Current Token
	// Packages are in the ancestral set. nil = unknown, which is not the same
	// as none.
	Packages []string
}

// AppendTokens appends the file. On an error dst is returned as it was.
func AppendTokens(dst []byte, t Tokens) ([]byte, error) {
	b := binary.BigEndian.AppendUint32(dst, tokensVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Ancestral))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Current))
	count := int32(len(t.Packages))
	if t.Packages == nil {
		count = -1
	}
	b = binary.BigEndian.AppendUint32(b, uint32(count))
	var err error
	for _, p := range t.Packages {
		if b, err = mutf8.AppendUTF(b, p); err != nil {
			return dst, wrap("write the tokens", err)
		}
	}
	if len(t.Packages) > MaxApps || len(b)-len(dst) > MaxState {
		return dst, wrap("write the tokens", entity.ErrLimit)
	}
	return b, nil
}

// ParseTokens reads the file. It fails with [ErrVersion] or an
// [*entity.DamageError].
func ParseTokens(file []byte) (Tokens, error) {
	c := cursor{b: file}
	if len(file) > MaxState {
		c.fail(0, "the tokens", entity.ErrLimit)
	}
	if v := c.int32(); c.err == nil && v != tokensVersion {
		return Tokens{}, wrap("read the tokens", ErrVersion)
	}
	t := Tokens{Ancestral: Token(c.int64()), Current: Token(c.int64())}
	at := c.at
	n := c.int32()
	if n < -1 || n > MaxApps {
		c.fail(at, "the packages", entity.ErrLimit)
	}
	if n >= 0 {
		t.Packages = []string{}
	}
	for range n {
		if c.err != nil {
			break
		}
		t.Packages = append(t.Packages, c.utf())
	}
	if c.more() {
		c.fail(c.at, "bytes after the last package", nil)
	}
	if c.err != nil {
		return Tokens{}, c.err
	}
	return t, nil
}
