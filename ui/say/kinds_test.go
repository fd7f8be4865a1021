package say

import (
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
)

// What is known by a kind's name alone says the same as the agent's own words.
func TestInfoOf(t *testing.T) {
	phone := fakephone.New(fakephone.Config{})
	n := 0
	for _, a := range phone.Agents() {
		want := a.Info()
		if _, ok := kinds[want.Title]; !ok {
			continue
		}
		n++
		want.Order = 0
		if got := InfoOf(want.Kind); got != want {
			t.Errorf("%+v; want %+v", got, want)
		}
	}
	if n < 5 {
		t.Errorf("only %d kinds", n)
	}
	strange := InfoOf("new\nkind")
	if strange.Title != `new\u000akind` || Content(strange, 1, 0) != "1 item" || Content(strange, 2, 1) != "2 items, 1 folder" {
		t.Errorf("%+v", strange)
	}
	if got := InfoOf("Photos"); got.Many != "" { // names differ in their letters' case
		t.Errorf("%+v", got)
	}
	if got := Item(InfoOf("contacts"), backup.Key("uid:1")); got != "a contact (uid:1)" {
		t.Error(got)
	}
}
