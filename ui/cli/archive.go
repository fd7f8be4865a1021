package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ferry-move/ferry/app/archives"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/ui/say"
	"golang.org/x/term"
)

// archive runs "ferry archive ACTION FILE".
func (c *command) archive(ctx context.Context, args []string) error {
	actions := map[string]func(*command, context.Context, []string) error{
		"list": (*command).archiveList, "check": (*command).archiveCheck,
		"extract": (*command).archiveExtract, "create": (*command).archiveCreate,
	}
	if len(args) == 0 {
		return usagef("Say what to do with the archive: list, check, extract or create.")
	}
	if run, ok := actions[args[0]]; ok {
		return run(c, ctx, args[1:])
	}
	if strings.HasPrefix(args[0], "-") { // help, or a flag that stands too early
		if _, err := c.parse(c.flags("archive"), args, len(args)); err != nil {
			return err
		}
		return usagef("Say first what to do with the archive: list, check, extract or create.")
	}
	return usagef("There is no \"archive %s\". There are: list, check, extract, create.", args[0])
}

func (c *command) archiveList(ctx context.Context, args []string) error {
	fs := c.flags("archive")
	file := fs.String("password-file", "", "")
	rest, err := c.parse(fs, args, 1)
	if err != nil {
		return err
	}
	var f findings
	l, err := archives.List(ctx, rest[0], archives.Options{Password: c.archivePassword(ctx, *file), Problem: f.tell(c)})
	f.end(c)
	if l != nil && (l.Bare || l.Container.Version > 0) { // else not even its header could be read
		c.listing(l)
	}
	if err == nil && f.damaged+f.refused > 0 {
		return errIncomplete
	}
	return c.archiveError(rest[0], "", err)
}

func (c *command) archiveCheck(ctx context.Context, args []string) error {
	fs := c.flags("archive")
	file := fs.String("password-file", "", "")
	rest, err := c.parse(fs, args, 1)
	if err != nil {
		return err
	}
	var f findings
	r, err := archives.Check(ctx, rest[0], archives.Options{Password: c.archivePassword(ctx, *file), Problem: f.tell(c)})
	f.end(c)
	if err != nil {
		return c.archiveError(rest[0], "", err)
	}
	if c.json {
		c.emit(jsonChecked{"checked", r.Complete, r.Clean(), r.Entries, r.Inflated, r.Damaged, r.Refused, r.Notes})
	}
	verdict := "It is good: Android would take everything in it."
	switch {
	case !r.Complete:
		verdict = "It is damaged, and reading ended there."
	case r.Damaged > 0:
		verdict = fmt.Sprintf("It is damaged in %s.", say.Count(uint64(r.Damaged))+" "+plural(r.Damaged, "place", "places"))
	case r.Refused > 0:
		verdict = fmt.Sprintf("It is whole, but Android would not take %s of it.", say.Count(uint64(r.Refused))+" "+plural(r.Refused, "part", "parts"))
	}
	c.print("Read %s, %s of content. %s", archiveFiles(r.Entries), say.Bytes(r.Inflated), verdict)
	if !r.Complete {
		return r.Damage
	}
	if !r.Clean() {
		return errIncomplete
	}
	return nil
}

func (c *command) archiveExtract(ctx context.Context, args []string) error {
	fs := c.flags("archive")
	file := fs.String("password-file", "", "")
	into := fs.String("into", "", "")
	rest, err := c.parse(fs, args, 1)
	if err != nil {
		return err
	}
	if *into == "" {
		return usagef("--into says which folder it is unpacked into.")
	}
	var f findings
	x, err := archives.Extract(ctx, rest[0], *into, archives.Options{Password: c.archivePassword(ctx, *file), Problem: f.tell(c)})
	f.end(c)
	if x != nil {
		if c.json {
			c.emit(jsonExtracted{
				"extracted", x.Apps, x.Same, x.Refused, x.Written.Files, x.Written.Folders, x.Written.Bytes, x.SharedSame, x.SharedRefused, err == nil,
			})
		}
		c.print("Unpacked %s: %s, %s.", archiveApps(x.Apps), archiveFiles(x.Written.Files), say.Bytes(x.Written.Bytes))
		if x.Same > 0 || x.SharedSame > 0 {
			c.print("Already there: %s, and %s of shared storage.", archiveApps(x.Same), sharedItems(x.SharedSame))
		}
		if x.Refused > 0 || x.SharedRefused > 0 {
			c.print("Not unpacked: %s, and %s of shared storage.", archiveApps(x.Refused), sharedItems(x.SharedRefused))
		}
	}
	if err != nil {
		return c.archiveError(rest[0], "--into", err)
	}
	if x.Refused > 0 || x.SharedRefused > 0 || x.Skipped > 0 || f.damaged > 0 {
		return errIncomplete
	}
	return nil
}

