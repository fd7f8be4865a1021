// Package helper makes an agent out of helpers, each of which backs up one part
// of an app as key/value data (AOSP BackupAgentHelper.java,
// BackupHelperDispatcher.java).
//
// An [Agent] gives each [Helper] a prefix. In the stream a key is prefix:key;
// in the agent's state each helper has a chunk. [SharedPreferences] and [Files]
// store whole files (AOSP BackupHelpers.cpp), [Blob] what a program hands out
// in pieces of bytes (AOSP BlobBackupHelper.java). Entities and states are
// Android's, byte for byte; the formats are in packages entity and snapshot.
//
// The helpers of files see one [os.Root], the app's folder, and leave it
// neither by name nor by link. A file comes back whole or not at all.
//
// Its worst moment is a file that is there and cannot be read. Android takes it
// for deleted, and the copy that was stored goes with it. Here the pass fails:
// what was stored stays, and somebody is told.
package helper
