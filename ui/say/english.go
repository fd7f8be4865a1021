package say

import (
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
)

// Bytes is [Words.Bytes] in English.
func Bytes(n int64) string { return English.Bytes(n) }

// Speed is [Words.Speed] in English.
func Speed(n int64, d time.Duration) string { return English.Speed(n, d) }

// Count is [Words.Count] in English.
func Count(n uint64) string { return English.Count(n) }

// Content is [Words.Content] in English.
func Content(info backup.Info, n, folders uint64) string { return English.Content(info, n, folders) }

// Items is [Words.Items] in English.
func Items(n uint64) string { return English.Items(n) }

// Folders is [Words.Folders] in English.
func Folders(n uint64) string { return English.Folders(n) }

// Tries is [Words.Tries] in English.
func Tries(n int) string { return English.Tries(n) }

// Item is [Words.Item] in English.
func Item(info backup.Info, key backup.Key) string { return English.Item(info, key) }

// Took is [Words.Took] in English.
func Took(d time.Duration) string { return English.Took(d) }

// LeftBetween is [Words.LeftBetween] in English.
func LeftBetween(low, high time.Duration) string { return English.LeftBetween(low, high) }

// Waiting is [Words.Waiting] in English.
func Waiting(w transfer.Wait, silent time.Duration) Problem { return English.Waiting(w, silent) }

// Space is [Words.Space] in English.
func Space(w session.WaitingForSpace, here bool) Problem { return English.Space(w, here) }

// Notes is [Words.Notes] in English.
func Notes(s journal.State) Problem { return English.Notes(s) }

// Reason is [Words.Reason] in English.
func Reason(r backup.Reason) Problem { return English.Reason(r) }

// Interrupted is [Words.Interrupted] in English.
func Interrupted() Problem { return English.Interrupted() }

// Error is [Words.Error] in English.
func Error(err error) Problem { return English.Error(err) }

// Diagnosis is [Words.Diagnosis] in English.
func Diagnosis(d discovery.Diagnosis) []Problem { return English.Diagnosis(d) }

// NobodyComes is [Words.NobodyComes] in English.
func NobodyComes(d discovery.Diagnosis) []Problem { return English.NobodyComes(d) }
