package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
)

// TestDoneAgreesWithError: the end of a move and the end of its command give the
// same reason, and the same step.
func TestDoneAgreesWithError(t *testing.T) {
	for name, interrupt := range map[string]bool{"interrupted": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			out, err := os.CreateTemp(t.TempDir(), "out")
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			why := transfer.ErrLinkLost
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if interrupt {
				cancel()
				why = context.Canceled
			}
			c := &command{name: "send", json: true, io: Stdio{Out: out, Err: out}, interrupted: ctx.Done()}
			f := &face{c: c}
			f.event(session.Accepted{Meter: new(transfer.Meter)})
			f.event(session.Done{Report: new(transfer.Report), Err: why})
			c.exit(ctx, why)
			if _, err := out.Seek(0, 0); err != nil {
				t.Fatal(err)
			}
			var ends []jsonError
			for lines := bufio.NewScanner(out); lines.Scan(); {
				var j jsonError
				if json.Unmarshal(lines.Bytes(), &j) == nil && (j.Event == "done" || j.Event == "error") {
					ends = append(ends, j)
				}
			}
			if len(ends) != 2 || ends[0].Error == "" || ends[0].Next == "" || ends[0].Error != ends[1].Error || ends[0].Next != ends[1].Next {
				t.Errorf("%+v", ends)
			}
		})
	}
}
