// Package arch holds the program's structure: which package may import which.
// It has no code, only the test that reads the real import graph.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ferry-move/ferry/"

// rules say what each package may import of this module. An entry ending in
// "/..." stands for the folder and all below it; the longest one that fits a
// package decides. Tests may import what they like.
var rules = map[string][]string{
	"mobile/backup":      {},
	"mobile/backup/...":  {"mobile/backup"},
	"mobile":             {"mobile/backup"},
	"mobile/...":         {"mobile/backup"}, // each kind of data knows the contract and no other kind
	"mobile/android":     {"mobile/backup"}, // the contract of Android's framework
	"mobile/android/...": {"mobile/backup", "mobile/syncfs", "mobile/android/..."},
	"mobile/apps":        {"mobile/backup", "mobile/files", "mobile/syncfs", "mobile/android/..."}, // what arrives of an app is files until it is whole
	"mobile/archived":    {"mobile", "mobile/backup", "mobile/files", "mobile/apps", "mobile/android/..."},
	"mobile/syncfs":      {},
	"mobile/files":       {"mobile/backup", "mobile/syncfs"},
	"mobile/fakephone":   {"mobile", "mobile/backup"},
	"mobile/phone":       {"mobile/..."},

	"p2p/identity": {},
	"p2p/...":      {"p2p/..."},

	"discovery/...": {"discovery/...", "p2p/identity"},

	"transfer/lanes":   {},
	"transfer/squeeze": {"transfer/wire"},
	"transfer/wire":    {"mobile/backup"},
	"transfer/tree":    {"mobile/backup", "transfer/wire"},
	"transfer/journal": {"mobile/backup", "p2p/identity"},
	"transfer/receipt": {"mobile/backup", "p2p/identity"},
	"transfer/pace":    {"transfer", "transfer/wire"},
	"transfer/preview": {"mobile/backup", "transfer", "transfer/journal", "transfer/tree", "transfer/wire"},
	"transfer":         {"mobile/backup", "p2p/identity", "transfer/..."},
	// Test support: may use the fake phone.
	"transfer/transfertest": {"mobile/backup", "mobile/fakephone", "p2p/identity", "transfer/..."},
	"transfer/faulttest":    {"mobile/backup", "mobile/fakephone", "p2p/identity", "transfer/..."},

	"app/session": {"discovery/...", "mobile", "mobile/backup", "mobile/apps", "mobile/archived", "mobile/phone", "p2p/...", "transfer/..."},

	// A flow is one device's way through a move, for a face to draw: it has no words.
	"app/flow": {"app/session", "discovery", "mobile", "mobile/backup", "p2p", "p2p/identity", "p2p/pairing", "transfer", "transfer/journal", "transfer/pace", "transfer/receipt"},

	"app/archives": {"mobile/android/ab", "mobile/android/archive", "mobile/phone"},
	"app/durable":  {},
	"app/history":  {"app/durable", "app/session", "p2p/identity", "transfer/receipt"},
	"app/settings": {"app/durable", "discovery", "transfer"},

	// Faces see sessions, and the words and types that sessions speak in; never
	// a disk, a socket or a frame.
	"ui/say":                 {"app/archives", "app/history", "app/session", "app/settings", "discovery", "mobile/android/ab", "mobile/android/archive", "mobile/backup", "mobile/phone", "p2p", "p2p/identity", "p2p/pairing", "transfer", "transfer/journal", "transfer/pace", "transfer/receipt", "transfer/wire"},
	"ui/cli":                 {"app/archives", "app/history", "app/session", "app/settings", "ui/say", "mobile/android", "mobile/android/archive", "mobile/apps", "discovery", "mobile", "mobile/backup", "mobile/fakephone", "p2p", "p2p/pairing", "transfer", "transfer/pace", "transfer/receipt", "transfer/wire"},
	"ui/window":              {"app/flow", "app/history", "app/session", "app/settings", "ui/say", "ui/window/kit", "ui/window/words", "discovery", "mobile", "mobile/backup", "p2p/pairing", "transfer", "transfer/pace", "transfer/receipt"},
	"ui/window/words":        {"ui/say", "ui/window/words/locale"},
	"ui/window/words/locale": {},
	// The parts of screens know what a name is made harmless by, and nothing else.
	"ui/window/kit":         {"ui/say"},
	"ui/window/kit/kittest": {},
	"app":                   {"app/flow", "app/history", "app/memory", "app/session", "app/settings", "app/start", "ui/window", "ui/window/words", "ui/say"},
	"app/ferry":             {"app/memory", "ui/cli"},
	"app/memory":            {},
	"app/start":             {"app/session", "app/start/hush", "ui/say"},
	// It starts before Fyne does, and so needs nothing of this module.
	"app/start/hush": {},
	"app/arch":       {},
	"bench/...":      {},
	// It makes moves of phones that need no disk, which the program cannot.
	"bench/scale": {"app/memory", "app/session", "mobile", "mobile/backup", "mobile/fakephone", "mobile/phone", "p2p/pairing", "transfer"},
	"torture":     {},
}

