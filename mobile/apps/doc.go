// Package apps moves apps' data by Android's backup contract.
//
// On a phone that is a folder, apps/PACKAGE is an unpacked Android archive: the
// framework's _manifest, the folders that archives call domains (f, db, sp, r,
// ef, …), and for an app that backs up key/value data k/PACKAGE.data. What an
// app allows is read from an AndroidManifest.xml and the rules in res/xml that
// may lie beside them, in the form that Android Studio has them.
//
// On the old phone the backup manager runs each app's agent with the
// device-to-device transport, whose sink makes items of what the agent hands
// over. Keys are
//
//	PACKAGE/PATH   a file or folder of the app's
//	PACKAGE:KEY    an entity; Group is the digest of the set it belongs to
//	PACKAGE        the app itself, after all that belongs to it
//
// On the new phone the items gather in apps/.arriving. The last of them has the
// manager restore the app from there, with the agent that the new phone has
// for it, and the app's folder takes its name only when that succeeded. A
// version that was there is kept, in apps/.before.
//
// Its worst moment is an app of which a part did not arrive: nothing of it is
// restored, the person hears which app, and the next run needs only the rest.
package apps
