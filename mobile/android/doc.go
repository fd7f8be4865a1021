// Package android is the contract of Android's backup framework: what an app's
// agent does, what a transport does, and the numbers that both know.
//
// An [Agent] stands for one app. It writes and reads entities, and by optional
// interfaces of one method each it takes part in full backup and in the
// callbacks around a pass. A [Transport] carries what agents write and gives it
// back. Neither knows the other: package manager runs both. The shapes, values
// and guarantees are those of android.app.backup; docs/android-backup.md has a
// row for each member of that API.
//
// The package is a leaf: agents, transports and the manager import it, and it
// knows none of them. The byte formats are in the packages below it.
//
// Its worst moment is an agent or a transport that fails half way. Whatever an
// earlier pass stored is then still there, and an app whose restore failed is
// left empty, never half restored.
package android
