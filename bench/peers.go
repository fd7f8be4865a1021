//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// peer is what a user would take instead of ferry.
type peer struct {
	name  string
	tools []string // the programs that it is made of
	get   string   // how to get them
	// plain says that it encrypts nothing, so that it is a bound and no rival.
	plain bool
	about string // for the legend
	// run does one move. It prepares, calls m.begin, moves, and calls m.finish.
	run func(ctx context.Context, m *move) error
}

// The other phone's ports. It has the namespace for itself.
const (
	sshPort     = 2022
	tarPort     = 2023
	mailboxPort = 4000
	transitPort = 4001 // wormhole's, which cannot be chosen
	crocPort    = 9009
)

const sshGet = "apt-get install -y openssh-client openssh-server"

var peers = []peer{
	{name: "rsync", tools: []string{"rsync", "ssh", "ssh-keygen", "sshd"}, get: "apt-get install -y rsync; " + sshGet, run: runRsync(),
		about: "rsync -a over ssh with its usual cipher; its own sshd"},
	{name: "rsync-z", tools: []string{"rsync", "ssh", "ssh-keygen", "sshd"}, get: "apt-get install -y rsync; " + sshGet, run: runRsync("--compress"),
		about: "rsync -az, compressing"},
	{name: "scp", tools: []string{"scp", "ssh", "ssh-keygen", "sshd"}, get: sshGet, run: runScp,
		about: "scp -rp; its own sshd"},
	{name: "wormhole", tools: []string{"wormhole-william", "twistd3"}, get: "apt-get install -y wormhole-william python3-magic-wormhole-mailbox-server", run: runWormhole,
		about: "wormhole-william, the bytes from phone to phone; a mailbox server on the new phone carries the handshake; packs a zip first and unpacks it last, which counts"},
	{name: "croc", tools: []string{"croc"}, get: "see its own site; it is in no Debian release that this was tried on", run: runCroc,
		about: "croc 10 with a relay of its own on the new phone"},
	{name: "tar|ncat", tools: []string{"tar", "ncat", "sh"}, get: "apt-get install -y ncat", run: runTar, plain: true,
		about: "tar -c | ncat, ncat | tar -x: encrypts nothing, a bound"},
}

// usualPeers are those that run when nobody says which.
const usualPeers = "rsync,scp,wormhole,croc,tar|ncat"

// parsePeers reads a list of peers. Empty or "none" is none.
func parsePeers(list string) (out []peer, err error) {
	if list == "" || list == "none" {
		return nil, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no peer %q: there are %s, or none", name, strings.Join(peerNames(), ", "))
		}
		out = append(out, peers[i])
	}
	return out, nil
}

func peerNames() (names []string) {
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// missing says which program is not here, "" if all are.
func (p peer) missing() string {
	for _, t := range p.tools {
		if _, err := program(t); err != nil {
			return t
		}
	}
	return ""
}

// program finds a program; some are only for root's PATH.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	return path, nil
}

// move is one move by a peer.
type move struct {
	lab  *lab
	from string // the old phone's tree
	into string // where the new phone's tree comes; not there yet
	dir  string // for whatever else a peer writes

	began    time.Time
	emulator float64 // the link's CPU seconds: before, then what the move took
	took     time.Duration
	old, new usage
}

func (m *move) begin() { m.emulator, m.began = cpuTime(), time.Now() }

func (m *move) finish() { m.took, m.emulator = time.Since(m.began), cpuTime()-m.emulator }

// both waits for the two ends of a peer. When one fails, the other would wait
// for ever, so it is stopped.
func (m *move) both(send, receive *child) error {
	first, second := send, receive
	select {
	case <-send.ended:
	case <-receive.ended:
		first, second = receive, send
	}
	err := first.wait()
	if err != nil {
		second.stop()
	} else {
		err = second.wait()
	}
	m.finish()
	m.old, m.new = send.usage(), receive.usage()
	return err
}

// byPeer does one move with a peer. An error is the peer's; what arrived with
// other content is in the trial.
func (b *bench) byPeer(ctx context.Context, p peer, from string, remove bool) (t trial, err error) {
	home, err := os.MkdirTemp(b.home, "peer-")
	if err != nil {
		return t, err
	}
	if remove && !b.opt.keep {
		defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	}
	// What a peer unpacks has the name that the old phone's tree has.
	m := &move{lab: b.lab, from: from, into: filepath.Join(home, "there", filepath.Base(from)), dir: filepath.Join(home, "own")}
	for _, dir := range []string{filepath.Dir(m.into), m.dir} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return t, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	err = p.run(ctx, m)
	cancel()
	if serr := b.lab.sweep(); serr != nil {
		return t, serr
	}
	t.Wall, t.Moving, t.Old, t.New, t.Emulator = m.took.Seconds(), m.took.Seconds(), m.old, m.new, m.emulator
	if err != nil {
		return t, err
	}
	if t.Sync, err = syncTime(home); err != nil {
		return t, err
	}
	t.Wrong, err = contentDifferences(from, m.into)
	return t, err
}
