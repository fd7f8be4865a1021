package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// TestReasons holds the numbers that travel: they are only ever added to.
func TestReasons(t *testing.T) {
	texts := map[string]bool{}
	for i, r := range []backup.Reason{
		backup.Unknown, backup.Unreadable, backup.Vanished, backup.Changed, backup.NotRegular, backup.BadName, backup.NoSpace,
		backup.TooLarge, backup.Damaged, backup.Malformed, backup.Unsupported, backup.Declined, backup.Unwritable,
		backup.OverQuota, backup.NotAllowed, backup.OtherApp, backup.OlderApp, backup.Incomplete, backup.AppFailed, backup.TooDeep,
	} {
		if int(r) != i+1 {
			t.Errorf("%v has number %d, not %d", r, r, i+1)
		}
		if s := r.Error(); s == "" || texts[s] || strings.HasPrefix(s, "reason ") {
			t.Errorf("reason %d says %q", r, s)
		} else {
			texts[s] = true
		}
	}
	if got := backup.Reason(60000).Error(); got != "reason 60000" {
		t.Errorf("a reason of the future says %q", got)
	}
}

func TestReasonOf(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "/secret/name", Err: syscall.ENOENT}
	for _, tt := range []struct {
		err  error
		want backup.Reason
	}{
		{nil, 0},
		{io.ErrUnexpectedEOF, backup.Unknown},
		{context.Canceled, backup.Unknown},
		{backup.Damaged, backup.Damaged},
		{backup.Reason(999), 999},
		{path, backup.Vanished},
		{fs.ErrPermission, backup.Unreadable},
		{&fs.PathError{Op: "write", Err: syscall.ENOSPC}, backup.NoSpace},
		{&os.LinkError{Op: "rename", Err: syscall.EDQUOT}, backup.NoSpace},
		{syscall.EFBIG, backup.TooLarge},
		{fmt.Errorf("again: %w", backup.Fail("open", "photos", backup.Changed, path)), backup.Changed},
		{errors.Join(io.EOF, backup.BadName), backup.BadName},
		{backup.Fail("stage", "photos", backup.Unwritable, fs.ErrPermission), backup.Unwritable},
	} {
		if got := backup.ReasonOf(tt.err); got != tt.want {
			t.Errorf("%v: %d, not %d", tt.err, got, tt.want)
		}
	}
}

// TestErrorText checks that an error says what, which kind and why, and
// nothing of people's names.
func TestErrorText(t *testing.T) {
	const secret = "/storage/My Secret.jpg"
	for _, tt := range []struct {
		cause error
		want  string
	}{
		{nil, "open photos: it cannot be read"},
		{io.EOF, "open photos: it cannot be read: EOF"},
		{&fs.PathError{Op: "open", Path: secret, Err: syscall.EACCES}, "open photos: it cannot be read: " + syscall.EACCES.Error()},
		{&fs.PathError{Op: "open", Path: secret, Err: fs.ErrInvalid}, "open photos: it cannot be read: invalid argument"},
		{&os.LinkError{Op: "link", Old: secret, New: secret, Err: syscall.EXDEV}, "open photos: it cannot be read: " + syscall.EXDEV.Error()},
		{fmt.Errorf("read %s: %w", secret, &fs.PathError{Op: "read", Path: secret, Err: io.EOF}), "open photos: it cannot be read: EOF"},
	} {
		err := backup.Fail("open", "photos", backup.Unreadable, tt.cause)
		if err.Error() != tt.want {
			t.Errorf("%q, not %q", err, tt.want)
		}
		var e *backup.Error
		if !errors.As(err, &e) || e.Op != "open" || e.Kind != "photos" || !errors.Is(err, backup.Unreadable) {
			t.Errorf("%v is not the error that was made", err)
		}
		if tt.cause != nil && !errors.Is(err, tt.cause) {
			t.Errorf("%v has lost its cause", err)
		}
		if errors.Is(err, backup.Vanished) {
			t.Errorf("%v is every reason", err)
		}
	}
}
