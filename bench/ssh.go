//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// startSSHD makes throw-away keys and starts an sshd on the new phone that
// takes one of them and nothing else. Its host is called far in the client's
// ssh_config, which lies in m.dir.
func (m *move) startSSHD(ctx context.Context) (*child, error) {
	in := func(name string) string { return filepath.Join(m.dir, name) }
	for _, name := range []string{"host", "user"} {
		if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", in(name)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	host, err := os.ReadFile(in("host.pub"))
	if err != nil {
		return nil, err
	}
	addr := m.lab.addrs[newPhone]
	for name, text := range map[string]string{
		"sshd_config": lines(
			"ListenAddress "+net.JoinHostPort(addr, strconv.Itoa(sshPort)),
			"HostKey "+strconv.Quote(in("host")),
			"AuthorizedKeysFile "+strconv.Quote(in("user.pub")),
			"PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin prohibit-password",
			"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitUserRC no",
			"PrintMotd no", "PrintLastLog no", "UseDNS no", "Subsystem sftp internal-sftp"),
		"ssh_config": lines(
			"Host far", "HostName "+addr, "Port "+strconv.Itoa(sshPort), "User root", "HostKeyAlias far",
			"IdentityFile "+strconv.Quote(in("user")), "IdentitiesOnly yes", "IdentityAgent none",
			"UserKnownHostsFile "+strconv.Quote(in("known")), "GlobalKnownHostsFile none", "StrictHostKeyChecking yes",
			"BatchMode yes", "LogLevel ERROR"),
		"known": "far " + string(host),
	} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	sshd, err := program("sshd")
	if err != nil {
		return nil, err
	}
	if sshd, err = filepath.Abs(sshd); err != nil { // it wants that, to run itself again
		return nil, err
	}
	// It needs a folder in /run and has none of the machine's: ip netns exec
	// gives a mount namespace that ends with it.
	const script = `mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$0" -D -e -f "$1"`
	c, err := m.lab.launch(ctx, job{side: newPhone, name: "sh", args: []string{"-c", script, sshd, in("sshd_config")}})
	if err != nil {
		return nil, err
	}
	if err := m.lab.ready(ctx, c, newPhone, sshPort); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }

// bySSH moves with a command on the old phone, while sshd runs on the new one.
func (m *move) bySSH(ctx context.Context, name string, args ...string) (err error) {
	sshd, err := m.startSSHD(ctx)
	if err != nil {
		return err
	}
	defer func() { m.new = sshd.stop() }()
	m.begin()
	c, err := m.lab.launch(ctx, job{side: oldPhone, dir: m.dir, name: name, args: args})
	if err != nil {
		return err
	}
	err = c.wait()
	m.finish()
	m.old = c.usage()
	if err != nil {
		return err
	}
	return sshd.childless(ctx)
}

func runRsync(more ...string) func(context.Context, *move) error {
	return func(ctx context.Context, m *move) error {
		args := append([]string{"-a", "-e", "ssh -F ssh_config"}, more...)
		return m.bySSH(ctx, "rsync", append(args, m.from+"/", "far:"+m.into+"/")...)
	}
}

func runScp(ctx context.Context, m *move) error {
	return m.bySSH(ctx, "scp", "-q", "-r", "-p", "-F", "ssh_config", m.from, "far:"+m.into)
}
