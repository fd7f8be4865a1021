package window

import (
	"testing"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/transfer"
)

// offered is a new phone whose person is asked.
func offered() flow.Snapshot {
	return flow.Snapshot{
		Screen: flow.Asking, Role: flow.NewPhone, Name: "Pixel 9", Place: "/home/ada/Ferry", Free: -1,
		Peer: flow.Peer{Name: "Galaxy A55"},
		Offer: &flow.Offer{
			Kinds: []transfer.OfferedKind{
				{Kind: "contacts", Items: 412, Bytes: 1_200_000, Supported: true},
				{Kind: "photos", Items: 3412, Bytes: 14_100_000_000, Folders: 12, Supported: true},
				{Kind: "music", Items: 0, Supported: true},
				{Kind: "apps", Items: 31, Cannot: 2, Bytes: 2_200_000_000, Supported: true},
				{Kind: "stickers", Items: 90, Bytes: 12_000_000},
			},
			Items: 3945, Bytes: 16_301_200_000, Free: 41_000_000_000, Already: 2_000_000_000, Verify: true,
		},
	}
}

func TestAsking(t *testing.T) {
	golden(t, "asking", offered(), nil)
}
