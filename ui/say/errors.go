package say

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Problem is what went wrong, in a sentence, and what to do about it.
type Problem struct {
	What string
	Next string
}

// String joins the two.
func (p Problem) String() string {
	if p.Next == "" {
		return p.What
	}
	return p.What + " " + p.Next
}

// reasons has a Problem for each backup.Reason.
var reasons = map[backup.Reason]Problem{
	backup.Unknown:     {"It failed for a reason that is not known.", "Run the move again."},
	backup.Unreadable:  {"The old phone does not let it be read.", "Check its permissions there and run the move again."},
	backup.Vanished:    {"It was gone when its turn came.", "If you still need it, run the move again."},
	backup.Changed:     {"It changed while it was being read.", "Run the move again when nothing writes to it."},
	backup.NotRegular:  {"It is a link, a pipe, a socket or a device, which has no content of its own.", "If it is a link to something that you need, copy that by hand."},
	backup.BadName:     {"Its name cannot be used on another device.", "Rename it on the old phone and run the move again."},
	backup.NoSpace:     {"The new phone is full.", "Free some space there and run the move again: what has arrived is not sent twice."},
	backup.TooLarge:    {"It is too large for where it should go.", "Copy it by hand to another place."},
	backup.Damaged:     {"What arrived was not what was read.", "Run the move again."},
	backup.Malformed:   {"It is not in the form that it should have.", "Open it on the old phone, save it anew, and run the move again."},
	backup.Unsupported: {"The new phone does not know this kind of data.", "Update Ferry there and run the move again."},
	backup.Declined:    {"It was left out on the new phone.", "Run the move again and accept it there."},
	backup.Unwritable:  {"The new phone does not let it be written.", "Check the permissions of its folder there and run the move again."},
	backup.OverQuota:   {"Its app has more data than one app may move.", "Run the move again with a larger --app-quota."},
	backup.NotAllowed:  {"Its app does not let its data be moved.", "Look in the app itself for a way to take the data along."},
	backup.OtherApp:    {"The new phone has an app of that name that somebody else signed.", "Remove that app there and run the move again."},
	backup.OlderApp:    {"The app on the new phone is older than this data.", "Update the app there and run the move again."},
	backup.Incomplete:  {"A part of the app's data did not arrive, so nothing of it was restored.", "Run the move again: what has arrived is not sent twice."},
	backup.AppFailed:   {"The app could not hand its data over or take it back.", "Run the move again; if it fails again, look in the app itself for a way to take the data along."},
	backup.TooDeep:     {"It lies in more than 127 folders, or in some whose names are too long together. It stays behind, with everything in it.", "Move it out of some of these folders on the old phone and run the move again."},
}

// Reason says why an item was not moved.
func (w Words) Reason(r backup.Reason) Problem {
	if p, ok := reasons[r]; ok {
		return w.problem(p)
	}
	return w.problem(Problem{"It failed for a reason that this version does not know ({{.Reason}}).", "Update Ferry and look again."}, Fields{"Reason": fmt.Sprint(uint64(r))})
}

const (
	again = "Start it again on both devices: what has arrived is not sent twice."
	stays = "What has arrived stays. Start the move again, and it goes on from there."
)

// stops has a Problem for each way in which a session is ended, as the device
// reads it that was told.
var stops = map[wire.StopKind]Problem{
	wire.StopCancelled: {"The move was cancelled on the other device.", stays},
	wire.StopRefused:   {"The move was refused on the new phone.", "Start it again and accept it there."},
	wire.StopBusy:      {"The new phone is busy with another move.", "Wait until that one has ended and try again."},
	wire.StopVersion:   {"The two devices run versions of Ferry that do not understand each other.", "Update Ferry on both."},
	wire.StopFlags:     {"The other device does not offer a move from device to device.", "Update Ferry there."},
	wire.StopProtocol:  {"The two devices did not understand each other.", "Update Ferry on both and try again."},
	wire.StopNoSpace:   {"The new phone does not have enough free space for this.", "Free some space there, or send fewer kinds with --kinds."},
	wire.StopDisagree:  {"The two devices do not agree on what was moved, so the move counts as incomplete.", again},
	wire.StopInternal:  {"The other device met an error and ended the move.", "See what it says there. " + again},
	wire.StopTimeout:   {"Nobody answered in time.", again},
	wire.StopUnpaired:  {"The new phone no longer waits for this one: too much time has passed since its code was typed, or it was started again.", "Try again, with the code that it shows now."},
}

