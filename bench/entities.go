//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
)

// recordSize is what one record takes in the stream, in bytes: a header of 12, a
// key of 15 with its NUL in 16, a value of 172, which needs no padding.
const recordSize = 200

// recordApp is the app that has the records.
const recordApp = "org.example.records"

// makeEntities makes an app with n records of 200 bytes, as Android's agents
// write them (AOSP BackupData.cpp): to ferry n items, to everybody else a file.
func makeEntities(m *maker, n int) error {
	b := make([]byte, 0, n*recordSize)
	for i := range n {
		key := fmt.Sprintf("record/%08d", i)
		b = append(b, "Data"...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(key)))
		value := recordSize - 12 - len(key) - 1
		b = binary.LittleEndian.AppendUint32(b, uint32(value))
		b = append(b, key...)
		b = append(b, 0)
		b = append(b, m.noise(value)...)
	}
	// Version of the format, package, its version, the system's, no installer,
	// no package itself, no certificates.
	manifest := lines("1", recordApp, "1", "34", "", "0", "0")
	if err := m.put("apps/"+recordApp+"/k/_manifest", []byte(manifest)); err != nil {
		return err
	}
	return m.put("apps/"+recordApp+"/k/"+recordApp+".data", b)
}
