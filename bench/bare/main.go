// Command bare measures what quic-go alone does on a machine: zeros on one
// stream, with no disk, no digest and no frames of its own.
//
//	bare listen HOST:PORT            take one connection, and end with it
//	bare dial HOST:PORT DURATION     send for so long; print bytes and seconds
//
// The worst moment is an end that never comes: a peer that is gone ends both
// sides within the idle timeout.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	alpn = "ferry-bench-zeros"
	// chunk is what one Write takes, in bytes.
	chunk = 64 << 10
	// idle is how long the other side may be silent.
	idle = 10 * time.Second
)

// answer is what dial prints, and the far side's count that it rests on.
type answer struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "bare: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "listen":
		ln, err := listen(args[1])
		if err != nil {
			return err
		}
		defer ln.Close()
		return serve(context.Background(), ln)
	case len(args) == 3 && args[0] == "dial":
		d, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		a, err := send(context.Background(), args[1], d)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(a)
	}
	return errors.New("usage: bare listen HOST:PORT | bare dial HOST:PORT DURATION")
}

func config() *quic.Config {
	return &quic.Config{HandshakeIdleTimeout: idle, MaxIdleTimeout: idle, KeepAlivePeriod: time.Second}
}

// listen opens the far side, with a certificate that nobody keeps.
func listen(addr string) (*quic.Listener, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return quic.ListenAddr(addr, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
		NextProtos:   []string{alpn}, MinVersion: tls.VersionTLS13,
	}, config())
}

// serve counts what one stream brings, and answers with that.
func serve(ctx context.Context, ln *quic.Listener) error {
	c, err := ln.Accept(ctx)
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	s, err := c.AcceptStream(ctx)
	if err != nil {
		return fmt.Errorf("accept a stream: %w", err)
	}
	n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{s}, make([]byte, chunk))
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if err := json.NewEncoder(s).Encode(answer{Bytes: n}); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	<-c.Context().Done() // the other side has the answer and is gone
	return nil
}

// send sends zeros for a while. The time ends when the far side has them all.
func send(ctx context.Context, addr string, d time.Duration) (a answer, err error) {
	// Nothing is at stake: whoever listens there may have the zeros.
	conf := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn}, MinVersion: tls.VersionTLS13}
	// The socket belongs to this function, so that closing it ends everything.
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return a, err
	}
	defer socket.Close()
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return a, err
	}
	tr := &quic.Transport{Conn: socket}
	defer tr.Close()
	c, err := tr.Dial(ctx, to, conf, config())
	if err != nil {
		return a, fmt.Errorf("dial: %w", err)
	}
	defer c.CloseWithError(0, "")
	s, err := c.OpenStreamSync(ctx)
	if err != nil {
		return a, fmt.Errorf("open a stream: %w", err)
	}
	zeros, sent, began := make([]byte, chunk), int64(0), time.Now()
	for time.Since(began) < d {
		n, err := s.Write(zeros)
		if sent += int64(n); err != nil {
			return a, fmt.Errorf("send: %w", err)
		}
	}
	if err := s.Close(); err != nil {
		return a, err
	}
	if err := json.NewDecoder(s).Decode(&a); err != nil {
		return a, fmt.Errorf("the other side's count: %w", err)
	}
	if a.Bytes != sent {
		return a, fmt.Errorf("%d bytes arrived of %d", a.Bytes, sent)
	}
	a.Seconds = time.Since(began).Seconds()
	return a, nil
}
