// Package fullagent is Android's own agent for apps that bring none: it backs
// up and restores all of an app's files (AOSP BackupAgent.onFullBackup and
// onRestoreFile, FullBackupAgent.java).
//
// The app's folder is laid out as an archive is, a folder for each domain:
//
//	r  d_r  f  d_f  db  d_db  sp  d_sp  ef  obb      in this order
//
// c, nb and their twins, and of r the caches, no_backup and native code, are
// never backed up. Within a domain a folder comes before what is in it, its
// files before its folders, names in the order of their bytes; the domain's
// folder itself is no entry. The order is the same in every pass and on every
// file system, which Android's is not. One folder's names are in memory at a
// time, and the folders that are still to be read.
//
// Links, pipes and sockets are not backed up, and the app's rules leave things
// out in both directions. [Options.LeftOut] hears of each.
//
// Restored files appear whole under their names. Folders are writable while
// files come, and get their own mode and time when the stream has gone on to
// another folder, the last ones in RestoreFinished.
//
// Its worst moment is an archive that somebody made to write elsewhere: names
// with "..", or a link that waits where a folder should be. The name is checked
// once, in package domain; everything happens below one [os.Root]; and a folder
// is entered only if it is one.
package fullagent
