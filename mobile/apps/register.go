package apps

import (
	"errors"
	"os"
	"path"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullagent"
	"github.com/ferry-move/ferry/mobile/android/manager"
	"github.com/ferry-move/ferry/mobile/android/replay"
	"github.com/ferry-move/ferry/mobile/android/rules"
	"github.com/ferry-move/ferry/mobile/backup"
)

// eligible refuses an app that does not let itself be moved.
func (a *app) eligible() error {
	if ok, why := rules.Eligible(a.rules, rules.DeviceTransfer); !ok {
		return backup.Fail("back up", Kind, backup.NotAllowed, errors.New(why.String()))
	}
	if a.form == android.RestoreFull {
		if why := a.scheme(rules.Query{Flags: backup.FlagDeviceToDeviceTransfer}).BackupReason(); why != rules.OK {
			return backup.Fail("back up", Kind, backup.NotAllowed, errors.New(why.String()))
		}
	}
	return nil
}

// scheme returns the rules that hold for a transfer.
func (a *app) scheme(q rules.Query) *rules.Scheme {
	q.Destination = rules.DeviceTransfer
	return rules.Select(a.rules, q)
}

// backedUp is an app that has files as the manager of a backup knows it. Its data
// lies below root.
func (a *app) backedUp(root *os.Root, e *emitter) manager.App {
	reg := manager.App{Package: a.Package}
	reg.Default = func() android.Agent {
		passes := 0 // the first one measures
		return fullagent.New(root, fullagent.Options{
			Backup: func(q rules.Query) *rules.Scheme {
				passes++
				return a.scheme(q)
			},
			LeftOut: func(l fullagent.LeftOut) {
				switch {
				case passes == 1, errors.Is(l.Err, fullagent.ErrRules), errors.Is(l.Err, fullagent.ErrNever):
					return
				case errors.Is(l.Err, domain.ErrUnknown): // it goes along with the framework's own files
					return
				}
				e.leftOut(path.Join(string(l.Domain), l.Path), l.Err)
			},
		})
	}
	return reg
}

// restored is the app as the manager of a restore knows it: as it will be, with
// its data below root.
func (a *app) restored(root *os.Root, form android.RestoreType) manager.App {
	reg := manager.App{Package: a.Package}
	if form == android.RestoreKeyValue {
		reg.HasAgent, reg.FullOnly, reg.NoBackup = true, false, false
		reg.Agent = a.replayer(root)
		return reg
	}
	reg.HasAgent = false
	together := canSync(root) // then restore forces everything to the disk at once
	reg.Default = func() android.Agent {
		return fullagent.New(root, fullagent.Options{Restore: a.scheme, NoSync: together})
	}
	return reg
}

func (a *app) replayer(root *os.Root) func() android.Agent {
	return func() android.Agent {
		r, err := replay.New(root, path.Join("k", a.Name+".data"), replay.Options{System: a.System})
		if err != nil { // no package's name is refused
			return nil
		}
		return r
	}
}
