// Package local is a transport that writes to a folder: the backup of somebody
// who has no second phone yet. Like AOSP's LocalTransport it keeps each app's
// data for itself, as entities or as a tar stream, in files that any other
// program can read.
//
//	set                     says that the folder is a backup, and holds its token
//	apps/com.example.notes/ one folder for each app; see folderName
//	  3-52428-1c291ca3.entities
//	  4-91136-e3069283.tar  an app has either; the highest number counts
//	partial/                what no FinishBackup has confirmed
//
// A file's name is its generation, its length in bytes, and its CRC-32C, so
// that one rename makes it whole. Entities are one stream of package entity,
// sorted by key, each key once and no deletions: what a restore is given. A tar
// is the app's stream as it came.
//
// A changed set of entities is merged with the stored one on its way into a new
// file, so no pass holds more than a few megabytes. What arrives unsorted is
// sorted in memory as far as that goes, and then in runs on the disk.
//
// The folder is one device's, and is open in one process at a time. Whoever
// opens it a second time takes the unfinished pass away from the first, whose
// FinishBackup then fails.
//
// The worst moment is a power cut in FinishBackup. The new file is on the disk
// before it gets its name, and the one before goes only after the new name is
// on the disk as well: one of the two generations is there, whole. A file that
// was damaged later is noticed by its name. A restore then refuses this app,
// and the next pass asks for the complete data.
package local
