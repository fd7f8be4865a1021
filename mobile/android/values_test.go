package android_test

import (
	"math"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// TestValues has the numbers and names of BackupAgent, BackupTransport,
// RestoreDescription and RestoreSet.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want int64
	}{
		{"FLAG_CLIENT_SIDE_ENCRYPTION_ENABLED", int64(backup.FlagClientSideEncryptionEnabled), 1},
		{"FLAG_DEVICE_TO_DEVICE_TRANSFER", int64(backup.FlagDeviceToDeviceTransfer), 2},
		{"TYPE_FILE", int64(backup.TypeFile), 1},
		{"TYPE_DIRECTORY", int64(backup.TypeDirectory), 2},
		{"TRANSPORT_OK", int64(android.TransportOK), 0},
		{"NO_MORE_DATA", int64(android.NoMoreData), -1},
		{"TRANSPORT_ERROR", int64(android.TransportError), -1000},
		{"TRANSPORT_NOT_INITIALIZED", int64(android.TransportNotInitialized), -1001},
		{"TRANSPORT_PACKAGE_REJECTED", int64(android.TransportPackageRejected), -1002},
		{"AGENT_ERROR", int64(android.AgentError), -1003},
		{"AGENT_UNKNOWN", int64(android.AgentUnknown), -1004},
		{"TRANSPORT_QUOTA_EXCEEDED", int64(android.TransportQuotaExceeded), -1005},
		{"TRANSPORT_NON_INCREMENTAL_BACKUP_REQUIRED", int64(android.TransportNonIncrementalBackupRequired), -1006},
		{"FLAG_USER_INITIATED", int64(android.FlagUserInitiated), 1},
		{"FLAG_INCREMENTAL", int64(android.FlagIncremental), 2},
		{"FLAG_NON_INCREMENTAL", int64(android.FlagNonIncremental), 4},
		{"FLAG_DATA_NOT_CHANGED", int64(android.FlagDataNotChanged), 8},
		{"TYPE_KEY_VALUE", int64(android.RestoreKeyValue), 1},
		{"TYPE_FULL_STREAM", int64(android.RestoreFull), 2},
		{"no more packages", int64(android.RestoreDescription{}.Type), 0},
		{"Long.MAX_VALUE", android.NoQuota, math.MaxInt64},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, want %d", c.name, c.got, c.want)
		}
	}
	if android.MetadataPackage != "@pm@" || android.EndPackage != "@end@" || android.DeviceD2D != "D2D" {
		t.Error("a name is another")
	}
}

// TestCodeTexts: what a person may read is a plain phrase, and each has its own.
func TestCodeTexts(t *testing.T) {
	seen := map[string]bool{}
	for c := android.TransportNonIncrementalBackupRequired - 1; c <= android.TransportError+1; c++ {
		text := c.Error()
		known := c >= android.TransportNonIncrementalBackupRequired && c <= android.TransportError
		if text == "" || strings.ContainsAny(text, "%\"_") || known && seen[text] || known == (text == android.Code(7).Error()) {
			t.Errorf("%d: %q", int32(c), text)
		}
		seen[text] = true
	}
}

// TestPerm: of a restored file's mode Android leaves the owner's bits.
func TestPerm(t *testing.T) {
	for mode, want := range map[uint32]uint32{0: 0, 0o644: 0o600, 0o755: 0o700, 0o7777: 0o700, 0o077: 0, 0o100660: 0o600, 0o40500: 0o500} {
		if got := (android.FileInfo{Mode: mode}).Perm(); uint32(got) != want {
			t.Errorf("%o: %o, want %o", mode, got, want)
		}
	}
}