func (c *command) archiveCreate(ctx context.Context, args []string) error {
	fs := c.flags("archive")
	file := fs.String("password-file", "", "")
	from := fs.String("from", "", "")
	encrypt := fs.Bool("encrypt", false, "")
	plain := fs.Bool("no-compress", false, "")
	rest, err := c.parse(fs, args, 1)
	if err != nil {
		return err
	}
	if *from == "" {
		return usagef("--from says which folder goes into the archive.")
	}
	var f findings
	opt := archives.CreateOptions{Plain: *plain, Problem: f.tell(c)}
	if *encrypt || *file != "" {
		if opt.Password, err = c.newPassword(ctx, *file); err != nil {
			return err
		}
	}
	done, err := archives.Create(ctx, *from, rest[0], opt)
	f.end(c)
	if err != nil {
		return c.archiveError(rest[0], "--from", err)
	}
	if c.json {
		c.emit(jsonCreated{"created", done.Packages, done.Refused, done.Written.Files, done.Written.Folders, done.Written.Bytes, done.Inflated})
	}
	c.print("Made %s with %s: %s, %s.", say.Path(rest[0]), archiveApps(int64(done.Packages)), archiveFiles(done.Written.Files), say.Bytes(done.Written.Bytes))
	if done.Refused > 0 {
		c.print("Left out: %s, for the reasons above.", archiveApps(done.Refused))
	}
	if done.Refused > 0 || f.damaged+f.refused > 0 {
		return errIncomplete
	}
	return nil
}

func archiveApps(n int64) string { return say.Count(uint64(n)) + " " + plural(n, "app", "apps") }

func archiveFiles(n int64) string { return say.Count(uint64(n)) + " " + plural(n, "file", "files") }

