package session

import (
	"context"
	"iter"
	"os"

	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/archived"
	"github.com/ferry-move/ferry/mobile/phone"
)

// OpenFolder opens a folder as a phone; make makes it if it is missing.
func OpenFolder(dir string, make bool) (mobile.Device, error) {
	return phone.OpenFolder(dir, phone.FolderOptions{Create: make})
}

// SourceOptions say how to open an old phone.
type SourceOptions struct {
	// AppQuota is how many bytes one app may move. 0 = 2 GiB.
	AppQuota int64
	// Password is asked for an encrypted archive's.
	Password func() ([]byte, error)
}

// OpenSource opens an old phone: a folder, or an Android backup archive, which
// it reads through once to know what is in it.
func OpenSource(ctx context.Context, path string, opt SourceOptions) (mobile.Device, error) {
	if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() {
		d, err := archived.Open(ctx, path, archived.Options{Password: opt.Password, Quota: opt.AppQuota})
		if err != nil {
			return nil, err
		}
		return d, nil
	}
	return phone.OpenFolder(path, phone.FolderOptions{AppQuota: opt.AppQuota})
}

// WrongPassword reports whether OpenSource failed because of the password, and
// another one may be tried.
func WrongPassword(err error) bool { return archived.WrongPassword(err) }

// Apps yields how each app of a phone would move; nothing where the phone
// cannot tell.
func Apps(ctx context.Context, p mobile.Device) iter.Seq2[apps.Plan, error] {
	if a, ok := p.(interface {
		Apps(context.Context) iter.Seq2[apps.Plan, error]
	}); ok {
		return a.Apps(ctx)
	}
	return func(func(apps.Plan, error) bool) {}
}
