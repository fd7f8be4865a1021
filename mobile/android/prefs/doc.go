// Package prefs reads and writes the files in which Android apps keep their
// settings: shared_prefs/NAME.xml, a small XML document that holds a typed map.
//
//	<?xml version='1.0' encoding='utf-8' standalone='yes' ?>
//	<map>
//	    <string name="k">text</string>
//	    <int name="k" value="1" />           also long, float, boolean
//	    <set name="k">
//	        <string>text</string>
//	    </set>
//	    <null name="k" />
//	</map>
//
// [Encode] writes what Android's own writer would, byte for byte, and [Decode]
// keeps the order: a file that Android wrote and nobody changed encodes to the
// same bytes. Sources: AOSP XmlUtils, FastXmlSerializer, SharedPreferencesImpl.
//
// The parser is this package's own. It knows these few elements and nothing of
// document types or entities beyond the five that XML begins with, so a
// document cannot grow while it is read; and it takes the numbered control
// characters that Android writes and XML forbids.
//
// The worst moment is a file that parses as something else than the app meant:
// a number out of range, an element from the future. Nothing is guessed then.
// The error carries the offset, and the file is better moved as it is.
package prefs
