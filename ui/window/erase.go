package window

import (
	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// erase answers whether the old phone can be erased, in one sentence, for the person
// at either phone.
func (w *Window) erase(s flow.Snapshot, r *flow.Result) (kit.Tone, string) {
	old, name := s.Role == flow.OldPhone, say.Fields{"Name": nameOf(s.Peer)}
	if name["Name"] == "" {
		name["Name"] = w.words.Say("the new phone")
	}
	// of picks the sentence of the phone that this is.
	of := func(here, there string) string {
		if old {
			return here
		}
		return there
	}
	switch r.Erase {
	case flow.EraseYes:
		return kit.Fine, w.words.Say("Yes: everything that Ferry found on this phone is on {{.Name}}.", name)
	case flow.EraseAskOld:
		return kit.Plainly, w.words.Say("Look at the old phone first: all that it sent is here, but only it knows whether that was everything.")
	case flow.EraseByHand:
		return kit.Careful, of(
			w.words.Number("Not yet: {{.Count}} item is only on this phone, and everything else is on {{.Name}}.",
				"Not yet: {{.Count}} items are only on this phone, and everything else is on {{.Name}}.", r.ByHand, name),
			w.words.Number("Not yet: {{.Count}} item that was sent is only on the old phone.",
				"Not yet: {{.Count}} items that were sent are only on the old phone.", r.ByHand))
	}
	switch r.EraseWhy {
	case flow.LeftOut:
		return kit.Careful, of(w.words.Say("No: what was left out of this move is only on this phone."), w.words.Say("No: what was left out of this move is only on the old phone."))
	case flow.NotRead:
		return kit.Careful, w.words.Say("No: a part of this phone could not be read, so it stayed behind.")
	case flow.NotSame:
		return kit.Careful, w.words.Say("No: some of what arrived could not be checked. Move it once more first.")
	case flow.NotKnownMoved:
		return kit.Careful, w.words.Say("No: something may be missing on the new phone, and the phones cannot say what. Move once more first.")
	}
	return kit.Careful, w.words.Say("No: the phones have not agreed on what arrived.") // NotSigned
}
