// Package mobile reads and writes a phone's data.
//
// A [Device] is one phone: a name, the agents that it has, and its free
// space. The packages below hold the contract (backup), one package for each
// kind of data, the devices there are (phone) and one that needs no disk
// (fakephone).
package mobile

import "github.com/ferry-move/ferry/mobile/backup"

// Device is one phone, or what stands for it.
type Device interface {
	// Agents returns the agents of this device in the order in which their
	// data moves.
	Agents() []backup.Agent
	// Free returns how many bytes can be written. It fails where that cannot
	// be known.
	Free() (int64, error)
	// Close releases the device.
	Close() error
}

// FileCounter is the optional interface of a [Device] whose disk holds only so many
// files, however small they are.
type FileCounter interface {
	// FreeFiles returns how many more fit. It fails where that cannot be known.
	FreeFiles() (int64, error)
}

// Locker is the optional interface of a [Device] that can keep others from
// receiving into it at the same time, whoever they are and however they reach it.
type Locker interface {
	// Lock fails at once if somebody else has the lock. It ends with unlock, with
	// the device's program at the latest.
	Lock() (unlock func() error, err error)
}
