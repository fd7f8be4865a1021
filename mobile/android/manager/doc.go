// Package manager decides which apps are backed up and restored, and when, and
// keeps what has to be known between two passes: Android's BackupManagerService
// as a library (AOSP UserBackupManagerService, KeyValueBackupTask,
// PerformFullTransportBackupTask, PerformUnifiedRestoreTask).
//
// Apps are registered with their agents. [Manager.DataChanged] notes that an
// app has something new, and a pass runs over those: [Manager.RunKeyValue],
// [Manager.RunFull], or [Manager.Backup] for both. [Manager.Restore] brings a
// set back. Only one of them runs at a time; an app that fails is reported and
// the next one goes on, unless the transport itself is at its end.
//
// What a pass leaves in the state folder:
//
//	disabled               backup is off, and nothing else is here
//	ancestral              tokens of the sets (pm.Tokens)
//	pending/N              journals: names of apps that have something new
//	restoring/PKG          this app's restore has begun and not ended
//	processed              names of apps that the current set has
//	DIR/PKG.state          what PKG's agent left after its last good pass
//	DIR/PKG.new            the same for the pass under way
//	DIR/backing-up/PKG     PKG was backed up; pings when nothing changed
//	stage/                 entity streams on their way
//
// DIR is the transport's. A state without DIR/@pm@.state belongs to no set: the
// next pass has the transport initialised and begins anew.
//
// Where Android's code is laxer than its documentation, the documentation
// counts: an agent that fails, panics or takes too long is rolled back, and of
// a restore that failed nothing stays.
//
// # Agents that do not return
//
// Every call of an agent has a goroutine and a context of its own. Once the
// context has ended the agent has [Timeouts].Grace to return. After that the
// call counts as failed and the agent is given up: whatever it was handed
// answers with an error from then on, so it can reach neither the transport nor
// the states; its Destroy follows when it returns at last; and until then its
// app is refused. [Manager.Close] waits for it.
//
// # The worst moment
//
// The program is killed between the transport's FinishBackup and the rename of
// the new state. The old state then stands for a set that is a little further:
// the next pass sends the same changes once more, and nothing is lost. The
// other order would lose them, so a state is never there before what it
// describes. A restore that is cut leaves its mark, and the app is cleared
// before anything else is done with it.
package manager
