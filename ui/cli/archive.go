package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
	if _, err := c.parse(c.flags("archive"), args, 1); err != nil { // help, or a flag that does not exist
		return err
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
	l, err := archives.List(ctx, rest[0], archives.Options{Password: c.archivePassword(*file), Problem: c.finding})
	if l != nil && (l.Bare || l.Container.Version > 0) { // else not even its header could be read
		c.listing(l)
	}
	if err == nil && l.Problems > 0 {
		return errIncomplete
	}
	return c.archiveError(rest[0], err)
}

func (c *command) archiveCheck(ctx context.Context, args []string) error {
	fs := c.flags("archive")
	file := fs.String("password-file", "", "")
	rest, err := c.parse(fs, args, 1)
	if err != nil {
		return err
	}
	r, err := archives.Check(ctx, rest[0], archives.Options{Password: c.archivePassword(*file), Problem: c.finding})
	if err != nil {
		return c.archiveError(rest[0], err)
	}
	if c.json {
		c.emit(jsonChecked{"checked", r.Complete, r.Clean(), r.Entries, r.Inflated, r.Damaged, r.Refused, r.Notes})
	}
	verdict := "It is good: Android would take everything in it."
	switch {
	case r.Damaged > 0:
		verdict = fmt.Sprintf("It is damaged in %s.", say.Count(uint64(r.Damaged))+" "+plural(r.Damaged, "place", "places"))
	case r.Refused > 0:
		verdict = fmt.Sprintf("It is whole, but Android would not take %s of it.", say.Count(uint64(r.Refused))+" "+plural(r.Refused, "part", "parts"))
	}
	c.print("Read %s, %s of content. %s", archiveFiles(r.Entries), say.Bytes(r.Inflated), verdict)
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
	x, err := archives.Extract(ctx, rest[0], *into, archives.Options{Password: c.archivePassword(*file), Problem: c.finding})
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
		return c.archiveError(rest[0], err)
	}
	if x.Refused > 0 || x.SharedRefused > 0 || x.Skipped > 0 {
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
	opt := archives.CreateOptions{Plain: *plain, Problem: c.finding}
	if *encrypt || *file != "" {
		if opt.Password, err = c.newPassword(*file); err != nil {
			return err
		}
	}
	done, err := archives.Create(ctx, *from, rest[0], opt)
	if err != nil {
		return c.archiveError(rest[0], err)
	}
	if c.json {
		c.emit(jsonCreated{"created", done.Packages, done.Refused, done.Written.Files, done.Written.Folders, done.Written.Bytes, done.Inflated})
	}
	c.print("Made %s with %s: %s, %s.", say.Path(rest[0]), archiveApps(int64(done.Packages)), archiveFiles(done.Written.Files), say.Bytes(done.Written.Bytes))
	if done.Refused > 0 {
		c.print("Left out: %s that Android would not take.", archiveApps(done.Refused))
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

// archiveError names the file in an error about it.
func (c *command) archiveError(path string, err error) error {
	var pe *os.PathError
	if err != nil && errors.As(err, &pe) {
		return &argumentError{say.Path(path), err}
	}
	return err
}

// finding tells of something that was noticed in an archive.
func (c *command) finding(f archive.Finding) {
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
	c.say("%s: %s (%s)", f.Severity, say.Path(f.What), strings.Join(where, ", "))
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
		}
		row(say.Path(p.Name), version, kind, n, p.Bytes)
	}
	for _, s := range l.Shared {
		row(string(s.Domain), "", "shared", s.Files, s.Bytes)
	}
	c.print("%s, %s; %s of content.", archiveApps(int64(len(l.Packages))), archiveFiles(l.Entries), say.Bytes(l.Inflated))
}

// packageKind says how an app's data lies in an archive.
func packageKind(p *archive.Package) string {
	switch {
	case p.KeyValue && p.Files > 1:
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
func (c *command) archivePassword(file string) func() ([]byte, error) {
	switch {
	case file != "":
		return func() ([]byte, error) { return c.passwordFile(file) }
	case c.interactive():
		return func() ([]byte, error) { return c.typePassword("Password of the archive: ") }
	}
	return nil
}

// newPassword reads the password for a new archive, twice where it is typed.
func (c *command) newPassword(file string) ([]byte, error) {
	if file != "" {
		p, err := c.passwordFile(file)
		if err == nil && len(p) == 0 {
			return nil, usagef("The password is empty.")
		}
		return p, err
	}
	if !c.interactive() {
		return nil, usagef("There is no terminal to type the password at. --password-file names a file with it, - is standard input.")
	}
	p, err := c.typePassword("New password for the archive: ")
	if err != nil {
		return nil, err
	}
	again, err := c.typePassword("The same again: ")
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

func (c *command) typePassword(question string) ([]byte, error) {
	fmt.Fprint(c.io.Err, question)
	p, err := term.ReadPassword(int(c.io.In.Fd()))
	fmt.Fprintln(c.io.Err)
	if errors.Is(err, io.EOF) {
		err = errGaveUp
	}
	return p, err
}

// passwordFile reads the first line of a file.
func (c *command) passwordFile(file string) ([]byte, error) {
	var in io.Reader = c.input
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, &argumentError{"--password-file", err}
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxPassword))
	if err != nil {
		return nil, &argumentError{"--password-file", err}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return []byte(strings.TrimSuffix(line, "\r")), nil
}
