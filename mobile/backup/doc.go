// Package backup is the contract between the data on a phone and whatever
// moves it.
//
// An [Agent] stands for one kind of data. It describes itself, opens a
// [Backup] that yields items, and opens a [Restore] that takes them in. An
// [Item] is either an entity (a key and a value: a contact, a message), a whole
// file that opens at an offset, or a directory. The shape follows Android's
// backup agents; flags, types and their numbers are Android's own.
//
// The package is a leaf: every kind of data implements it, the transfer engine
// calls it, and neither side knows the other.
//
// Its worst moment is an item that cannot be read or applied. That never ends
// a run: the item carries its [Reason], is counted once as failed, and the
// next one goes on.
package backup
