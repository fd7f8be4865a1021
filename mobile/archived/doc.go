// Package archived is a phone that is an archive of Android: an .ab file, or the
// bare tar of a full backup. What it holds moves to another phone straight out
// of the file; nothing is unpacked on a disk.
//
// [Open] reads the archive once, and counts. Then each kind is listed in one
// pass from the beginning of the file to its last item. Apps are listed as
// package apps lists those of a folder, shared storage as package files does:
//
//	apps/PACKAGE/TOKEN/PATH    PACKAGE/TOKEN/PATH, of kind apps
//	apps/PACKAGE/_manifest     PACKAGE/_manifest; the same of _meta and k/_manifest
//	apps/PACKAGE/k/P….data     PACKAGE:KEY for each record, if the app has no files
//	                           PACKAGE, after all that belongs to it
//	shared/0/PATH              PATH, of the kind that its folder says
//	shared/N/PATH              shared-N/PATH
//
// A folder of shared storage whose name means something at the top of a phone
// (apps, Contacts, Calendar, Messages, shared-N) goes to shared-0. Caches and
// no_backup are left out. Folders that an archive passes over, and that its
// files need, are listed before them. Of a name that comes twice the first
// counts. An app moves as a whole or not at all; that it does not is one item.
//
// Content passes once, with the listing. A small file is held in memory from
// before it is listed until [backup.Releaser] says that it is no longer wanted;
// when too much is held, the listing waits. After a large file has been listed,
// the listing waits until it was opened and read or closed, or released without
// that. So whoever lists must, on the way, open or release what was listed, as
// the engines do. To open what has passed takes another pass, up to that entry:
// correct, and slow.
//
// Its worst moment is a file that changes between two passes, since what was
// counted is then no longer what comes. Every pass, and the end of every
// content, looks at its size and time; the listing ends with an item that says
// so, and apps that were not closed are not restored.
package archived