// ended are those that read otherwise on the device that ended the session.
var ended = map[wire.StopKind]Problem{
	wire.StopCancelled: {"The move was cancelled.", stays},
	wire.StopRefused:   {"You refused the move, and nothing of it was kept.", "If that was a mistake, start it again on the old phone."},
	wire.StopBusy:      {"Another move into this folder is under way.", "Wait until it has ended."},
	wire.StopNoSpace:   {"There is not enough free space here, so the move was refused.", "Free some space, or send fewer kinds with --kinds on the old phone, and start it again there."},
	wire.StopInternal:  {"This device met an error and ended the move.", again},
}

// readOnly is said of a disk that takes nothing.
var readOnly = Problem{"Nothing can be written there.", "Choose another place, or make that disk writable."}

func (w Words) stopped(e *transfer.StopError) Problem {
	if e.Kind == wire.StopNoSpace && e.Remote && e.Missing > 0 {
		return w.problem(Problem{"The new phone does not have enough free space for this: it lacks {{.Missing}}.", stops[e.Kind].Next}, Fields{"Missing": w.Bytes(e.Missing)})
	}
	if p, ok := ended[e.Kind]; ok && !e.Remote {
		return w.problem(p)
	}
	if p, ok := stops[e.Kind]; ok {
		return w.problem(p)
	}
	p := Problem{"The move was ended by this device, for a reason that this version does not know ({{.Reason}}).", again}
	if e.Remote {
		p.What = "The move was ended by the other device, for a reason that this version does not know ({{.Reason}})."
	}
	return w.problem(p, Fields{"Reason": fmt.Sprint(uint64(e.Kind))})
}

// Interrupted says that the person here ended a move that was under way.
func (w Words) Interrupted() Problem { return w.problem(Problem{"Interrupted.", stays}) }

// Error says what an error of a whole run means.
func (w Words) Error(err error) Problem {
	var stop *transfer.StopError
	var unverified *session.UnverifiedError
	switch {
	case err == nil:
		return Problem{}
	case errors.As(err, &unverified):
		return w.notVerified(unverified.Err)
	case !errors.Is(err, journal.ErrBusy) && errors.As(err, &stop):
		return w.stopped(stop)
	}
	p, fields := w.failed(err)
	return w.problem(p, fields)
}

