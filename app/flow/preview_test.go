package flow

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/app/session"
)

func TestPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan session.Selection)
		say := make(chan error)
		d, _ := choosing(t, session.Choice{Plans: plans, Free: -1, Preview: func(ctx context.Context, s session.Selection) (session.Preview, error) {
			asked <- s
			select {
			case err := <-say:
				return session.Preview{Free: 9, Kinds: []session.PreviewKind{{Kind: "photos", Add: 10}}}, err
			case <-ctx.Done():
				return session.Preview{}, ctx.Err()
			}
		}})
		defer d.Close()
		d.TakeKind("contacts", false)
		d.Preview()
		d.at(Previewing)
		if s := <-asked; len(s.Kinds) != 1 {
			t.Fatal(s)
		}
		say <- nil
		if s := d.at(What); s.Preview == nil || s.Preview.Kinds[0].Add != 10 || s.Free != 9 {
			t.Fatalf("%+v", s.Preview)
		}
		d.TakeKind("contacts", true)
		if s := d.at(What); s.Preview != nil {
			t.Fatal("it is of another selection")
		}
		d.Preview()
		<-asked
		say <- errBroken
		if s := d.at(What); s.Preview != nil || !errors.Is(s.PreviewErr, errBroken) {
			t.Fatalf("%+v", s)
		}
		d.Preview()
		<-asked
		d.Back()
		if s := d.at(What); s.PreviewErr != nil {
			t.Fatal(s.PreviewErr)
		}
		d.Back()
		d.at(Find)
	})
}

// A preview that the person went back from is ended, and what it tells afterwards is
// no news: neither beside the choice nor while another one is asked for.
func TestPreviewTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contexts := make(chan context.Context, 4)
		say := make(chan uint64) // each answer, whether it is wanted yet or not
		d, got := choosing(t, session.Choice{Plans: plans, Free: -1, Preview: func(ctx context.Context, _ session.Selection) (session.Preview, error) {
			contexts <- ctx
			return session.Preview{Free: 9, Kinds: []session.PreviewKind{{Kind: "photos", Add: <-say}}}, nil
		}})
		defer d.Close()
		d.Preview()
		d.at(Previewing)
		first := <-contexts
		if first.Err() != nil {
			t.Fatal("ended by itself")
		}
		d.Back()
		d.at(What)
		if first.Err() == nil {
			t.Fatal("the new phone goes on with what nobody waits for")
		}
		say <- 1
		if s := d.at(What); s.Preview != nil || s.PreviewErr != nil || s.Free != -1 {
			t.Fatalf("a late answer is shown: %+v", s.Preview)
		}

		d.Preview()
		<-contexts
		d.Back()
		d.Preview()
		d.at(Previewing)
		say <- 2
		if s := d.at(Previewing); s.Preview != nil {
			t.Fatalf("the answer to another question: %+v", s.Preview)
		}
		if ctx := <-contexts; ctx.Err() != nil {
			t.Fatal("the second one is ended with the first")
		}
		say <- 3
		if s := d.at(What); s.Preview == nil || s.Preview.Kinds[0].Add != 3 {
			t.Fatalf("%+v", s.Preview)
		}

		d.Preview() // and taken back before it was even begun
		d.Back()
		d.at(What)
		select {
		case <-contexts:
			say <- 4
		default:
		}
		d.at(What)
		d.Move()
		d.at(AskedThere)
		if a := <-got; a.err != nil {
			t.Fatal(a.err)
		}
	})
}
