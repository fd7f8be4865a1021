package pm

import (
	"encoding/binary"

	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

// Global describes the system that a backup is from.
type Global struct {
	// SDK is Build.VERSION.SDK_INT, such as 34.
	SDK int32
	// Build is Build.VERSION.INCREMENTAL. Once it changes, everything in the
	// data set is stored again.
	Build string
}

// Append appends the value of [GlobalKey]. On an error dst is returned as it
// was, here and below.
func (g Global) Append(dst []byte) ([]byte, error) {
	b, err := mutf8.AppendUTF(binary.BigEndian.AppendUint32(dst, uint32(g.SDK)), g.Build)
	if err != nil {
		return dst, wrap("write the system's entry", err)
	}
	return b, nil
}

// ParseGlobal reads the value of [GlobalKey]. It fails with an
// [*entity.DamageError]. Bytes after a value are passed over, here and below,
// as Android does.
func ParseGlobal(value []byte) (Global, error) { return parseGlobal(value, 0) }

func parseGlobal(value []byte, base int64) (Global, error) {
	c := cursor{b: value, base: base}
	g := c.global()
	if c.err != nil {
		return Global{}, c.err
	}
	return g, nil
}

func (c *cursor) global() Global { return Global{SDK: c.int32(), Build: c.utf()} }

// Home is the app that the person chose as the home screen.
type Home struct {
	// Component is the activity, as ComponentName.flattenToString has it.
	Component string
	// Version is the app's long version code.
	Version int64
	// Installer is the package that installed the app, or empty.
	Installer string
	// Signers are the app's.
	Signers []Hash
}

// Append appends the value of [HomeKey].
func (h Home) Append(dst []byte) ([]byte, error) {
	b, err := mutf8.AppendUTF(dst, h.Component)
	if err != nil {
		return dst, wrap("write the home app's entry", err)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(h.Version))
	if b, err = mutf8.AppendUTF(b, h.Installer); err != nil {
		return dst, wrap("write the home app's entry", err)
	}
	if b, err = appendSigners(b, h.Signers); err != nil {
		return dst, wrap("write the home app's entry", err)
	}
	return b, nil
}

// ParseHome reads the value of [HomeKey].
func ParseHome(value []byte) (Home, error) { return parseHome(value, 0) }

func parseHome(value []byte, base int64) (Home, error) {
	c := cursor{b: value, base: base}
	h := Home{Component: c.utf(), Version: c.int64(), Installer: c.utf(), Signers: c.signers()}
	if c.err != nil {
		return Home{}, c.err
	}
	return h, nil
}

// App is what the data set knows of a package.
type App struct {
	// Version is the long version code.
	Version int64
	// Signers are those of the installed file, at least one.
	Signers []Hash
}

// Append appends the value of a package. It fails with [ErrSigners] if there is
// none: older Android versions never finish reading such an entry.
func (a App) Append(dst []byte) ([]byte, error) {
	if len(a.Signers) == 0 {
		return dst, wrap("write a package's entry", ErrSigners)
	}
	b, err := appendSigners(appendVersion(dst, a.Version), a.Signers)
	if err != nil {
		return dst, wrap("write a package's entry", err)
	}
	return b, nil
}

// ParseApp reads the value of a package. It may have no signers.
func ParseApp(value []byte) (App, error) { return parseApp(value, 0) }

func parseApp(value []byte, base int64) (App, error) {
	c := cursor{b: value, base: base}
	a := App{Version: c.version(), Signers: c.signers()}
	if c.err != nil {
		return App{}, c.err
	}
	return a, nil
}

// AppendAncestral appends the value of [AncestralKey].
func AppendAncestral(dst []byte) []byte {
	return binary.BigEndian.AppendUint32(dst, AncestralVersion)
}

// ParseAncestral reads the value of [AncestralKey]: the format's version. It
// fails with [ErrVersion] for one that is not known.
func ParseAncestral(value []byte) (int32, error) { return parseAncestral(value, 0) }

func parseAncestral(value []byte, base int64) (int32, error) {
	c := cursor{b: value, base: base}
	v := c.int32()
	if c.err != nil {
		return 0, c.err
	}
	if v != AncestralVersion {
		return 0, wrap("the format of the package list", ErrVersion)
	}
	return v, nil
}
