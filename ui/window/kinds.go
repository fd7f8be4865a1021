package window

import (
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// icons are those of the kinds that have one of their own.
var icons = map[backup.Kind]kit.Glyph{
	"contacts": kit.Contacts, "documents": kit.Documents, "photos": kit.Photos, "videos": kit.Videos, "music": kit.Music,
	"recordings": kit.Calls, "downloads": kit.Receive, "apps": kit.Apps, "files": kit.Folder,
}

// iconOf returns a kind's icon.
func iconOf(k backup.Kind) kit.Glyph {
	if g, ok := icons[k]; ok {
		return g
	}
	return kit.Documents
}
