package flow

// Role is which of the two phones this device is.
type Role uint8

const (
	NoPhone  Role = iota // not chosen yet
	OldPhone             // it sends
	NewPhone             // it receives
)

// Screen is where a person is.
type Screen uint8

const (
	Start      Screen = iota
	Opening           // the phone is opened; an archive is read through
	Unlock            // the archive's password is asked for
	Find              // new phones appear
	Code              // the code on the new phone is asked for
	Counting          // the code was right; what is here is counted
	What              // what to move is chosen
	Previewing        // the new phone is asked what would become of it
	AskedThere        // the person at the new phone is asked
	Wait              // the new phone shows its code
	Asking            // the person at the new phone is asked, here
	Moving            // items move
	Verifying         // everything is read again on both phones
	Done              // both phones signed
	Problem           // it broke off
)

var screens = [...]string{
	"start", "opening", "unlock", "find", "code", "counting", "what", "previewing", "asked there", "wait", "asking", "moving",
	"verifying", "done", "problem",
}

// String returns a word for logs.
func (s Screen) String() string { return screens[min(s, Problem)] }

// underWay reports whether items move.
func (s Screen) underWay() bool { return s == Moving || s == Verifying }

// Try is what a person can do about a problem; a set.
type Try uint8

const (
	TryAgain Try = 1 << iota // Again: the same once more
	TryFind                  // Back: choose another new phone
	TryStart                 // Leave: begin at the start
)

// NoticeKind is what happened beside the screen's own matter.
type NoticeKind uint8

const (
	NoNotice    NoticeKind = iota
	CodeExpired            // the last code expired, this is a new one
	CodeUsedUp             // too many wrong codes, this is a new one
	CodeWrong              // a wrong code was typed
	CodeRight              // a device proved the code, and has not asked for anything yet
	Refused                // the person here refused an offer
	Withdrawn              // an offer ended before it was accepted; Err says why
)

// Erase is whether the old phone may be erased.
type Erase uint8

const (
	// EraseNo means that something would be lost; see EraseWhy.
	EraseNo Erase = iota
	// EraseYes means that everything is on the new phone.
	EraseYes
	// EraseByHand means that everything is there but for ByHand items.
	EraseByHand
	// EraseAskOld means that all that was offered is there. Only the old phone
	// knows whether that was everything.
	EraseAskOld
)

// EraseWhy is why the old phone is not to be erased.
type EraseWhy uint8

const (
	EraseFine     EraseWhy = iota
	NotSigned              // the two phones did not come to an account that both signed
	LeftOut                // something was left out by choice, here or there
	NotRead                // a whole kind could not be read
	NotSame                // something there could not be verified
	NotKnownMoved          // the account does not say what is missing
)
