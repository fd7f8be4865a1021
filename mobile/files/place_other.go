//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package files

// link gives a file a second name. Between two folders it goes by their paths
// below the top.
func (t *tree) link(from *dir, temp string, to *dir, name string) error {
	if from == to {
		return to.root.Link(temp, name)
	}
	return t.root.Link(joinKey(from.key, temp), joinKey(to.key, name))
}

// rename renames a file and replaces what has the name.
func (t *tree) rename(from *dir, temp string, to *dir, name string) error {
	if from == to {
		return to.root.Rename(temp, name)
	}
	return t.root.Rename(joinKey(from.key, temp), joinKey(to.key, name))
}
