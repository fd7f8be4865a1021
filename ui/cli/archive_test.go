package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/app/archives"
	"github.com/ferry-move/ferry/mobile/android/archive"
)

func TestFirstLine(t *testing.T) {
	long := strings.Repeat("x", maxPassword)
	tests := []struct {
		in, want string
		bad      bool
	}{
		{in: "", want: ""},
		{in: "a b", want: "a b"},
		{in: "a \nb", want: "a "},
		{in: "pä日\r\n", want: "pä日"},
		{in: "\uFEFFp\r\n", want: "p"},
		{in: long, want: long},
		{in: "\uFEFF" + long + "\r\nmore", want: long},
		{in: long + "x", bad: true},
		{in: "\xff\xfep\x00\n\x00", bad: true},
		{in: "p\x00", bad: true},
		{in: "\xe4", bad: true},
	}
	for _, tt := range tests {
		got, err := firstLine(strings.NewReader(tt.in))
		if string(got) != tt.want || errors.Is(err, archives.ErrPassword) != tt.bad {
			t.Errorf("%.20q: %.20q, %v", tt.in, got, err)
		}
	}
}

// A read that does not end is given up when the person interrupts.
func TestUntil(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	block := make(chan struct{})
	defer close(block)
	cancel()
	_, err := until(ctx, func() ([]byte, error) { <-block; return nil, nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// An error of the password's file names that, and not the archive.
func TestArchiveErrorsNameTheirArgument(t *testing.T) {
	c := &command{}
	for want, err := range map[string]error{
		"--password-file": &archives.FileError{Err: &argumentError{"--password-file", os.ErrNotExist}},
		"a.ab":            &archives.FileError{Err: os.ErrNotExist},
		"--into":          &archives.FolderError{Err: os.ErrPermission},
	} {
		var arg *argumentError
		if got := c.archiveError("a.ab", "--into", err); !errors.As(got, &arg) || arg.name != want {
			t.Errorf("%v; want %s", got, want)
		}
	}
}

// Findings that say the same fill no terminal, and are counted all the same.
func TestManyFindings(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := &command{io: Stdio{Err: f}}
	var n findings
	tell := n.tell(c)
	for i := range 1000 {
		tell(archive.Finding{Severity: archive.Refused, Offset: int64(i), What: "a link"})
	}
	tell(archive.Finding{Severity: archive.Damage, Offset: -1, What: "a manifest"})
	tell(archive.Finding{Severity: archive.Note, Offset: 7, What: "a header"})
	n.end(c)
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != sameFindings+3 || lines[sameFindings] != "damage: a manifest" || lines[len(lines)-1] != "refused: a link (900 more)" {
		t.Errorf("%d lines: %q", len(lines), lines[max(0, len(lines)-4):])
	}
	if n.refused != 1000 || n.damaged != 1 {
		t.Errorf("%d, %d", n.refused, n.damaged)
	}
}
