package cli

import (
	"context"
	"errors"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/say"
)

// openSource opens what --from names.
func (c *command) openSource(ctx context.Context, from, quota, passwordFile string) (mobile.Device, error) {
	opt := session.SourceOptions{Password: c.archivePassword(ctx, passwordFile)}
	var err error
	if quota != "" {
		if opt.AppQuota, err = parseSize(quota); err != nil {
			return nil, usagef("--app-quota cannot be %q: %v", quota, err)
		}
	}
	var passwordErr error
	if ask := opt.Password; ask != nil {
		opt.Password = func() (p []byte, err error) {
			p, passwordErr = ask()
			return p, passwordErr
		}
	}
	p, err := session.OpenSource(ctx, from, opt)
	if say.NotArchive(err) {
		return nil, usagef("--from: %s is neither a folder nor an Android backup archive.", say.Path(from))
	}
	switch {
	case err != nil && passwordErr != nil:
		return nil, passwordErr
	case say.AboutArchive(err):
		return nil, err
	case err != nil:
		return nil, &argumentError{"--from", err}
	}
	return p, nil
}

// sizeError is why a size cannot be used, as the end of a sentence.
type sizeError string

const (
	errNoSize  sizeError = "it is a number of bytes such as 500K, 20M, 20MB or 1G."
	errTooMuch sizeError = "999T is the most."
)

func (e sizeError) Error() string { return string(e) }

// parseSize reads a number of bytes, as [settings.ParseSize] does.
func parseSize(s string) (int64, error) {
	n, err := settings.ParseSize(s)
	switch {
	case errors.Is(err, settings.ErrSizeTooLarge):
		return 0, errTooMuch
	case err != nil:
		return 0, errNoSize
	}
	return n, nil
}

// planApps says of each app how it would move.
func (c *command) planApps(ctx context.Context, p mobile.Device) error {
	for a, err := range session.Apps(ctx, p) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if c.json {
			c.emit(jsonAppOf(a))
			continue
		}
		line := "  " + say.Path(a.Package) + ": "
		if a.Err != nil {
			c.print("%sdoes not move. %s", line, say.Reason(backup.ReasonOf(a.Err)))
			if why := appDetail(a.Err); why != "" {
				c.print("    (%s)", why)
			}
			continue
		}
		line += appForm(a.Form) + ", " + say.Bytes(a.Bytes) + " of at most " + say.Bytes(a.Quota)
		if a.LeftOut > 0 {
			line += "; stays behind: " + archiveFiles(a.LeftOut) + ", " + say.Bytes(a.LeftOutBytes)
		}
		c.print("%s", line)
	}
	return nil
}

// appForm says in words how an app moves.
func appForm(f android.RestoreType) string {
	switch f {
	case android.RestoreKeyValue:
		return "records"
	case android.RestoreFull:
		return "files"
	}
	return "none"
}

// appDetail is what lies behind a reason, such as the rule that forbids it.
func appDetail(err error) string {
	var e *backup.Error
	if errors.As(err, &e) && e.Err != nil {
		return say.Path(e.Err.Error())
	}
	return ""
}

type jsonApp struct {
	Event        string `json:"event"`
	Package      string `json:"package"`
	Version      int64  `json:"version"`
	Form         string `json:"form"`
	Items        int64  `json:"items"`
	Bytes        int64  `json:"bytes"`
	LeftOut      int64  `json:"left_out"`
	LeftOutBytes int64  `json:"left_out_bytes"`
	Quota        int64  `json:"quota"`
	Reason       string `json:"reason,omitempty"`
	Error        string `json:"error,omitempty"`
	Detail       string `json:"detail,omitempty"`
}

func jsonAppOf(a apps.Plan) jsonApp {
	j := jsonApp{
		Event: "app", Package: a.Package, Version: a.Version, Form: appForm(a.Form), Items: a.Items, Bytes: a.Bytes,
		LeftOut: a.LeftOut, LeftOutBytes: a.LeftOutBytes, Quota: a.Quota,
	}
	if a.Err != nil {
		r := backup.ReasonOf(a.Err)
		j.Reason, j.Error, j.Detail = r.Name(), say.Reason(r).What, appDetail(a.Err)
	}
	return j
}
