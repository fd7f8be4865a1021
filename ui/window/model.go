package window

import (
	"io"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
)

// model is the flow, as the window uses it.
type model interface {
	Snapshot() flow.Snapshot
	Prefer(name string, verify bool)
	Close()

	BeOld(source string)
	BeNew(into string)
	Leave()
	Back()
	Choose(id discovery.InstanceID)
	GoTo(text string)
	TypeCode(text string)
	Password(text string)
	TakeKind(k backup.Kind, on bool)
	Take(e flow.Entry, on bool)
	Items(kind backup.Kind, from, n int) flow.Page
	Open(e flow.Entry) (io.ReadSeekCloser, int64, error)
	Preview()
	Move()
	Answer(accept bool, kinds []backup.Kind)
	Pause()
	Resume()
	Cancel()
	Again()
	Finish()
}
