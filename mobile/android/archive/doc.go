// Package archive does what a person wants done with an archive of Android: an
// .ab file, or the bare tar of a full backup. [Walk] passes over one, [List]
// says what is in it, [Check] looks for damage, [Extract] unpacks it into a
// folder-phone, and [Create] makes an archive of a folder-phone.
//
// All of them read and write once, from the beginning to the end. What they
// hold in memory does not grow with the size of an archive or the number of its
// files; only [List] and what is built on it keep one line for each app.
//
// In a folder-phone, an archive lies like this:
//
//	apps/PACKAGE/_manifest        what Android noted about the app
//	apps/PACKAGE/_meta            its widgets
//	apps/PACKAGE/f/… db/… sp/…    its files, by domain (see package domain)
//	apps/PACKAGE/k/_manifest
//	apps/PACKAGE/k/PACKAGE.data   its key/value data
//	apps/PACKAGE/_index           the headers that the archive had for the app
//	apps/PACKAGE/_index.k         the same for its key/value data
//	apps/shared/_index            the same for shared storage
//	DCIM/… Music/… …              shared storage, volume 0
//	shared-N/…                    shared storage, volume N
//
// apps, Contacts, Calendar, Messages and shared-N at the top of a folder-phone
// have a meaning of their own. A folder of shared storage that is called like
// one of them, in any case of its letters, lies in shared-0 instead.
//
// An index lets Create write the very bytes of the tar that Extract read: order,
// owners, modes and unusual headers. It is text, and says nothing about content.
// The first record compares itself to one of zeros and empty names.
//
//	ferry-archive-index 1
//	run 3                                       the place among the archive's apps
//	f MODE UID GID SIZE TIME DOMAIN PATH        a file; d: a folder; with x behind
//	                                            it: an extended header though the
//	                                            name would not need one
//	o HEADER                                    the header blocks of the record
//	                                            above, if they are unusual
//	end 17                                      the number of files and folders
//
// MODE is octal, the other numbers decimal, TIME in seconds since 1970. A field
// that is as in the record before is "=", an empty domain "-". Bytes below
// 0x20, 0x7f and the backslash are \xHH; in a domain the space too. In HEADER,
// n zero bytes, three or more, are \0n; and a semicolon. There is one way only
// to write each record; an index with any other is not used.
//
// Everything is hostile: an archive, an index, and what lies in the folder. All
// access goes through one [os.Root] and follows no link; only files and folders
// are read or made; what exists is never overwritten.
//
// Its worst moment is an archive that ends in the middle, or a disk that does.
// What was complete before stays, the app that was under way is removed, and
// the error says where in the file it happened. An app is forced to the disk
// before it gets its name, where a file system can be flushed at once (package
// syncfs); elsewhere, after a power cut, extract again: what is whole is passed
// over.
package archive
