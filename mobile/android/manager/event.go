package manager

// EventID is an event of BackupManagerMonitor, with its number. One that
// explains a failure is also the error, so errors.Is(err, manager.NewerData)
// works.
type EventID int

// The events that the manager reports (AOSP BackupManagerMonitor.java).
const (
	FullCancel           EventID = 4
	IllegalKey           EventID = 5
	NoDataToSend         EventID = 7
	Ineligible           EventID = 9
	KeyValueParticipant  EventID = 10
	AppStopped           EventID = 11
	NotFound             EventID = 12
	BackupDisabled       EventID = 13
	PreflightError       EventID = 16
	QuotaHit             EventID = 18
	KeyValueCancel       EventID = 21
	NoRestoreMetadata    EventID = 22
	NoMetadataReceived   EventID = 23
	MetadataUnusable     EventID = 24
	LostTransport        EventID = 25
	NotInstalled         EventID = 26
	NewerData            EventID = 27
	NoAgent              EventID = 28
	SignatureMismatch    EventID = 29
	KeyValueTimeout      EventID = 31
	AnyVersion           EventID = 34
	SameVersion          EventID = 35
	NewerDataNoAPK       EventID = 36
	FullSignature        EventID = 37
	SystemAppNoAgent     EventID = 38
	BackupNotAllowedHere EventID = 39
	MissingSignature     EventID = 42
	OtherPackage         EventID = 43
	FullTimeout          EventID = 45
	CorruptManifest      EventID = 46
	NonIncremental       EventID = 51
)

// Category groups events.
type Category int

// The categories of BackupManagerMonitor.
const (
	CategoryTransport Category = 1
	CategoryAgent     Category = 2
	CategoryPolicy    Category = 3
)

type eventText struct {
	category Category
	text     string
}

var events = map[EventID]eventText{
	FullCancel:           {CategoryAgent, "the full backup was cancelled"},
	IllegalKey:           {CategoryAgent, "the app's agent used a key of the system"},
	NoDataToSend:         {CategoryAgent, "nothing to send"},
	Ineligible:           {CategoryPolicy, "this app is not backed up"},
	KeyValueParticipant:  {CategoryPolicy, "this app moves by its own agent, not by files"},
	AppStopped:           {CategoryPolicy, "the app is stopped; open it once"},
	NotFound:             {CategoryPolicy, "the app is not installed"},
	BackupDisabled:       {CategoryPolicy, "backup is turned off"},
	PreflightError:       {CategoryAgent, "the app's data could not be measured"},
	QuotaHit:             {CategoryTransport, "the app sent more data than the transport takes"},
	KeyValueCancel:       {CategoryAgent, "the backup was cancelled"},
	NoRestoreMetadata:    {CategoryTransport, "the set does not begin with its list of apps"},
	NoMetadataReceived:   {CategoryTransport, "the set's list of apps did not arrive"},
	MetadataUnusable:     {CategoryTransport, "the set's list of apps cannot be used"},
	LostTransport:        {CategoryTransport, "the transport was lost"},
	NotInstalled:         {CategoryPolicy, "the app is not installed"},
	NewerData:            {CategoryPolicy, "the data is of a newer version of the app; update it first"},
	NoAgent:              {CategoryPolicy, "the app has no agent that takes this data"},
	SignatureMismatch:    {CategoryPolicy, "the app is signed by somebody else"},
	KeyValueTimeout:      {CategoryAgent, "the app took too long with its data"},
	AnyVersion:           {CategoryPolicy, "the app takes data of any version"},
	SameVersion:          {CategoryPolicy, "the app is at least as new as its data"},
	NewerDataNoAPK:       {CategoryPolicy, "the archive is of a newer version of the app; update it first"},
	FullSignature:        {CategoryPolicy, "the archive is of an app signed by somebody else"},
	SystemAppNoAgent:     {CategoryPolicy, "a part of the system without an agent"},
	BackupNotAllowedHere: {CategoryPolicy, "the app does not want to be backed up"},
	MissingSignature:     {CategoryPolicy, "the archive does not say who signed the app"},
	OtherPackage:         {CategoryPolicy, "the archive is of another app"},
	FullTimeout:          {CategoryAgent, "the app took too long with a file"},
	CorruptManifest:      {CategoryPolicy, "the archive's description of the app cannot be read"},
	NonIncremental:       {CategoryTransport, "the transport needs the complete data"},
}

// Error implements error.
func (e EventID) Error() string { return e.text() }

func (e EventID) text() string {
	if t, ok := events[e]; ok {
		return t.text
	}
	return "an unknown event"
}

// Category returns the event's category.
func (e EventID) Category() Category { return events[e].category }

// Event tells a monitor why something did or did not happen
// (BackupManagerMonitor.onEvent).
type Event struct {
	ID      EventID
	Package string
	// Err is the cause, or nil.
	Err error
}

// Progress tells how far an app is (BackupObserver.onUpdate and
// RestoreObserver.onUpdate).
type Progress struct {
	Package string
	// Expected and Transferred are in bytes. Expected is 0 where it is not
	// known.
	Expected, Transferred int64
}
