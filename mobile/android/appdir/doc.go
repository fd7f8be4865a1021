// Package appdir is how agents touch an app's files: below one [os.Root],
// never through a link in a name's last part, and writing all of a file or
// nothing.
//
// What is being written lies at the root's top under a name of its own until it
// is whole, because the agents back up only the folders below: a run that was
// killed leaves nothing that looks like the app's, and [Sweep] removes it.
//
// Its worst moment is a folder that somebody else prepared, with links, pipes
// and names that lead elsewhere. A link is refused, a pipe is never waited for,
// and no name leaves the root.
package appdir
