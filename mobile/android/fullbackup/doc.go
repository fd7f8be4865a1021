// Package fullbackup reads and writes the archive that holds an app's files:
// the tar dialect of Android's full backup, its _manifest and _meta entries,
// and the chunks in which an agent hands the archive to the framework.
//
// Headers are written by hand, because Android's reader takes a file's mode and
// size from the extended header and would misread what archive/tar writes. A
// [Reader] gives back everything a [Writer] needs to make the same bytes again:
// where a header is not one that Android itself would have written, it keeps
// the blocks as they were ([Header].Odd).
//
//	apps/<package>/_manifest          first of each package
//	apps/<package>/_meta              only where there are widgets
//	apps/<package>/<token>/<path>     f, db, sp, r, ef, … in this order
//	shared/<volume>/<path>            shared storage, last
//
// The layouts are those of AOSP BackupHelpers.cpp, TarBackupReader.java and
// AppMetadataBackupWriter.java.
//
// Its worst moment is an archive that is partly damaged. What can be skipped is
// skipped and named with its reason and its offset ([EntryError]); reading ends
// only where the next header cannot be found any more ([DamageError]).
package fullbackup