// owners say which packages may import a library; everything below a path
// counts as the library. An empty list means nobody.
var owners = map[string][]string{
	"fyne.io/fyne/v2":                              {"ui/window/...", "app"},
	"fyne.io/fyne/v2/app":                          {"app"},
	"github.com/grandcat/zeroconf":                 {"discovery/..."},
	"github.com/quic-go/quic-go":                   {"p2p", "bench/..."},
	"github.com/libp2p/go-libp2p":                  {"p2p/..."},
	"github.com/libp2p/go-libp2p/p2p/discovery":    {}, // lists interfaces in a way that Android refuses
	"github.com/gtank/ristretto255":                {"p2p/pairing/cpace"},
	"github.com/klauspost/compress":                {"transfer/squeeze"},
	"github.com/fxamacker/cbor/v2":                 {"transfer/wire"},
	"github.com/emersion/go-vcard":                 {"mobile/contacts/..."},
	"golang.org/x/term":                            {"ui/cli"},
	"rsc.io/qr":                                    {"ui/..."},
	"github.com/libp2p/go-libp2p/p2p/host/autonat": {},
}

// exact lists libraries whose root package itself nobody may import: it pulls
// in transports that this program does not have and that do not link for
// Android.
var exact = []string{"github.com/libp2p/go-libp2p"}

// fyneFree must not reach a display library, however indirectly.
var fyneFree = []string{"app/ferry", "app/flow", "app/history", "app/session", "app/settings", "app/start", "discovery", "mobile/phone", "p2p", "transfer", "ui/cli"}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

// list asks the go command about every package for one system.
func list(t *testing.T, goos, goarch string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Deps,Standard", "./...")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var ps []pkg
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return ps
		} else if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

// fits reports whether a pattern names a package.
func fits(pattern, name string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	return name == pattern
}

// rule finds the rule for a package: its own, or that of the longest folder.
func rule(name string) (best string, ok bool) {
	if _, ok := rules[name]; ok {
		return name, true
	}
	for p := range rules {
		if fits(p, name) && len(p) > len(best) {
			best = p
		}
	}
	return best, best != ""
}

// broken returns what a package does that the tables do not allow.
func broken(p pkg) (out []string) {
	name := strings.TrimPrefix(p.ImportPath, module)
	r, ok := rule(name)
	if !ok {
		return []string{name + " has no rule in app/arch: say what it may import"}
	}
	for _, imp := range p.Imports {
		if dep, ok := strings.CutPrefix(imp, module); ok {
			if !slices.ContainsFunc(rules[r], func(p string) bool { return fits(p, dep) }) {
				out = append(out, name+" imports "+dep+", which the rule for "+r+" does not allow")
			}
			continue
		}
		if slices.Contains(exact, imp) {
			out = append(out, name+" imports "+imp+" itself")
		}
		for lib, who := range owners {
			if fits(lib+"/...", imp) && !slices.ContainsFunc(who, func(p string) bool { return fits(p, name) }) {
				out = append(out, name+" imports "+imp+", which only "+strings.Join(who, ", ")+" may")
			}
		}
	}
	return out
}

func TestImports(t *testing.T) {
	for _, on := range [][2]string{{"linux", "amd64"}, {"android", "arm64"}, {"windows", "amd64"}, {"darwin", "arm64"}} {
		t.Run(on[0], func(t *testing.T) {
			seen := 0
			for _, p := range list(t, on[0], on[1]) {
				if !strings.HasPrefix(p.ImportPath, module) {
					continue
				}
				seen++
				for _, b := range broken(p) {
					t.Error(b)
				}
				name := strings.TrimPrefix(p.ImportPath, module)
				if !slices.Contains(fyneFree, name) {
					continue
				}
				for _, d := range p.Deps {
					if strings.HasPrefix(d, "fyne.io/") || strings.HasPrefix(d, "github.com/go-gl/") || strings.Contains(d, "wlynxg/anet") || strings.HasPrefix(d, "github.com/pion/") {
						t.Errorf("%s reaches %s", name, d)
					}
				}
			}
			if seen < 15 {
				t.Fatalf("only %d packages were seen", seen)
			}
		})
	}
}

// The test itself must notice what it is for.
func TestBrokenIsNoticed(t *testing.T) {
	for name, p := range map[string]pkg{
		"upwards":      {ImportPath: module + "transfer", Imports: []string{module + "app/session"}},
		"sideways":     {ImportPath: module + "mobile/contacts", Imports: []string{module + "mobile/files"}},
		"a face":       {ImportPath: module + "ui/cli", Imports: []string{module + "mobile/files"}},
		"a display":    {ImportPath: module + "ui/say", Imports: []string{"fyne.io/fyne/v2/widget"}},
		"fyne's app":   {ImportPath: module + "ui/window", Imports: []string{"fyne.io/fyne/v2/app"}},
		"libp2p's all": {ImportPath: module + "p2p", Imports: []string{"github.com/libp2p/go-libp2p"}},
		"its mdns":     {ImportPath: module + "p2p", Imports: []string{"github.com/libp2p/go-libp2p/p2p/discovery/mdns"}},
		"no rule":      {ImportPath: module + "util"},
	} {
		if len(broken(p)) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
	fine := pkg{ImportPath: module + "p2p", Imports: []string{module + "p2p/identity", "github.com/libp2p/go-libp2p/core/peer", "net"}}
	if b := broken(fine); len(b) != 0 {
		t.Errorf("%v", b)
	}
}
