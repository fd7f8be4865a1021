// Package journal remembers what arrived from one device in one place, so that
// a run that broke goes on from there and a second run sends nothing again.
//
// A journal is one file that only grows:
//
//	"ferry journal 1\n" and the sender's device ID, "\n"
//	records: u32 BE length of what follows · u8 type · body · u32 BE CRC-32C of type and body
//	  type 1, arrived: 16 bytes fingerprint · 32 bytes digest · u64 BE size · the kept name, if it differs
//	  type 2, temporary: a name that this device is about to create and that is not meant to stay, or, with a slash
//	          at its end, a folder that is not finished before its move is
//	  type 3, cleared: of the temporary names above this record none is left, and nothing is kept under them
//	  type 4, kept: the beginning of a file under a temporary name; drawn at [Kept]
//
// A record is believed only whole. A torn tail, which a crash leaves, is cut off
// when the journal is opened; damage before that is passed over, up to the next
// record that is whole. Arrived records are written only after the
// item's bytes and name are durable, so the journal may lag behind the disk but
// never runs ahead of it. In memory it holds 24 bytes for each item, and at most
// [MaxKept] beginnings. A type that a program does not know is skipped, so each
// version reads what any other one wrote.
//
// Its worst moment is a journal of another device, or of a newer version: it is
// set aside under another name, never trusted and never deleted.
package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

var errForeign = errors.New("not a journal of this device")

// strangeness says what a journal is that is not ours.
func strangeness(f io.ReaderAt) State {
	head := make([]byte, 32)
	n, _ := f.ReadAt(head, 0)
	var version int
	if k, _ := fmt.Sscanf(string(head[:n]), "ferry journal %d\n", &version); k == 1 && version > 1 {
		return Newer
	}
	return Foreign
}

// setAside renames a journal that is not ours out of the way.
func setAside(path string) error {
	for i := 1; i < 1000; i++ {
		aside := fmt.Sprintf("%s.aside-%d", path, i)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		return os.Rename(path, aside)
	}
	return fmt.Errorf("too many journals were set aside beside %s", filepath.Base(path))
}

func (j *Journal) load(head string) error {
	fi, err := j.f.Stat()
	if err != nil {
		return err
	}
	if fi.Size() == 0 && !j.looks {
		if _, err := j.f.Write([]byte(head)); err != nil {
			return err
		}
		j.end = int64(len(head))
		return j.f.Sync()
	}
	r := bufio.NewReaderSize(j.f, 256<<10)
	got := make([]byte, len(head))
	n, err := io.ReadFull(r, got)
	if err != nil && j.looks {
		return errForeign // empty, or torn
	}
	if err != nil && err != io.ErrUnexpectedEOF {
		return err
	}
	if err != nil && bytes.HasPrefix([]byte(head), got[:n]) { // torn while it was begun
		if err := j.f.Truncate(0); err != nil {
			return err
		}
		if _, err := j.f.WriteAt([]byte(head), 0); err != nil {
			return err
		}
		j.end = int64(len(head))
		return j.f.Sync()
	}
	if err != nil || string(got) != head {
		return errForeign
	}
	j.end = int64(len(head))
	var buf []byte
	for {
		rec, err := readRecord(r, &buf)
		if err == errTorn {
			at, err := findRecord(j.f, j.end+1, fi.Size())
			if err != nil {
				return err
			}
			if at < 0 {
				break
			}
			j.state, j.end = Damaged, at
			r.Reset(io.NewSectionReader(j.f, at, fi.Size()-at))
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil { // the disk's; what it could not read now is not cut off
			return err
		}
		j.note(rec, j.end+4)
		j.end += int64(4 + len(rec) + 4)
	}
	if j.looks {
		return nil
	}
	return j.f.Truncate(j.end)
}

var errTorn = errors.New("torn record")

func torn(err error) error {
	if err == io.ErrUnexpectedEOF {
		return errTorn
	}
	return err
}

// findRecord returns where the first whole record from at on begins, -1 if there
// is none. A name cannot hold one: its length has zeros.
func findRecord(f io.ReaderAt, at, size int64) (int64, error) {
	const step = 1 << 20
	buf := make([]byte, max(0, min(step+maxRecord+8, size-at)))
	for ; at < size; at += step {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return 0, err
		}
		for i := 0; i < min(step, n-8); i++ {
			l := int(binary.BigEndian.Uint32(buf[i:]))
			if l == 0 || l > maxRecord || i+l+8 > n {
				continue
			}
			rec := buf[i+4 : i+4+l]
			if crc32.Checksum(rec, castagnoli) == binary.BigEndian.Uint32(buf[i+4+l:]) {
				return at + int64(i), nil
			}
		}
	}
	return -1, nil
}

// readRecord reads one record's type and body. io.EOF means that no record
// begins here.
func readRecord(r io.Reader, buf *[]byte) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, torn(err)
	}
	size := binary.BigEndian.Uint32(n[:])
	if size == 0 || size > maxRecord {
		return nil, errTorn
	}
	if cap(*buf) < int(size)+4 {
		*buf = make([]byte, maxRecord+4)
	}
	b := (*buf)[:size+4]
	if _, err := io.ReadFull(r, b); err != nil {
		if err == io.EOF {
			err = errTorn
		}
		return nil, torn(err)
	}
	if crc32.Checksum(b[:size], castagnoli) != binary.BigEndian.Uint32(b[size:]) {
		return nil, errTorn
	}
	return b[:size], nil
}

// note takes a record into memory; at is the offset of its type byte.
func (j *Journal) note(rec []byte, at int64) {
	switch body := rec[1:]; rec[0] {
	case recArrived, recStamped:
		if !isArrived(rec) {
			return
		}
		fp := Fingerprint(body)
		if j.at.put(fp, at+1) {
			j.bytes += int64(binary.BigEndian.Uint64(body[48:]))
		}
		j.forget(fp)
	case recTemporary:
		j.temps[string(body)] = struct{}{}
		j.noted++
	case recCleared:
		clear(j.temps)
		clear(j.kept)
		clear(j.keptAs)
		clear(j.keptAt)
		j.noted = 0
	case recKept:
		j.noteKept(body)
	}
}

// isArrived reports whether a record is a whole one of an item that arrived.
func isArrived(rec []byte) bool {
	return rec[0] == recArrived && len(rec) >= 1+arrivedHeader || rec[0] == recStamped && len(rec) >= 1+stampedHeader
}

func appendRecord(b []byte, typ byte, body ...[]byte) []byte {
	n := 1
	for _, p := range body {
		n += len(p)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	start := len(b)
	b = append(b, typ)
	for _, p := range body {
		b = append(b, p...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}
