package pm

import (
	"crypto/sha256"
	"slices"
)

// Hash is the SHA-256 of a certificate that signed an app.
type Hash [sha256.Size]byte

// HashOf returns the Hash of a certificate in DER.
func HashOf(certificate []byte) Hash { return sha256.Sum256(certificate) }

// Installed is what is known of an app on the phone that data is to be
// restored to.
type Installed struct {
	// System says that the app is part of the system's image. Such apps are
	// signed with keys that differ from one make of phone to the next.
	System bool
	// Current are the signers of the installed app.
	Current []Hash
	// Past are earlier signers, which a rotated key vouches for and has not
	// barred from handing over their data. Empty unless there is exactly one
	// current signer.
	Past []Hash
}

// SignaturesMatch reports whether data of an app with these stored signers may
// be given to the installed app (AOSP BackupUtils.signaturesMatch). An app of
// the system gets it always. Otherwise a single stored signer has to be one of
// the current or the past ones; of several, each has to be a current one. No
// stored signer, or no current one, never matches.
func SignaturesMatch(stored []Hash, app Installed) bool {
	if app.System {
		return true
	}
	if len(stored) == 0 || len(app.Current) == 0 {
		return false
	}
	if len(stored) == 1 && slices.Contains(app.Past, stored[0]) {
		return true
	}
	for _, s := range stored {
		if !slices.Contains(app.Current, s) {
			return false
		}
	}
	return true
}
