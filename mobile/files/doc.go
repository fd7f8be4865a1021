// Package files moves a phone's shared storage: photos, videos, music,
// documents, downloads, recordings and every other file.
//
// The storage is one [os.Root]. The folders at its top say what kind a file is:
//
//	DCIM, Pictures   photos; files that end like a video belong to videos
//	Movies           videos
//	Music            music
//	Documents        documents
//	Download         downloads
//	Recordings       recordings
//	anything else    files, and so are the files at the very top
//
// Folder names are compared byte for byte. A folder that belongs to an agent
// of another package is claimed in [Options] and left alone; of one that is
// shared (Contacts), what the other package does not take is files.
// Folders are items of their own, empty ones too; those in DCIM and Pictures
// belong to photos.
//
// Names are bytes. A name that could not be written safely under itself is
// mapped by [MapKey]; one that is taken gets " (1)", " (2)" and so on. Nothing
// that was there before is ever replaced, changed or removed.
//
// A file arrives in a temporary file beside its final place (or above it, as
// long as its folder does not exist), gets its time and permissions, is forced
// to the disk together with the rest of its batch, and only then takes its
// name, by a rename that fails when the name is taken. What came of one that did
// not arrive whole can be kept for a later run, cut to its length.
// No symbolic link is ever followed, not even one inside the storage: each
// folder is opened by itself, below the folder that holds it, and compared with
// what was there under that name.
//
// Its worst moment is somebody else renaming things in the same storage while
// it works. A folder that went away is made again where it belongs, a file
// whose place is lost fails as Unwritable and comes with the next run, and one
// that changes while it is read fails as Changed and is never delivered as if
// it were whole.
package files
