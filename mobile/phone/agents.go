package phone

import (
	"os"

	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/contacts"
	"github.com/ferry-move/ferry/mobile/files"
)

// folderAgents returns the agents of a phone that is a folder.
func folderAgents(root *os.Root, opts files.Options, appOpts apps.Options) []backup.Agent {
	return append(files.New(root, opts), contacts.New(contacts.Dir{Root: root}), apps.New(root, appOpts))
}
