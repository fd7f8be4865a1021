// Package fakephone is a whole phone from a seed, in any script, of any size,
// without a disk.
//
// [New] makes a [Device] whose agents have the same kinds as a real phone's.
// Item i of a kind is computed from the seed, the kind and i, and so is every
// block of its content: a million photos take no memory and open at any offset
// at once. As a target it takes everything in and keeps of each file what is
// needed to compare it ([Equal]): key, size, time and digest.
//
// Its worst moment is a test that passes because the fake is kinder than a
// phone. So names that a phone refuses are refused, a full phone says so, a
// file that was not filled fails, a name that is taken is kept beside, and on
// request items cannot be read or change while they are being read.
package fakephone
