package apps

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/rules"
)

// The files that say what an app allows, below its folder.
const (
	manifestFile = "AndroidManifest.xml"
	// extractionFile and contentFile are what Android Studio calls the rules
	// that it makes. They count when the manifest names none.
	extractionFile = "res/xml/data_extraction_rules.xml"
	contentFile    = "res/xml/backup_rules.xml"
)

// maxXML is the largest such file in bytes.
const maxXML = 1 << 20

const androidSpace = "http://schemas.android.com/apk/res/android"

// defaultTarget is the target SDK of an app that does not say: a current one.
const defaultTarget = 35

// declared is what an app's AndroidManifest.xml says of backup.
type declared struct {
	android.Package
	extraction string // file name of the rules below res/xml, without .xml; "" = none
	content    string // the same of the older rules
	contentSet bool   // fullBackupContent="true" or "false"
	contentOff bool   // it is "false"
	rules      rules.App
}

var errManifestXML = errors.New("AndroidManifest.xml is malformed")

// parseDeclared reads a decoded AndroidManifest.xml. What it does not say has
// Android's defaults.
func parseDeclared(b []byte) (declared, error) {
	d := declared{Package: android.Package{TargetSDK: defaultTarget}}
	dec := xml.NewDecoder(bytes.NewReader(b))
	depth, seen := 0, false
	for {
		tok, err := dec.Token()
		if err == io.EOF && depth == 0 && seen {
			return d, nil
		}
		if err != nil {
			return d, fmt.Errorf("%w: byte %d", errManifestXML, dec.InputOffset())
		}
		switch t := tok.(type) {
		case xml.Directive: // no document type has business here
			return d, fmt.Errorf("%w: byte %d", errManifestXML, dec.InputOffset())
		case xml.StartElement:
			if depth++; depth > 64 {
				return d, fmt.Errorf("%w: nested too deep", errManifestXML)
			}
			switch {
			case depth == 1 && t.Name.Local != "manifest":
				return d, fmt.Errorf("%w: it is no manifest", errManifestXML)
			case depth == 1:
				seen = true
			case depth == 2 && t.Name.Local == "uses-sdk":
				if n, err := strconv.Atoi(attr(t, "targetSdkVersion")); err == nil {
					d.TargetSDK = n
				}
			case depth == 2 && t.Name.Local == "application":
				d.application(t)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// application reads the attributes of <application>. With allowBackup="false"
// Android does not even look at the others, but for the extraction rules.
func (d *declared) application(t xml.StartElement) {
	d.extraction = resource(attr(t, "dataExtractionRules"))
	allow := attr(t, "allowBackup")
	if d.NoBackup = allow == "false" || strings.HasPrefix(allow, "@"); d.NoBackup { // a resource may say no
		return
	}
	d.HasAgent = attr(t, "backupAgent") != ""
	d.FullOnly = attr(t, "fullBackupOnly") == "true"
	d.RestoreAnyVersion = attr(t, "restoreAnyVersion") == "true"
	d.KeepOnFailedRestore = attr(t, "allowClearUserDataOnFailedRestore") == "false"
	switch c := attr(t, "fullBackupContent"); c {
	case "true", "false":
		d.contentSet, d.contentOff = true, c == "false"
	default:
		d.content = resource(c)
	}
}

// attr returns an attribute of Android's namespace.
func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name && (a.Name.Space == androidSpace || a.Name.Space == "android") {
			return a.Value
		}
	}
	return ""
}

// resource returns NAME of @xml/NAME. Of a reference in any other form it
// returns a name that no file has: rules that cannot be found keep the app back.
func resource(ref string) string {
	name, ok := strings.CutPrefix(ref, "@xml/")
	if ref != "" && (!ok || name == "" || strings.ContainsAny(name, "/\\\x00")) {
		return "?"
	}
	return name
}