// failed returns the messages about any other error, and their fields.
func (w Words) failed(err error) (Problem, Fields) {
	var wrong *pairing.WrongCodeError
	var several *session.AmbiguousError
	var like *session.AmbiguousIDError
	var others *session.NoMatchError
	var version *pairing.VersionError
	var home *session.HomeError
	switch {
	case errors.Is(err, journal.ErrBusy):
		return ended[wire.StopBusy], nil
	case errors.Is(err, context.Canceled):
		return ended[wire.StopCancelled], nil
	case errors.As(err, &wrong):
		if wrong.TriesLeft > 0 {
			return Problem{"That is not the code on the new phone.", "{{.Tries}} left."}, Fields{"Tries": w.Tries(wrong.TriesLeft)}
		}
		return Problem{"That is not the code on the new phone, which shows a new one now.", "Start again with that one."}, nil
	case errors.Is(err, pairing.ErrCodeChanged):
		return Problem{"The new phone shows another code by now.", "Start again with that one."}, nil
	case errors.Is(err, pairing.ErrTooManyTries):
		return Problem{"There were too many wrong codes: somebody on this network may be guessing.", "Start again on the new phone, on a network that you trust."}, nil
	case errors.Is(err, pairing.ErrBadCode):
		return Problem{"That is not a code: it has seven digits, as the new phone shows them.", "Try again."}, nil
	case errors.Is(err, pairing.ErrBadLink):
		return Problem{"That is not the text of a QR code of Ferry's.", "Try again with the seven digits."}, nil
	case errors.Is(err, pairing.ErrUnproven), errors.Is(err, pairing.ErrWrongDevice), errors.Is(err, p2p.ErrOtherDevice):
		return Problem{"The device that answered is not the one that shows the code.", "Make sure that you are on a network that you trust, and try again."}, nil
	case errors.Is(err, pairing.ErrRefused), errors.Is(err, pairing.ErrClosed):
		return Problem{"The new phone takes no code at present: it may be busy with another move.", "Wait until that one has ended, or start receiving on it again."}, nil
	case errors.As(err, &version):
		return stops[wire.StopVersion], nil
	case errors.Is(err, pairing.ErrProtocol), errors.Is(err, transfer.ErrProtocol), errors.Is(err, wire.ErrFrame):
		return stops[wire.StopProtocol], nil
	case errors.As(err, &several):
		return Problem{"Several new phones were found: {{.Devices}}.", "Say which one with --to NAME, or with --at ADDRESS."}, Fields{"Devices": w.names(several.Candidates)}
	case errors.As(err, &others):
		return Problem{"No new phone of that name was found, but there are others: {{.Devices}}.", "Give one of these names with --to, or leave --to out."}, Fields{"Devices": w.names(others.Candidates)}
	case errors.Is(err, session.ErrUnknownDevice):
		return Problem{"Nothing is kept about a device of that ID.", "The ID is in a receipt; see \"ferry verify\"."}, nil
	case errors.As(err, &like):
		return Problem{"That fits several devices: {{.Devices}}.", "Give more of the ID."}, Fields{"Devices": w.ids(like.Devices)}
	case errors.Is(err, session.ErrNobody):
		return Problem{"No new phone was found.", "Start \"ferry receive\" there, on the same Wi-Fi, or give its address with --at HOST:PORT."}, nil
	case errors.Is(err, p2p.ErrCrowded):
		return Problem{"The new phone is linked to too many devices, and takes no more.", "Wait a minute and try again. If it stays so, somebody may be disturbing it: use another network."}, nil
	case errors.Is(err, p2p.ErrSelf):
		return Problem{"The new phone that answered is this device itself: both have the same key.", "Start \"ferry receive\" on the other device. To have both on this one, set FERRY_HOME to another folder for one of them."}, nil
	case errors.Is(err, p2p.ErrUnreachable):
		return Problem{"The new phone does not answer.", "Check that \"ferry receive\" runs there, that both are on the same network, and that no firewall keeps UDP out."}, nil
	case errors.Is(err, session.ErrNoPreview):
		return Problem{"The new phone has an older version of Ferry, which cannot say beforehand what would happen.", "Update Ferry there, or move without looking first: nothing there is deleted or overwritten."}, nil
	case errors.Is(err, session.ErrReplaced):
		return Problem{"The move whose link was lost is over: another one has begun in its place.", "What has arrived is safe, and is not sent twice."}, nil
	case errors.Is(err, session.ErrDisplaced):
		return Problem{"Another move has begun on the new phone in place of this one.", "What has arrived is safe. When that one has ended, start this one again, with the code that the new phone shows then."}, nil
	case errors.Is(err, session.ErrGone):
		return Problem{"The new phone does not know this move any more: it was started again, or has waited too long.", "What has arrived is safe. Start the move again here too."}, nil
	case errors.Is(err, transfer.ErrLinkLost):
		return Problem{"The two devices lost each other.", "What has arrived is safe, and is not sent twice. Start it again on both devices."}, nil
	case errors.Is(err, identity.ErrExposed):
		return Problem{"Other users of this computer can read this device's key, {{.File}}.", "Make it yours alone (chmod 600) and start again."}, Fields{"File": w.keyFile()}
	case errors.Is(err, identity.ErrDamaged):
		return Problem{"This device's key is damaged: {{.File}}.", "Move that file away; Ferry then makes a new key, and old receipts stay valid."}, Fields{"File": w.keyFile()}
	case about(w.aboutSettings(err)):
		return w.aboutSettings(err)
	case errors.Is(err, history.ErrExists):
		return Problem{"There is a file of that name already.", "Choose another name."}, nil
	case errors.As(err, &home):
		return Problem{"Ferry cannot keep its own files in {{.Folder}}: {{.Cause}}.", "Put that right, or set FERRY_HOME to a folder that you may write to."}, Fields{"Folder": w.homeFolder(), "Cause": cause(root(home.Err))}
	case errors.Is(err, syscall.EADDRINUSE):
		return Problem{"Another program uses that port already.", "Choose another with --port, or leave it out."}, nil
	case AboutArchive(err):
		return archiveError(err)
	case errors.Is(err, phone.ErrTaken):
		return Problem{"Another Ferry receives into that folder already.", "Stop it there, or choose another folder with --into."}, nil
	case errors.Is(err, phone.ErrNotFolder):
		return Problem{"That is not a folder.", "Give the folder that holds DCIM, Documents, Contacts and so on."}, nil
	case errors.Is(err, receipt.ErrSignature):
		return Problem{"This receipt was changed after it was signed.", "Do not rely on it."}, nil
	case errors.Is(err, receipt.ErrMalformed):
		return Problem{"This is not a receipt of Ferry's, or it is damaged.", "Take the file as Ferry saved it."}, nil
	case errors.Is(err, fs.ErrNotExist):
		return Problem{"There is nothing of that name.", "Check how it is written."}, nil
	case errors.Is(err, fs.ErrPermission):
		return Problem{"You may not open it: {{.Cause}}.", "Check its permissions."}, Fields{"Cause": cause(root(err))}
	case backup.ReasonOf(err) == backup.NoSpace:
		return Problem{"This device's disk is full.", "Free some space and start again: what has arrived is not sent twice."}, nil
	}
	return Problem{"It failed: {{.Cause}}.", "Try again; if it stays so, report it with this line."}, Fields{"Cause": cause(err)}
}

