// Package replay is the agent of an app whose key/value data lies in a file: an
// entity stream, as an unpacked archive holds it in k/PACKAGE.data. Backing up
// plays the file, restoring writes it.
//
// The first pass writes the records as they are in the file, in its order and
// with what it says twice. A later one writes those that differ from the old
// state, after the deletion of what the file no longer has. The state is this
// package's own, little-endian:
//
//	 0  "FRpl" 01 00 00 00
//	 8  SHA-256 of the whole file
//	40  uint32 CRC-32 of everything before it
//	    for each record of the file, in its order:
//	      uint16 key length, key, the first 16 bytes of the value's SHA-256 or
//	      zeros for a deletion, uint32 CRC-32 of everything before it
//	    and at the end: uint16 0, uint32 CRC-32 of everything before it
//
// Where there is an old state the agent holds 40 bytes for each record of the
// file, else none. Beyond [MaxIndex] records it writes everything and deletes
// nothing.
//
// Its worst moment is an old state that is damaged: what it wrongly calls stored
// would never be stored again. So every record is under a sum of its own, and
// one that does not fit makes the pass write everything.
package replay
