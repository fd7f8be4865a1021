package identity

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multibase"
)

const childDir = "FERRY_TEST_IDENTITY_DIR"

// TestMain is also the other process in TestProcessesRace: it says that it is
// ready, waits for a line, loads the key and prints its ID.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	k, err := Load(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(k.ID())
}

func load1(t *testing.T, dir string) *Key {
	t.Helper()
	k, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// snapshot describes all that a folder holds.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var s strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&s, path, fi.Mode(), fi.ModTime())
		if fi.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			fmt.Fprintf(&s, "%q\n", b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.String()
}

func TestLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	k := load1(t, dir)
	if _, err := k.ID().Peer(); err != nil || !strings.HasPrefix(string(k.ID()), "12D3KooW") {
		t.Errorf("ID %q: %v", k.ID(), err)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{dir: 0o700 | fs.ModeDir, filepath.Join(dir, keyFile): 0o600} {
			if fi, err := os.Stat(path); err != nil || fi.Mode() != want {
				t.Errorf("mode %v, %v, want %v", fi.Mode(), err, want)
			}
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v, want the key alone", len(entries), err)
	}
	before := snapshot(t, dir)
	again := load1(t, dir)
	if again.ID() != k.ID() || !again.Private().Equals(k.Private()) {
		t.Error("the key that was loaded is another")
	}
	if snapshot(t, dir) != before {
		t.Error("loading changed the folder")
	}
	if other := load1(t, t.TempDir()); other.ID() == k.ID() {
		t.Error("two devices have one key")
	}
}

// What a release wrote, every later one reads.
func TestLoadGolden(t *testing.T) {
	// type Ed25519, 64 bytes: the seed, 32 times 02, and its public key
	const golden = "ferry identity key 1\n" +
		"CAESQAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICgTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, keyFile), []byte(golden), 0o600); err != nil {
		t.Fatal(err)
	}
	if k := load1(t, dir); k.ID() != "12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq" {
		t.Errorf("ID %s", k.ID())
	}
}

func TestLoadRefusesDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, keyFile)
	load1(t, dir)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, dir)
		k, err := Load(dir)
		if !errors.Is(err, ErrDamaged) || k != nil {
			t.Errorf("%s: %v, want ErrDamaged", what, err)
		}
		if err != nil && strings.Contains(err.Error(), dir) {
			t.Errorf("%s: the error names the folder: %v", what, err)
		}
		if snapshot(t, dir) != before {
			t.Errorf("%s: the folder changed", what)
		}
	}
	for n := range good {
		refused(fmt.Sprintf("cut after %d bytes", n), good[:n])
	}
	for i := range good {
		b := append([]byte(nil), good...)
		b[i] ^= 1 << (i % 7)
		refused(fmt.Sprintf("byte %d changed", i), b)
	}
	line := func(k crypto.PrivKey) []byte {
		raw, err := crypto.MarshalPrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(keyHeader + base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	ecdsa, _, err := crypto.GenerateECDSAKeyPair(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	refused("a key of another type", line(ecdsa))
	refused("a line more", append(good, '\n'))
	refused("a text more", append(good, "x\n"...))
	refused("a later header", []byte(strings.Replace(string(good), "key 1", "key 2", 1)))
	refused("too large", append(good, make([]byte, maxFile)...))
	refused("zeros", make([]byte, len(good)))

	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	load1(t, dir) // so that it was the damage
}

// Bits in the file may be lost where base64 and protobuf look whole: each half
// of the key must fit the other.
func TestLoadRefusesHalves(t *testing.T) {
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := crypto.MarshalPrivateKey(k.priv)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(raw) {
		b := append([]byte(nil), raw...)
		b[bit/8] ^= 1 << (bit % 8)
		file := keyHeader + base64.StdEncoding.EncodeToString(b) + "\n"
		if k, err := decode([]byte(file)); err == nil || k != nil {
			t.Fatalf("bit %d changed: accepted", bit)
		}
	}
}

func TestLoadRefusesFolderInPlace(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, keyFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}

// The folder cannot be made: the error says why and not where.
func TestLoadHidesPaths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "anna")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(filepath.Join(file, "ferry"))
	if err == nil || strings.Contains(err.Error(), "anna") {
		t.Errorf("%v", err)
	}
}