// notVerified says that a move is complete, and why its verification is not.
func (w Words) notVerified(err error) Problem {
	var stop *transfer.StopError
	why := w.Say("it was cancelled.")
	switch {
	case errors.As(err, &stop) && stop.Remote && stop.Kind == wire.StopCancelled:
		why = w.Say("it was cancelled on the other device.")
	case !errors.Is(err, context.Canceled):
		why = w.Error(err).What
	}
	return w.problem(Problem{"The move is complete, and both devices signed for it, but the verification was not finished: {{.Why}}", "To verify it, run \"ferry send --verify\" again: what is there is not sent twice."}, Fields{"Why": why})
}

// Taken reports whether another ferry receives into the folder that was named.
func Taken(err error) bool { return errors.Is(err, phone.ErrTaken) }

func (w Words) homeFolder() string {
	home, err := session.Home()
	if err != nil {
		return w.Say("your configuration folder")
	}
	return Path(home)
}

func (w Words) keyFile() string { return w.homeFolder() + string(filepath.Separator) + "identity.key" }

// root is the system's own error, if there is one.
func root(err error) error {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	return err
}

// cause is an error's own text on one line.
func cause(err error) string { return Path(strings.ReplaceAll(err.Error(), "\n", "; ")) }

func (w Words) names(cs []discovery.Candidate) string {
	var out []string
	for _, c := range cs {
		n := Foreign(c.Name)
		if n == "" {
			n = w.Say("a device without a name")
		}
		out = append(out, fmt.Sprintf("%s (%s)", n, c.Addrs[0]))
	}
	return w.List(out)
}

func (w Words) ids(ds []identity.DeviceID) string {
	var out []string
	for _, d := range ds {
		out = append(out, string(d))
	}
	return w.List(out)
}
