package agenttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
)

// What the suite's transport says of itself.
const (
	flags = backup.FlagDeviceToDeviceTransfer | backup.FlagClientSideEncryptionEnabled
	quota = 123_456_789
)

var errInjected = errors.New("this call was made to fail")

// faults counts calls, and does something at one of them.
type faults struct {
	calls int
	at    int          // the call at which do is called, from 1; 0 = never
	do    func() error // nil = fail with errInjected
}

func (f *faults) call() error {
	if f.calls++; f.calls != f.at {
		return nil
	}
	if f.do != nil {
		return f.do()
	}
	return errInjected
}

// record is an entity as it was written.
type record struct {
	key   string
	value string
	gone  bool
}

// output takes entities.
type output struct {
	faults *faults
	list   []record
	left   int64
	wrong  error // what the agent did wrong, the first thing
}

func (o *output) fail(format string, args ...any) error {
	if o.wrong == nil {
		o.wrong = fmt.Errorf(format, args...)
	}
	return o.wrong
}

func (o *output) header(key string) error {
	if err := o.faults.call(); err != nil {
		return err
	}
	if o.left > 0 {
		return o.fail("a header while %d bytes are missing", o.left)
	}
	if !entity.Key(key).Valid() {
		return o.fail("%q is no key", key)
	}
	return nil
}

// WriteHeader implements [android.EntityOutput].
func (o *output) WriteHeader(key string, size int64) error {
	if err := o.header(key); err != nil {
		return err
	}
	if size < 0 {
		return o.fail("a size of %d", size)
	}
	o.list, o.left = append(o.list, record{key: key}), size
	return nil
}

// Delete implements [android.EntityOutput].
func (o *output) Delete(key string) error {
	if err := o.header(key); err != nil {
		return err
	}
	o.list = append(o.list, record{key: key, gone: true})
	return nil
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	if err := o.faults.call(); err != nil {
		return 0, err
	}
	if int64(len(p)) > o.left {
		return 0, o.fail("%d bytes where %d are missing", len(p), o.left)
	}
	o.list[len(o.list)-1].value += string(p)
	o.left -= int64(len(p))
	return len(p), nil
}

// TransportFlags implements [android.EntityOutput].
func (o *output) TransportFlags() backup.Flags { return flags }

// Quota implements [android.EntityOutput].
func (o *output) Quota() int64 { return quota }

// faulty reads and writes until a call fails.
type faulty struct {
	faults *faults
	buf    *bytes.Buffer
}

// Read implements io.Reader.
func (f faulty) Read(p []byte) (int, error) {
	if err := f.faults.call(); err != nil {
		return 0, err
	}
	return f.buf.Read(p)
}

// Write implements io.Writer.
func (f faulty) Write(p []byte) (int, error) {
	if err := f.faults.call(); err != nil {
		return 0, err
	}
	return f.buf.Write(p)
}

// pass is what a backup left.
type pass struct {
	list  []record
	state []byte
}

// back runs Backup. old may be nil for a request without a state.
func back(ctx context.Context, a android.Agent, old []byte, f *faults) (pass, error) {
	out := &output{faults: f}
	state := faulty{f, new(bytes.Buffer)}
	req := android.BackupRequest{Data: out, New: state}
	if old != nil {
		req.Old = faulty{f, bytes.NewBuffer(old)}
	}
	if err := a.Backup(ctx, req); err != nil {
		return pass{}, err
	}
	if out.wrong == nil && out.left > 0 {
		return pass{}, out.fail("the last value lacks %d bytes", out.left)
	}
	return pass{out.list, state.buf.Bytes()}, out.wrong
}

// backUp runs Backup without faults.
func backUp(ctx context.Context, a android.Agent, old []byte) (pass, error) {
	p, err := back(ctx, a, old, new(faults))
	if err != nil {
		return p, fmt.Errorf("back up: %w", err)
	}
	return p, nil
}

// set is stored data by key.
type set map[string]string

// apply does to s what a pass says.
func (s set) apply(list []record) set {
	s = maps.Clone(s)
	for _, r := range list {
		if r.gone {
			delete(s, r.key)
		} else {
			s[r.key] = r.value
		}
	}
	return s
}

func setOf(list []record) set { return set{}.apply(list) }

// records returns a set as a restore gets it.
func (s set) records() []record {
	var list []record
	for k, v := range s {
		list = append(list, record{key: k, value: v})
	}
	slices.SortFunc(list, func(a, b record) int { return entity.Key(a.key).Compare(entity.Key(b.key)) })
	return list
}

// input gives entities.
type input struct {
	faults *faults
	list   []record
	cur    string
}

// Next implements [android.EntityInput].
func (i *input) Next() (string, int64, error) {
	if err := i.faults.call(); err != nil {
		return "", 0, err
	}
	if len(i.list) == 0 {
		return "", 0, io.EOF
	}
	r := i.list[0]
	i.list, i.cur = i.list[1:], r.value
	if r.gone {
		return r.key, -1, nil
	}
	return r.key, int64(len(r.value)), nil
}

// Read implements io.Reader. It gives less than it is asked for.
func (i *input) Read(p []byte) (int, error) {
	if err := i.faults.call(); err != nil {
		return 0, err
	}
	if i.cur == "" && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, i.cur[:min(len(i.cur), 4000)])
	i.cur = i.cur[n:]
	return n, nil
}

// restore runs Restore and then what follows it. It returns the new state.
func restore(ctx context.Context, a android.Agent, list []record, f *faults) ([]byte, error) {
	state := faulty{f, new(bytes.Buffer)}
	err := a.Restore(ctx, android.RestoreRequest{Data: &input{faults: f, list: list}, AppVersion: 7, New: state})
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	return state.buf.Bytes(), finish(ctx, a)
}

func finish(ctx context.Context, a android.Agent) error {
	if f, ok := a.(android.RestoreFinisher); ok {
		if err := f.RestoreFinished(ctx); err != nil {
			return fmt.Errorf("finish the restore: %w", err)
		}
	}
	return nil
}

// differ says how two data sets differ. partly = got may have more.
func differ(want, got map[string]string, partly bool) error {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[k]
		if !ok {
			return fmt.Errorf("%q is missing", k)
		}
		if g != want[k] {
			return fmt.Errorf("%q differs: %.60q instead of %.60q", k, g, want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok && !partly {
			return fmt.Errorf("%q should not be there", k)
		}
	}
	return nil
}
