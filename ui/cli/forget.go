package cli

import (
	"context"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/ui/say"
)

func (c *command) forget(_ context.Context, args []string) error {
	fs := c.flags("forget")
	all := fs.Bool("all", false, "")
	receipts := fs.Bool("receipts", false, "")
	rest, err := c.parseUpTo(fs, args, 1)
	if err != nil {
		return err
	}
	id := ""
	switch {
	case len(rest) == 0 && !*all:
		return usagef("Say which device, by its ID, or --all.")
	case len(rest) == 1 && *all:
		return usagef("Give a device or --all, not both.")
	case len(rest) == 1 && len(rest[0]) < 4:
		return usagef("Give at least four characters of the ID.")
	case len(rest) == 1:
		id = rest[0]
	}
	home, err := session.Home()
	if err != nil {
		return err
	}
	f, err := session.Forget(home, id, *receipts)
	if err != nil {
		return err
	}
	if c.json {
		j := jsonForgotten{Event: "forgotten", Devices: []string{}, Journals: f.Journals, Receipts: f.Receipts, Parts: f.Parts}
		for _, d := range f.Devices {
			j.Devices = append(j.Devices, string(d))
		}
		c.emit(j)
	}
	for _, d := range f.Devices {
		c.print("Forgotten: %s", d)
	}
	if len(f.Devices) == 0 {
		c.print("Nothing is kept about any device.")
	}
	if f.Receipts > 0 {
		c.print("%s %s deleted.", say.Count(uint64(f.Receipts)), plural(int64(f.Receipts), "receipt was", "receipts were"))
	}
	if f.Parts > 0 {
		c.print("What came of %s %s is left in the folder that was moved into, under hidden names .ferry-*.part. Nothing needs it now; you can delete it.",
			say.Count(uint64(f.Parts)), plural(int64(f.Parts), "file that is not whole", "files that are not whole"))
	}
	return nil
}

type jsonForgotten struct {
	Event    string   `json:"event"`
	Devices  []string `json:"devices"`
	Journals int      `json:"journals"`
	Receipts int      `json:"receipts"`
	Parts    int      `json:"parts"`
}
