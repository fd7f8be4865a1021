package cli

import (
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/backup"
)

// The objects of "ferry archive", under the promise of the others.

type jsonArchive struct {
	Event      string `json:"event"`
	Version    int    `json:"version"`
	Compressed bool   `json:"compressed"`
	Encrypted  bool   `json:"encrypted"`
	Packages   int    `json:"packages"`
	Entries    int64  `json:"entries"`
	Bytes      int64  `json:"bytes"`
	Problems   int64  `json:"problems"`
}

type jsonPlace struct {
	Domain  string `json:"domain"`
	Files   int64  `json:"files"`
	Folders int64  `json:"folders"`
	Bytes   int64  `json:"bytes"`
}

type jsonPackage struct {
	Event     string      `json:"event"`
	Package   string      `json:"package"`
	Kind      string      `json:"kind"`
	Version   int64       `json:"version"`
	SDK       int64       `json:"sdk"`
	Installer string      `json:"installer"`
	Manifest  bool        `json:"manifest"`
	Signers   int         `json:"signers"`
	Files     int64       `json:"files"`
	Folders   int64       `json:"folders"`
	Bytes     int64       `json:"bytes"`
	Entities  int64       `json:"entities"`
	Domains   []jsonPlace `json:"domains"`
	Problems  int64       `json:"problems"`
}

type jsonShared struct {
	Event   string `json:"event"`
	Domain  string `json:"domain"`
	Files   int64  `json:"files"`
	Folders int64  `json:"folders"`
	Bytes   int64  `json:"bytes"`
}

type jsonFound struct {
	Event    string `json:"event"`
	Kind     string `json:"kind"`
	Severity string `json:"severity"`
	Offset   int64  `json:"offset"`
	File     int64  `json:"file"`
	Package  string `json:"package,omitempty"`
	Name     string `json:"name,omitempty"`
	Raw      string `json:"raw,omitempty"`
	Text     string `json:"text"`
}

type jsonChecked struct {
	Event    string `json:"event"`
	Complete bool   `json:"complete"`
	Clean    bool   `json:"clean"`
	Entries  int64  `json:"entries"`
	Bytes    int64  `json:"bytes"`
	Damaged  int64  `json:"damaged"`
	Refused  int64  `json:"refused"`
	Notes    int64  `json:"notes"`
}

type jsonExtracted struct {
	Event         string `json:"event"`
	Apps          int64  `json:"apps"`
	Same          int64  `json:"same"`
	Refused       int64  `json:"refused"`
	Files         int64  `json:"files"`
	Folders       int64  `json:"folders"`
	Bytes         int64  `json:"bytes"`
	SharedSame    int64  `json:"shared_same"`
	SharedRefused int64  `json:"shared_refused"`
	Complete      bool   `json:"complete"`
}

type jsonCreated struct {
	Event    string `json:"event"`
	Apps     int    `json:"apps"`
	Refused  int64  `json:"refused"`
	Files    int64  `json:"files"`
	Folders  int64  `json:"folders"`
	Bytes    int64  `json:"bytes"`
	Inflated int64  `json:"inflated"`
}

// keyBytes is keyText for a name from an archive.
func keyBytes(name string) (text, raw string) { return keyText(backup.Key(name)) }

func (c *command) listingJSON(l *archive.Listing) {
	c.emit(jsonArchive{
		"archive", l.Container.Version, l.Container.Compressed, l.Container.Encrypted, len(l.Packages), l.Entries, l.Inflated, l.Problems,
	})
	for _, p := range l.Packages {
		j := jsonPackage{
			Event: "package", Package: p.Name, Kind: packageKind(p), Version: p.VersionCode, SDK: p.SDK, Installer: p.Installer,
			Manifest: p.HasManifest, Signers: p.Certificates, Files: p.Files, Folders: p.Folders, Bytes: p.Bytes,
			Entities: p.Entities, Domains: []jsonPlace{}, Problems: p.Problems,
		}
		for _, d := range p.Places {
			j.Domains = append(j.Domains, jsonPlace{string(d.Domain), d.Files, d.Folders, d.Bytes})
		}
		c.emit(j)
	}
	for _, s := range l.Shared {
		c.emit(jsonShared{"shared", string(s.Domain), s.Files, s.Folders, s.Bytes})
	}
}