func sharedItems(n int64) string {
	return say.Count(uint64(n)) + " " + plural(n, "file or folder", "files and folders")
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// archiveError says which of the arguments an error is about. folder is the flag
// that named the folder.
func (c *command) archiveError(file, folder string, err error) error {
	var arg *argumentError
	var atFile *archives.FileError
	var atFolder *archives.FolderError
	switch {
	case errors.As(err, &arg): // the password's file
		return arg
	case errors.As(err, &atFile):
		return &argumentError{say.Path(file), atFile.Err}
	case errors.As(err, &atFolder):
		return &argumentError{folder, atFolder.Err}
	}
	return err
}

// sameFindings is how many findings that say the same are told one by one.
const sameFindings = 100

// findings counts what was noticed in an archive, and keeps a hostile one from
// filling the terminal. The zero value is ready.
type findings struct {
	damaged, refused int64
	same             map[string]int64
	order            []string
}

// tell returns what tells of a finding.
func (n *findings) tell(c *command) func(archive.Finding) {
	n.same = make(map[string]int64)
	return func(f archive.Finding) {
		switch f.Severity {
		case archive.Damage:
			n.damaged++
		case archive.Refused:
			n.refused++
		}
		text := fmt.Sprintf("%s: %s", f.Severity, say.Path(f.What))
		if n.same[text] == 0 {
			n.order = append(n.order, text)
		}
		if n.same[text]++; c.json || n.same[text] <= sameFindings {
			c.finding(text, f)
		}
	}
}

// end tells of those that were not told one by one.
func (n *findings) end(c *command) {
	for _, text := range n.order {
		if more := n.same[text] - sameFindings; more > 0 && !c.json {
			c.say("%s (%s more)", text, say.Count(uint64(more)))
		}
	}
}

// finding tells of something that was noticed in an archive.
func (c *command) finding(text string, f archive.Finding) {
	if c.json {
		j := jsonFound{Event: "finding", Kind: string(f.Kind), Severity: f.Severity.String(), Offset: f.Offset, File: f.File, Package: f.Package, Text: f.What}
		j.Name, j.Raw = keyBytes(f.Name)
		c.emit(j)
		return
	}
	var where []string
	if f.Package != "" {
		where = append(where, say.Path(f.Package))
	}
	if f.Name != "" {
		where = append(where, quoted(f.Name))
	}
	if f.Offset >= 0 {
		where = append(where, fmt.Sprintf("byte %d", f.Offset))
	}
	if len(where) > 0 {
		text += " (" + strings.Join(where, ", ") + ")"
	}
	c.say("%s", text)
}

// listing prints what is in an archive.
func (c *command) listing(l *archive.Listing) {
	if c.json {
		c.listingJSON(l)
		return
	}
	h := l.Container
	switch {
	case l.Bare:
		c.print("A tar of Android's full backup, without a header.")
	default:
		how := "not compressed"
		if h.Compressed {
			how = "compressed"
		}
		if h.Encrypted {
			how += ", encrypted"
		}
		c.print("Android backup, version %d, %s.", h.Version, how)
	}
	width := len("PACKAGE")
	for _, p := range l.Packages {
		width = max(width, len(say.Path(p.Name)))
	}
	row := func(name, version, kind string, files int64, size int64) {
		c.print("  %-*s  %12s  %-10s  %9s  %10s", width, name, version, kind, say.Count(uint64(files)), say.Bytes(size))
	}
	if len(l.Packages) > 0 {
		c.print("  %-*s  %12s  %-10s  %9s  %10s", width, "PACKAGE", "VERSION", "KIND", "ITEMS", "SIZE")
	}
	for _, p := range l.Packages {
		version, n := "none", p.Files
		if p.HasManifest {
			version = fmt.Sprint(p.VersionCode)
		}
		kind := packageKind(p)
		if p.KeyValue {
			n = p.Entities
			for _, d := range p.Places {
				if d.Domain != keyValue {
					n += d.Files
				}
			}
		}
		row(say.Path(p.Name), version, kind, n, p.Bytes)
	}
	for _, s := range l.Shared {
		row(string(s.Domain), "", "shared", s.Files, s.Bytes)
	}
	c.print("%s, %s; %s of content.", archiveApps(int64(len(l.Packages))), archiveFiles(l.Entries), say.Bytes(l.Inflated))
}

// keyValue is the domain of key/value data.
const keyValue = "k"

// packageKind says how an app's data lies in an archive.
func packageKind(p *archive.Package) string {
	switch {
	case p.KeyValue && slices.ContainsFunc(p.Places, func(d archive.Place) bool { return d.Domain != keyValue }):
		return "both"
	case p.KeyValue:
		return "key-value"
	}
	return "full"
}

// maxPassword is the longest password in bytes.
const maxPassword = 4096

// archivePassword reads an archive's password from a file, or at the prompt. nil
// = there is nobody to ask.
func (c *command) archivePassword(ctx context.Context, file string) func() ([]byte, error) {
	switch {
	case file != "":
		return func() ([]byte, error) { return c.passwordFile(ctx, file) }
	case c.interactive():
		return func() ([]byte, error) { return c.typePassword(ctx, "Password of the archive: ") }
	}
	return nil
}

// newPassword reads the password for a new archive, twice where it is typed.
func (c *command) newPassword(ctx context.Context, file string) ([]byte, error) {
	if file != "" {
		p, err := c.passwordFile(ctx, file)
		if err == nil && len(p) == 0 {
			return nil, usagef("The password is empty.")
		}
		return p, err
	}
	if !c.interactive() {
		return nil, usagef("There is no terminal to type the password at. --password-file names a file with it, - is standard input.")
	}
	p, err := c.typePassword(ctx, "New password for the archive: ")
	if err != nil {
		return nil, err
	}
	again, err := c.typePassword(ctx, "The same again: ")
	switch {
	case err != nil:
		return nil, err
	case string(p) != string(again):
		return nil, usagef("The two are not the same.")
	case len(p) == 0:
		return nil, usagef("The password is empty.")
	}
	return p, nil
}

// typePassword asks for a password, which the terminal does not show. When ctx
// ends it gives up and has the terminal show again what is typed.
func (c *command) typePassword(ctx context.Context, question string) ([]byte, error) {
	fd := int(c.io.In.Fd())
	was, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(c.io.Err, question)
	p, err := until(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, was) // the read that is left cannot do it
	}
	fmt.Fprintln(c.io.Err)
	if errors.Is(err, io.EOF) {
		err = errGaveUp
	}
	return p, err
}

// until waits for a read or for the end of ctx. The read of a terminal or a pipe
// cannot be ended; one that is left ends with the program.
func until(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		b   []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		b, err := read()
		done <- result{b, err}
	}()
	select {
	case r := <-done:
		return r.b, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// passwordFile reads the first line of a file, which is text in UTF-8.
func (c *command) passwordFile(ctx context.Context, file string) ([]byte, error) {
	b, err := until(ctx, func() ([]byte, error) {
		var in io.Reader = c.input
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			if fi, err := f.Stat(); err == nil && fi.IsDir() {
				return nil, archives.ErrPassword
			}
			in = f
		}
		return firstLine(in)
	})
	if err != nil && ctx.Err() == nil {
		err = &argumentError{"--password-file", err}
	}
	return b, err
}

// firstLine reads a line of at most maxPassword bytes. The mark that some
// editors put before UTF-8 is no part of it.
func firstLine(in io.Reader) ([]byte, error) {
	const mark = "\uFEFF"
	b, err := io.ReadAll(io.LimitReader(in, maxPassword+int64(len(mark)+len("\r\n"))))
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimPrefix(strings.TrimSuffix(line, "\r"), mark)
	if len(line) > maxPassword || !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		return nil, archives.ErrPassword
	}
	return []byte(line), nil
}
