package apps

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/android/rules"
	"github.com/ferry-move/ferry/mobile/backup"
)

// sharedName is the folder in apps that holds what an archive said of shared
// storage. It is no app.
const sharedName = "shared"

// app is what a package's folder says.
type app struct {
	android.Package
	form  android.RestoreType // RestoreNone for what is no app
	rules rules.App
}

var (
	errNoManifest = errors.New("it has no _manifest")
	errOther      = errors.New("its _manifest is another app's")
)

// load reads what the folder of a package in dir says of it.
func load(dir *os.Root, pkg string) (*app, error) {
	if pkg == sharedName {
		return &app{Package: android.Package{Name: pkg}}, nil
	}
	a := &app{form: android.RestoreFull}
	m, err := manifest(dir, path.Join(pkg, fullbackup.ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		m, err = manifest(dir, path.Join(pkg, string(domain.KeyValue), fullbackup.ManifestName))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, backup.Fail("look", Kind, backup.Malformed, errNoManifest)
	case err != nil:
		return nil, err
	case m.Package != pkg:
		return nil, backup.Fail("look", Kind, backup.Malformed, errOther)
	}
	d, err := declaration(dir, pkg)
	if err != nil {
		return nil, err
	}
	a.Package, a.rules = d.Package, d.rules
	a.Name, a.Version = pkg, m.VersionCode
	for _, c := range m.Certificates {
		a.Signatures = append(a.Signatures, sha256.Sum256(c))
	}
	if len(a.Signatures) == 0 { // made by hand: it is its own only signer
		a.Signatures = append(a.Signatures, sha256.Sum256(nil))
	}
	a.rules.Package = pkg
	if _, err := dir.Lstat(recordsPath(pkg)); err == nil && !hasFiles(dir, pkg) {
		a.form = android.RestoreKeyValue
		a.HasAgent = true // nobody else writes records
		a.rules.Agent = true
	}
	return a, nil
}

// hasFiles reports whether a package has a folder that full backup fills.
func hasFiles(dir *os.Root, pkg string) bool {
	for _, t := range append(domain.Order(), domain.OBB) {
		if fi, err := dir.Lstat(path.Join(pkg, string(t))); err == nil && fi.IsDir() {
			return true
		}
	}
	return false
}

// manifest reads the framework's description of a package.
func manifest(dir *os.Root, name string) (*fullbackup.Manifest, error) {
	b, err := readSmall(dir, name, fullbackup.MaxMetadata)
	if err != nil {
		return nil, err
	}
	m, err := fullbackup.ParseManifest(b)
	if err != nil {
		return nil, backup.Fail("look", Kind, backup.Malformed, err)
	}
	return m, nil
}

// readSmall reads a regular file of at most max bytes.
func readSmall(dir *os.Root, name string, max int64) ([]byte, error) {
	fi, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > max {
		return nil, backup.Fail("look", Kind, backup.Malformed, fmt.Errorf("%s is no file of at most %d bytes", path.Base(name), max))
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, max))
}

// declaration reads an app's AndroidManifest.xml and its rules.
func declaration(dir *os.Root, pkg string) (*declared, error) {
	d := &declared{Package: android.Package{TargetSDK: defaultTarget}}
	b, err := readSmall(dir, path.Join(pkg, manifestFile), maxXML)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if *d, err = parseDeclared(b); err != nil {
			return nil, backup.Fail("look", Kind, backup.Malformed, err)
		}
	}
	d.rules = rules.App{
		TargetSDK: d.TargetSDK, Agent: d.HasAgent, FullBackupOnly: d.FullOnly, NoBackup: d.NoBackup, NoFullBackup: d.contentOff,
	}
	extraction, content := extractionFile, contentFile
	if d.extraction != "" {
		extraction = "res/xml/" + d.extraction + ".xml"
	}
	if d.content != "" {
		content = "res/xml/" + d.content + ".xml"
	}
	if b, err = readSmall(dir, path.Join(pkg, extraction), maxXML); err == nil {
		if d.rules.Extraction, err = rules.ParseExtraction(bytes.NewReader(b)); err != nil {
			d.rules.Extraction = rules.UnusableExtraction()
		}
	} else if !errors.Is(err, fs.ErrNotExist) || d.extraction != "" {
		d.rules.Extraction = rules.UnusableExtraction() // what it kept out must stay out
	}
	if d.contentSet {
		return d, nil
	}
	if b, err = readSmall(dir, path.Join(pkg, content), maxXML); err == nil {
		if d.rules.Content, err = rules.ParseContent(bytes.NewReader(b)); err != nil {
			d.rules.Content = rules.UnusableContent()
		}
	} else if !errors.Is(err, fs.ErrNotExist) || d.content != "" {
		d.rules.Content = rules.UnusableContent()
	}
	return d, nil
}
