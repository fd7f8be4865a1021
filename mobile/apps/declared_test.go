package apps

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// TestDeclared has every attribute that is looked at, and its default.
func TestDeclared(t *testing.T) {
	const head = `<?xml version="1.0" encoding="utf-8"?><manifest xmlns:android="http://schemas.android.com/apk/res/android" package="org.example">`
	app := func(attributes string) string { return head + `<application ` + attributes + `/></manifest>` }
	for _, c := range []struct {
		xml  string
		want string
	}{
		{head + `</manifest>`, "target 35"},
		{app(``), "target 35"},
		{head + `<uses-sdk android:minSdkVersion="21" android:targetSdkVersion="29"/><application/></manifest>`, "target 29"},
		{app(`android:allowBackup="true"`), "target 35"},
		{app(`android:allowBackup="false"`), "target 35 denies"},
		{app(`android:backupAgent=".Agent"`), "target 35 agent"},
		{app(`android:backupAgent=".Agent" android:fullBackupOnly="true"`), "target 35 agent full"},
		{app(`android:restoreAnyVersion="true"`), "target 35 any"},
		{app(`android:allowClearUserDataOnFailedRestore="false"`), "target 35 keeps"},
		{app(`android:fullBackupContent="@xml/old"`), "target 35 content old"},
		{app(`android:fullBackupContent="true"`), "target 35 set"},
		{app(`android:fullBackupContent="false"`), "target 35 set off"},
		{app(`android:dataExtractionRules="@xml/fresh"`), "target 35 rules fresh"},
		// After allowBackup="false" Android looks at the new rules only.
		{
			app(`android:allowBackup="false" android:backupAgent=".A" android:fullBackupOnly="true" android:restoreAnyVersion="true" android:fullBackupContent="@xml/o" android:dataExtractionRules="@xml/n"`),
			"target 35 denies rules n",
		},
		// Another namespace's attributes, other elements, and names that lead out.
		{`<manifest xmlns:x="urn:x"><application x:allowBackup="false" allowBackup="false"/></manifest>`, "target 35"},
		{head + `<queries><application android:allowBackup="false"/></queries></manifest>`, "target 35"},
		// What cannot be looked up may say no: it keeps the app back.
		{app(`android:dataExtractionRules="@xml/../../x" android:fullBackupContent="@drawable/x"`), "target 35 content ? rules ?"},
		{app(`android:allowBackup="@bool/backup"`), "target 35 denies"},
	} {
		d, err := parseDeclared([]byte(c.xml))
		if err != nil {
			t.Errorf("%s: %v", c.xml, err)
			continue
		}
		got := fmt.Sprintf("target %d", d.TargetSDK)
		for _, f := range []struct {
			is   bool
			name string
		}{
			{d.NoBackup, "denies"}, {d.HasAgent, "agent"}, {d.FullOnly, "full"}, {d.RestoreAnyVersion, "any"}, {d.KeepOnFailedRestore, "keeps"},
			{d.contentSet, "set"}, {d.contentOff, "off"}, {d.content != "", "content " + d.content}, {d.extraction != "", "rules " + d.extraction},
		} {
			if f.is {
				got += " " + f.name
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.xml, got, c.want)
		}
	}
	for _, bad := range []string{"", "text", "<manifest>", "<application/>", `<!DOCTYPE manifest []><manifest/>`, "\x03\x00\x08\x00\x10\x00\x00\x00"} {
		if _, err := parseDeclared([]byte(bad)); !errors.Is(err, errManifestXML) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestCompiledXML: XML in the form that lies in an installed app is not read,
// and what it may have kept out does not move.
func TestCompiledXML(t *testing.T) {
	const compiled = "\x03\x00\x08\x00\x10\x00\x00\x00"
	for name, why := range map[string]backup.Reason{
		"AndroidManifest.xml":               backup.Malformed,
		"res/xml/data_extraction_rules.xml": backup.NotAllowed,
	} {
		from, to := newFolder(t), newFolder(t)
		from.write(example(map[string]string{"org.example/" + name: compiled}))
		tally := move(t, from, to)
		if tally.Failed != 1 || tally.Failures[0].Reason != why {
			t.Errorf("%s: %+v", name, tally)
		}
		if _, err := os.Stat(to.dir + "/apps/org.example"); !os.IsNotExist(err) {
			t.Errorf("%s: the app is there", name)
		}
	}
}
