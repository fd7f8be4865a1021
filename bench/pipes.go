//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// runTar moves a stream with nothing around it.
func runTar(ctx context.Context, m *move) error {
	if err := os.Mkdir(m.into, 0o755); err != nil {
		return err
	}
	addr, port := m.lab.addrs[newPhone], strconv.Itoa(tarPort)
	receive, err := m.lab.launch(ctx, job{side: newPhone, name: "sh", args: []string{"-c",
		`ncat --recv-only -l "$0" "$1" | tar -x -f - -C "$2"`, addr, port, m.into}})
	if err != nil {
		return err
	}
	if err := m.lab.ready(ctx, receive, newPhone, tarPort); err != nil {
		receive.stop()
		return err
	}
	m.begin()
	send, err := m.lab.launch(ctx, job{side: oldPhone, name: "sh", args: []string{"-c",
		`tar -c -f - -C "$2" . | ncat --send-only "$0" "$1"`, addr, port, m.from}})
	if err != nil {
		receive.stop()
		return err
	}
	return m.both(send, receive)
}

// homeless are the settings of a program that must not see the user's, nor
// write outside of the benchmark's folder.
func (m *move) homeless(more ...string) []string {
	return append([]string{"HOME=" + m.dir, "TMPDIR=" + m.dir, "XDG_CONFIG_HOME=" + m.dir, "XDG_CACHE_HOME=" + m.dir}, more...)
}

// runWormhole moves with wormhole-william. Its two ends meet at a mailbox
// server, which never sees the content. The old phone also insists on a
// connection to the public transit relay, for use when the two cannot reach
// each other: the new phone answers to that name, takes the connection and says
// nothing.
func runWormhole(ctx context.Context, m *move) (err error) {
	if m.lab.link.Loopback { // it does not offer the loopback's usual address
		const other = "10.78.0.1/32"
		if err := ip(ctx, "-n", m.lab.ns[newPhone], "addr", "add", other, "dev", "lo"); err != nil {
			return err
		}
		defer func() {
			err = errors.Join(err, ip(context.WithoutCancel(ctx), "-n", m.lab.ns[newPhone], "addr", "del", other, "dev", "lo"))
		}()
	}
	addr := m.lab.addrs[newPhone]
	transit, err := m.lab.silence(newPhone, transitPort)
	if err != nil {
		return err
	}
	defer transit.Close()
	hosts := filepath.Join(m.dir, "hosts")
	if err := os.WriteFile(hosts, []byte(lines("127.0.0.1 localhost", addr+" transit.magic-wormhole.io")), 0o644); err != nil {
		return err
	}
	mailbox, err := m.lab.launch(ctx, job{side: newPhone, dir: m.dir, env: m.homeless(), name: "twistd3", args: []string{
		"--nodaemon", "--pidfile=", "wormhole-mailbox", fmt.Sprintf("--port=tcp:%d:interface=%s", mailboxPort, addr)}})
	if err != nil {
		return err
	}
	defer mailbox.stop()
	if err := m.lab.ready(ctx, mailbox, newPhone, mailboxPort); err != nil {
		return err
	}
	wormhole := func(s side, dir string, args ...string) (*child, error) {
		url := fmt.Sprintf("ws://%s/v1", net.JoinHostPort(addr, strconv.Itoa(mailboxPort)))
		const script = `mount --bind "$0" /etc/hosts && exec wormhole-william --relay-url "$@"` // in a mount namespace that ends with it
		return m.lab.launch(ctx, job{side: s, dir: dir, env: m.homeless(), stdin: strings.NewReader("y\n"),
			name: "sh", args: append([]string{"-c", script, hosts, url}, args...)})
	}
	const code = "7-ferry-bench"
	m.begin()
	send, err := wormhole(oldPhone, m.dir, "send", "--hide-progress", "--code", code, m.from)
	if err != nil {
		return err
	}
	receive, err := wormhole(newPhone, filepath.Dir(m.into), "receive", "--hide-progress", code)
	if err != nil {
		send.stop()
		return err
	}
	return m.both(send, receive)
}

// silence accepts connections to a port of one side and says nothing. Close
// ends it.
func (l *lab) silence(s side, port int) (io.Closer, error) {
	q := &quiet{}
	err := inside(l.ns[s], func() (err error) {
		q.listener, err = net.Listen("tcp4", net.JoinHostPort(l.addrs[s], strconv.Itoa(port)))
		return err
	})
	if err != nil {
		return nil, err
	}
	q.group.Go(func() {
		for {
			c, err := q.listener.Accept()
			if err != nil { // closed
				return
			}
			q.mu.Lock()
			q.conns = append(q.conns, c)
			q.mu.Unlock()
		}
	})
	return q, nil
}

// quiet is a listener whose connections stay open until it is closed.
type quiet struct {
	listener net.Listener
	group    sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn // guarded by mu
}

// Close implements io.Closer.
func (q *quiet) Close() error {
	err := q.listener.Close()
	q.group.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.conns {
		err = errors.Join(err, c.Close())
	}
	return err
}

// runCroc moves with croc over a relay that the new phone runs, since the public
// ones cannot be reached.
func runCroc(ctx context.Context, m *move) error {
	addr, ports := m.lab.addrs[newPhone], make([]string, 5)
	for i := range ports {
		ports[i] = strconv.Itoa(crocPort + i)
	}
	relay, err := m.lab.launch(ctx, job{side: newPhone, dir: m.dir, env: m.homeless(), name: "croc",
		args: []string{"relay", "--host", addr, "--ports", strings.Join(ports, ",")}})
	if err != nil {
		return err
	}
	defer relay.stop()
	for i := range ports {
		if err := m.lab.ready(ctx, relay, newPhone, crocPort+i); err != nil {
			return err
		}
	}
	croc := func(s side, args ...string) (*child, error) {
		common := []string{"--yes", "--overwrite", "--ignore-stdin", "--relay", net.JoinHostPort(addr, ports[0])}
		return m.lab.launch(ctx, job{side: s, dir: m.dir, env: m.homeless("CROC_SECRET=7777-ferry-bench-move"), name: "croc", args: append(common, args...)})
	}
	m.begin()
	send, err := croc(oldPhone, "send", "--no-local", m.from)
	if err != nil {
		return err
	}
	receive, err := croc(newPhone, "--out", filepath.Dir(m.into))
	if err != nil {
		send.stop()
		return err
	}
	err = m.both(send, receive)
	m.new.CPU += relay.stop().CPU // every byte passes it
	return err
}
