// Package phone says which agents a device has.
//
// [OpenFolder] makes a phone of a folder, laid out like a phone's shared
// storage:
//
//	Contacts/            contacts, as vCard files; what else is there goes with files
//	DCIM/ Pictures/      photos, and the videos among them
//	Movies/              videos
//	Music/               music
//	Documents/           documents
//	Download/            downloads
//	Recordings/          recordings
//	anything else        files
//
// A folder that is missing is empty. Everything below goes through one
// [os.Root], so nothing outside the folder is read or written, whatever names
// the other phone sends.
//
// Its worst moment is a folder that cannot be used: that is told before
// anything starts, by an error that errors.Is knows as [fs.ErrNotExist],
// [ErrNotFolder] or [fs.ErrPermission], and that does not print the path.
package phone