// Several processes that start at once on a new device end up with one key.
func TestProcessesRace(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		dir := filepath.Join(t.TempDir(), "ferry")
		var outs []*bufio.Reader
		var goes []func() error
		var waits []func() error
		for range 4 {
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), childDir+"="+dir)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			outs = append(outs, bufio.NewReader(out))
			goes = append(goes, in.Close)
			waits = append(waits, cmd.Wait)
		}
		for _, out := range outs {
			if line, err := out.ReadString('\n'); err != nil || line != "ready\n" {
				t.Fatalf("%q, %v", line, err)
			}
		}
		for _, start := range goes {
			start()
		}
		ids := map[string]bool{}
		for i, out := range outs {
			line, err := out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			ids[strings.TrimSpace(line)] = true
			if err := waits[i](); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		if len(ids) != 1 || !ids[string(load1(t, dir).ID())] {
			t.Errorf("%d keys: %v", len(ids), ids)
		}
	}
}

func TestVerify(t *testing.T) {
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	other, err := New()
	if err != nil {
		t.Fatal(err)
	}
	msg := []byte("a receipt")
	sig, err := k.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), sig...)
	flipped[5] ^= 1
	for _, tt := range []struct {
		name     string
		id       DeviceID
		msg, sig []byte
		want     bool
	}{
		{"right", k.ID(), msg, sig, true},
		{"other device", other.ID(), msg, sig, false},
		{"other message", k.ID(), []byte("a receipT"), sig, false},
		{"no message", k.ID(), nil, sig, false},
		{"changed signature", k.ID(), msg, flipped, false},
		{"cut signature", k.ID(), msg, sig[:63], false},
		{"longer signature", k.ID(), msg, append(sig[:64:64], 0), false},
		{"no signature", k.ID(), msg, nil, false},
		{"no device", "", msg, sig, false},
		{"junk device", "12D3KooWjunk", msg, sig, false},
	} {
		if got := tt.id.Verify(tt.msg, tt.sig); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestPeer(t *testing.T) {
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	id, err := k.ID().Peer()
	if err != nil || FromPeer(id) != k.ID() || !id.MatchesPrivateKey(k.Private()) {
		t.Fatalf("%v, %v", id, err)
	}
	secp, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secpID, err := peer.IDFromPrivateKey(secp)
	if err != nil {
		t.Fatal(err)
	}
	base58CID, err := peer.ToCid(id).StringOfBase(multibase.Base58BTC)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]DeviceID{
		"empty":              "",
		"junk":               "junk",
		"prefix only":        "12D3KooW",
		"cut":                k.ID()[:len(k.ID())-1],
		"longer":             k.ID() + "1",
		"space before":       " " + k.ID(),
		"line break after":   k.ID() + "\n",
		"not base58":         k.ID()[:51] + "0",
		"RSA, a hash":        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
		"secp256k1":          FromPeer(secpID),
		"the same as a CID":  DeviceID(peer.ToCid(id).String()),
		"a CID in base58":    DeviceID(base58CID),
		"a megabyte":         DeviceID(strings.Repeat("1", 1<<20)),
		"the raw multihash":  DeviceID(string(id)),
		"upper case":         DeviceID(strings.ToUpper(string(k.ID()))),
		"a NUL in its midst": k.ID()[:20] + "\x00" + k.ID()[21:],
	} {
		if id, err := d.Peer(); err == nil || id != "" {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[DeviceID]string{
		"": "", "12345678": "12345678", "12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq": "Lr2NASuq",
	} {
		if got := d.Short(); got != want {
			t.Errorf("%q: %q, want %q", d, got, want)
		}
	}
}

// What parses encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	k, err := New()
	if err != nil {
		f.Fatal(err)
	}
	b, err := encode(k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(keyHeader))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := decode(b)
		if err != nil {
			if k != nil {
				t.Fatal("a failed parse returned something")
			}
			return
		}
		if again, err := encode(k); err != nil || string(again) != string(b) {
			t.Fatalf("%q, %v", again, err)
		}
	})
}

func FuzzPeer(f *testing.F) {
	f.Add("12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq")
	f.Add("bafzaajaiaejca")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := DeviceID(s).Peer()
		if err == nil && string(FromPeer(id)) != s {
			t.Fatalf("%q is also %q", s, FromPeer(id))
		}
	})
}
