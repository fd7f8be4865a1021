package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/backup"
)

// record is an entity, or the deletion of one.
type record struct {
	key     entity.Key
	value   string
	deleted bool
}

func put(key, value string) record { return record{key: entity.Key(key), value: value} }
func del(key string) record        { return record{key: entity.Key(key), deleted: true} }

// metadata stands for the entities of the metadata package; their values are
// of no concern to a transport.
var metadata = []record{
	put("@ancestral_record@", "\x00\x00\x00\x01"),
	put("@meta@", "\x00\x00\x00\x24\x00\x011"),
}

// stream encodes records.
func stream(records ...record) []byte {
	var b bytes.Buffer
	w := entity.NewWriter(&b, entity.Options{System: true})
	for _, r := range records {
		var err error
		if r.deleted {
			err = w.Delete(r.key)
		} else if err = w.WriteHeader(r.key, int64(len(r.value))); err == nil {
			_, err = io.WriteString(w, r.value)
		}
		if err != nil {
			panic(fmt.Sprintf("the suite's own stream: %v", err))
		}
	}
	if err := w.Close(); err != nil {
		panic(fmt.Sprintf("the suite's own stream: %v", err))
	}
	return b.Bytes()
}

// apply returns a set after more records.
func apply(set, more []record) []record {
	set = slices.Clone(set)
	for _, r := range more {
		i, found := slices.BinarySearchFunc(set, r.key, func(a record, k entity.Key) int { return a.key.Compare(k) })
		switch {
		case found && r.deleted:
			set = slices.Delete(set, i, i+1)
		case found:
			set[i] = r
		case !r.deleted:
			set = slices.Insert(set, i, r)
		}
	}
	return set
}

// decode reads what a restore was given, and checks that it is a complete set
// in its order.
func decode(b []byte) ([]record, error) {
	var set []record
	r := entity.NewReader(bytes.NewReader(b), entity.Limits{})
	for h, err := range r.All() {
		if err != nil {
			return nil, fmt.Errorf("the entities that came back: %w", err)
		}
		if h.Deleted {
			return nil, errors.New("a delete marker came back")
		}
		if n := len(set); n > 0 && h.Key.Compare(set[n-1].key) <= 0 {
			return nil, fmt.Errorf("key %q came back after %q", cut(string(h.Key)), cut(string(set[n-1].key)))
		}
		v, err := r.AppendData(nil, h.Size)
		if err != nil {
			return nil, fmt.Errorf("the entities that came back: %w", err)
		}
		set = append(set, record{key: h.Key, value: string(v)})
	}
	return set, nil
}

// cut keeps messages short.
func cut(s string) string { return s[:min(len(s), 60)] }

// file is an entry of a full backup.
type file struct {
	android.FileInfo
	content string
}

func folder(path string) file {
	return file{FileInfo: android.FileInfo{Domain: "f", Path: path, Type: backup.TypeDirectory,
		Mode: 0o700, ModTime: time.Unix(1_600_000_000, 0)}}
}

func document(path, content string) file {
	return file{android.FileInfo{Domain: "f", Path: path, Type: backup.TypeFile,
		Size: int64(len(content)), Mode: 0o600, ModTime: time.Unix(1_700_000_000, 0)}, content}
}

// tarOf returns the stream of an app's files.
func tarOf(pkg string, files []file) ([]byte, error) {
	var b bytes.Buffer
	w := fullbackup.NewWriter(&b)
	for _, f := range files {
		err := w.WriteHeader(fullbackup.Header{Package: pkg, Domain: f.Domain, Path: f.Path,
			Type: fullbackup.Type(f.Type), Mode: f.Mode, Size: f.Size, ModTime: f.ModTime.Unix()})
		if err == nil {
			_, err = io.WriteString(w, f.content)
		}
		if err != nil {
			return nil, fmt.Errorf("a file for a full backup: %w", err)
		}
	}
	return b.Bytes(), w.Close()
}

// content is what one app has stored: a set, or the tar of its files.
type content struct {
	form android.RestoreType
	set  []record
	tar  []byte
}

// equal says how two contents differ; nil if they do not.
func (c content) equal(got content) error {
	if got.form != c.form {
		return fmt.Errorf("it came back with type %d instead of %d", got.form, c.form)
	}
	if !bytes.Equal(c.tar, got.tar) {
		return fmt.Errorf("a tar stream of %d bytes came back different, with %d", len(c.tar), len(got.tar))
	}
	for i := range max(len(c.set), len(got.set)) {
		switch {
		case i >= len(c.set):
			return fmt.Errorf("key %q came back and should not", cut(string(got.set[i].key)))
		case i >= len(got.set):
			return fmt.Errorf("key %q did not come back", cut(string(c.set[i].key)))
		case c.set[i] != got.set[i]:
			return fmt.Errorf("entity %d is %q with %d bytes instead of %q with %d, or its value differs", i,
				cut(string(got.set[i].key)), len(got.set[i].value), cut(string(c.set[i].key)), len(c.set[i].value))
		}
	}
	return nil
}
