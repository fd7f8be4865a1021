package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
)

// onDisk describes everything below a folder.
func onDisk(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// folder is a phone in a folder.
type folder struct {
	mobile.Device
	dir string
}

func openDir(t *testing.T) folder {
	t.Helper()
	dir := t.TempDir()
	p, err := OpenFolder(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return folder{p, dir}
}

func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		path := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// kindOf is a preview of one kind.
func kindOf(p Preview, k backup.Kind) PreviewKind {
	for _, one := range p.Kinds {
		if one.Kind == k {
			return one
		}
	}
	return PreviewKind{}
}

// TestSelect moves a part of a folder, after looking at what would happen, and then
// looks again.
func TestSelect(t *testing.T) {
	old, to := openDir(t), openDir(t)
	write(t, old.dir, "DCIM/a.jpg", "DCIM/b.jpg", "DCIM/c.jpg", "DCIM/stays.jpg", "Documents/d.pdf")
	write(t, to.dir, "DCIM/other/x.jpg")
	if err := os.WriteFile(filepath.Join(to.dir, "DCIM/c.jpg"), []byte("another picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	n := startNewPhone(t, func(o *ReceiveOptions) { o.Phone = to.Device })
	opt := n.oldPhone(t, hear(t, n.codes).Code)
	opt.Phone = old.Device
	before := onDisk(t, to.dir)
	some := Selection{Kinds: []backup.Kind{"photos"}, Leave: func(k backup.Kind, key backup.Key) bool { return key == "DCIM/stays.jpg" }}
	var late func(context.Context, Selection) (Preview, error)
	opt.Select = func(ctx context.Context, c Choice) (Selection, error) {
		late = c.Preview
		if free, err := to.Free(); c.Peer.Name != "New" || err == nil && c.Free <= 0 || len(c.Plans) != len(old.Agents()) {
			t.Errorf("%q with %d bytes free of %d, %v; %d plans", c.Peer.Name, c.Free, free, err, len(c.Plans))
		}
		for range 2 {
			p, err := c.Preview(ctx, some)
			want := []PreviewKind{{Kind: "photos", Add: 3, Rename: 1, Bytes: 3 * int64(len("content of DCIM/a.jpg"))}}
			if err != nil || !reflect.DeepEqual(p.Kinds, want) {
				t.Errorf("%+v, %v; want %+v", p.Kinds, err, want)
			}
		}
		if p, err := c.Preview(ctx, Selection{}); err != nil || kindOf(p, "photos").Add != 4 || kindOf(p, "documents").Add != 1 {
			t.Errorf("all of it: %+v, %v", p.Kinds, err)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := c.Preview(gone, some); !errors.Is(err, context.Canceled) {
			t.Errorf("a preview that nobody wants: %v", err)
		}
		if after := onDisk(t, to.dir); !reflect.DeepEqual(before, after) {
			t.Errorf("looking changed the new phone:\n%v\n%v", before, after)
		}
		if left, err := os.ReadDir(n.opt.Home); err != nil || len(left) > 1 { // its key
			t.Errorf("looking left %v in its own folder, %v", left, err)
		}
		return some, nil
	}
	rep, err := Send(t.Context(), opt)
	if err != nil || len(rep.Kinds) != 1 || rep.Kinds[0].Added != 3 || rep.Kinds[0].Items != 3 {
		t.Fatalf("%+v, %v", rep.Kinds, err)
	}
	if _, err := late(t.Context(), some); !errors.Is(err, ErrChosen) {
		t.Errorf("a preview after the choice: %v", err)
	}
	if _, err := os.Stat(filepath.Join(to.dir, "DCIM/stays.jpg")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was left out: %v", err)
	}

	enough := errors.New("enough")
	opt.Password = n.oldPhone(t, hear(t, n.codes).Code).Password
	opt.Select = func(ctx context.Context, c Choice) (Selection, error) {
		p, err := c.Preview(ctx, Selection{})
		if k := kindOf(p, "photos"); err != nil || k.Skip != 3 || k.Add != 1 || k.Bytes != int64(len("content of DCIM/stays.jpg")) {
			t.Errorf("after the move: %+v, %v", k, err)
		}
		return Selection{}, enough
	}
	if rep, err := Send(t.Context(), opt); rep != nil || !errors.Is(err, enough) {
		t.Errorf("%+v, %v", rep, err)
	}
}

// TestSelectAtAnOlderPhone has a new phone that answers no previews.
func TestSelectAtAnOlderPhone(t *testing.T) {
	n := startNewPhone(t, func(o *ReceiveOptions) { o.deaf = true })
	opt := n.oldPhone(t, hear(t, n.codes).Code)
	opt.Phone = fakephone.New(fakephone.Config{Seed: 1})
	opt.Select = func(ctx context.Context, c Choice) (Selection, error) {
		if _, err := c.Preview(ctx, Selection{}); c.Free != -1 || !errors.Is(err, ErrNoPreview) {
			t.Errorf("%d bytes free, %v", c.Free, err)
		}
		return Selection{Kinds: []backup.Kind{fakephone.Contacts}}, nil
	}
	if rep, err := Send(t.Context(), opt); err != nil || len(rep.Kinds) != 1 || rep.Kinds[0].Kind != fakephone.Contacts {
		t.Errorf("%+v, %v", rep.Kinds, err)
	}
}

// TestStrangersSeeNothing asks for a preview without having paired.
func TestStrangersSeeNothing(t *testing.T) {
	n := startNewPhone(t, nil)
	r := hear(t, n.ready)
	key, err := loadKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	host, err := p2p.New(p2p.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	link, err := host.Dial(t.Context(), r.Addrs[:1], "")
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	s := &sending{}
	var stop *transfer.StopError
	if o, err := s.foresee(t.Context(), link, nil); o != nil || !errors.As(err, &stop) || stop.Kind != wire.StopUnpaired || !stop.Remote {
		t.Errorf("%+v, %v", o, err)
	}
}
