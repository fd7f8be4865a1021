package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// card writes a contact's lines in that order.
func card(lines ...string) string {
	return "BEGIN:VCARD\r\nVERSION:3.0\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n"
}

// overlapping writes the contacts of an old and of a new phone, which have some
// people in common in each of the ways in which two phones can. Where cards of the
// old one compete for one of the new one's, the better match comes first: else it
// would matter which of them had come when a batch was committed.
func overlapping(t *testing.T, seed uint64, old, to string) {
	r := rand.New(rand.NewPCG(seed, 4))
	files := map[string][]string{}
	put := func(dir string, cards ...string) {
		name := filepath.Join(dir, "Contacts", []string{"all.vcf", "work.vcf"}[r.IntN(2)])
		files[name] = append(files[name], cards...)
	}
	for i := range 60 + r.IntN(60) {
		name := fmt.Sprintf("FN:Person %d", i)
		tel, mail := fmt.Sprintf("TEL:+1555%07d", i), fmt.Sprintf("EMAIL:p%d@example.org", i)
		more := fmt.Sprintf("NOTE:met in %d", 1990+i)
		switch i % 12 {
		case 0: // the very same
			put(old, card(name, tel))
			put(to, card(name, tel))
		case 1: // the same in another order
			put(old, card(name, tel, mail))
			put(to, card(mail, tel, name))
		case 2: // more of a person is on the old phone
			put(old, card(name, tel, mail, more))
			put(to, card(name, tel))
		case 3: // more of a person is on the new one
			put(old, card(name, tel))
			put(to, card(name, tel, mail))
		case 4: // twice on the old phone, once on the new one
			put(old, card(name, tel), card(name, tel))
			put(to, card(name, tel))
		case 5: // two cards for one person
			put(old, card(name, tel), card(name, tel, more))
			put(to, card(name, tel, mail))
		case 6: // known by a UID alone
			put(old, card(fmt.Sprintf("UID:long enough %d", i), name, more))
			put(to, card(fmt.Sprintf("UID:long enough %d", i), "FN:Another", mail))
		case 7: // the same name, and nobody in common
			put(old, card(name, tel))
			put(to, card(name, mail))
		case 8: // other birthdays
			put(old, card(name, tel, "BDAY:1980-01-01"))
			put(to, card(name, tel, "BDAY:1990-01-01"))
		case 9: // a number written in another way
			put(old, card(name, strings.Replace(tel, "+1", "001 ", 1)))
			put(to, card(name, tel))
		case 10:
			put(old, card(name, tel))
		case 11:
			put(to, card(name, mail))
		}
	}
	put(old, "BEGIN:VCARD\r\nFN:cut\r\n")
	for name, cards := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.Join(cards, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMergesForeseen holds a preview against the move right after it, and then
// another one against nothing to do.
func TestMergesForeseen(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			old, to := openDir(t), openDir(t)
			overlapping(t, seed, old.dir, to.dir)
			write(t, old.dir, "DCIM/a.jpg")
			n := startNewPhone(t, func(o *ReceiveOptions) { o.Phone = to.Device })
			opt := n.oldPhone(t, hear(t, n.codes).Code)
			opt.Phone = old.Device
			before := onDisk(t, to.dir)
			for again := range 2 {
				var p Preview
				opt.Select = func(ctx context.Context, c Choice) (s Selection, err error) {
					p, err = c.Preview(ctx, s)
					if after := onDisk(t, to.dir); again == 0 && !reflect.DeepEqual(before, after) {
						t.Errorf("looking changed the new phone:\n%v\n%v", before, after)
					}
					return s, err
				}
				rep, err := Send(t.Context(), opt)
				if err != nil {
					t.Fatal(err)
				}
				for _, k := range rep.Kinds {
					seen := kindOf(p, k.Kind)
					if seen.Add != uint64(k.Added) || seen.Merge != uint64(k.Merged) || seen.Skip != uint64(k.Skipped) || seen.Cannot != uint64(k.Failed) {
						t.Errorf("%s: %+v foreseen; %+v happened", k.Kind, seen, k)
					}
					switch {
					case k.Kind != "contacts":
					case again == 0 && (k.Added == 0 || k.Merged == 0 || k.Skipped == 0 || k.Failed == 0):
						t.Errorf("%+v", k)
					case again == 1 && (k.Added+k.Merged > 0 || seen.Bytes > 0):
						t.Errorf("the second time: %+v; %+v foreseen", k, seen)
					}
				}
				opt.Password = n.oldPhone(t, hear(t, n.codes).Code).Password
			}
		})
	}
}

// TestOnlyTheChosenAreForeseen leaves cards out of a preview: they are in none of its
// numbers.
func TestOnlyTheChosenAreForeseen(t *testing.T) {
	old, to := openDir(t), openDir(t)
	overlapping(t, 9, old.dir, to.dir)
	n := startNewPhone(t, func(o *ReceiveOptions) { o.Phone = to.Device })
	opt := n.oldPhone(t, hear(t, n.codes).Code)
	opt.Phone = old.Device
	opt.Select = func(ctx context.Context, c Choice) (Selection, error) {
		all, err := c.Preview(ctx, Selection{})
		if err != nil {
			return Selection{}, err
		}
		some, err := c.Preview(ctx, Selection{Leave: func(_ backup.Kind, k backup.Key) bool {
			return strings.HasPrefix(string(k), "uid:")
		}})
		a, s := kindOf(all, "contacts"), kindOf(some, "contacts")
		if err != nil || s.Merge >= a.Merge || s.Add+s.Merge+s.Skip >= a.Add+a.Merge+a.Skip || s.Merge == 0 {
			t.Errorf("%+v of %+v, %v", s, a, err)
		}
		return Selection{Kinds: []backup.Kind{"photos"}}, nil
	}
	if rep, err := Send(t.Context(), opt); err != nil || len(rep.Kinds) != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
}
