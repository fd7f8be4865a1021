package backup_test

import (
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

func TestKindValid(t *testing.T) {
	for kind, want := range map[backup.Kind]bool{
		"contacts": true, "a": true, "0": true, "com.example.app2": true, "call-log": true,
		backup.Kind(strings.Repeat("k", backup.MaxKind)): true,
		"": false, "Photos": false, "a b": false, "a/b": false, "a\x00": false, "фото": false, "a_b": false, "a\n": false,
		backup.Kind(strings.Repeat("k", backup.MaxKind+1)): false,
	} {
		if got := kind.Valid(); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
}

// TestNumbers holds the numbers that are Android's or travel.
func TestNumbers(t *testing.T) {
	if backup.TypeFile != 1 || backup.TypeDirectory != 2 || backup.TypeEntity != 16 {
		t.Error("a type has another number")
	}
	if backup.FlagClientSideEncryptionEnabled != 1 || backup.FlagDeviceToDeviceTransfer != 2 {
		t.Error("a flag has another number")
	}
	if backup.Need != 1 || backup.Have != 2 || backup.Compare != 3 || backup.Refuse != 4 {
		t.Error("a verdict has another number")
	}
}

func TestOutcomes(t *testing.T) {
	for o, want := range map[backup.Outcome]string{
		0: "unknown", 1: "added", 2: "merged", 3: "skipped", 4: "failed", 5: "unknown",
	} {
		if o.String() != want || o.Valid() != (want != "unknown") {
			t.Errorf("outcome %d is %q, valid %v", o, o, o.Valid())
		}
	}
}

func TestFlagsHas(t *testing.T) {
	both := backup.FlagClientSideEncryptionEnabled | backup.FlagDeviceToDeviceTransfer
	for _, tt := range []struct {
		have, want backup.Flags
		has        bool
	}{
		{both, both, true}, {both, backup.FlagDeviceToDeviceTransfer, true}, {both, 0, true}, {0, 0, true},
		{backup.FlagDeviceToDeviceTransfer, both, false}, {0, backup.FlagDeviceToDeviceTransfer, false}, {both, 4, false},
	} {
		if got := tt.have.Has(tt.want); got != tt.has {
			t.Errorf("%b has %b: %v", tt.have, tt.want, got)
		}
	}
}

func TestDigest(t *testing.T) {
	var zero backup.Digest
	d := backup.Digest(blake3.Sum256(nil))
	if !zero.IsZero() || d.IsZero() {
		t.Error("the zero digest is taken for another")
	}
	if got := d.String(); got != "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262" {
		t.Errorf("nothing hashes to %s", got)
	}
}
