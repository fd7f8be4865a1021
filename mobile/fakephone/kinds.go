package fakephone

import "github.com/ferry-move/ferry/mobile/backup"

// The kinds of data that a fake phone has.
const (
	Contacts   backup.Kind = "contacts"
	Documents  backup.Kind = "documents"
	Photos     backup.Kind = "photos"
	Videos     backup.Kind = "videos"
	Music      backup.Kind = "music"
	Recordings backup.Kind = "recordings"
	Downloads  backup.Kind = "downloads"
	Files      backup.Kind = "files"
	// Secrets are there only when [Config] says so.
	Secrets backup.Kind = "secrets"
)

// kind is one row of the table of kinds. It is immutable.
type kind struct {
	info backup.Info
	// count and size are what a phone has by default: items, and bytes of
	// content in each file.
	count int
	size  Range
	// base is the folder that holds all; folders are its first subfolders.
	base    string
	folders []string
	// stamps begin the names that a camera or a recorder makes; the others are
	// words.
	stamps []string
	exts   []string
	// text makes content that compresses as documents do.
	text bool
	// raw puts in names that are not UTF-8, as old file systems hold them.
	raw bool
}

// kinds is in the order in which data moves.
var kinds = []kind{{
	info:  backup.Info{Kind: Contacts, Title: "Contacts", One: "contact", Many: "contacts", Entities: true, Order: 10},
	count: 120,
}, {
	info:  backup.Info{Kind: Documents, Title: "Documents", One: "document", Many: "documents", Order: 40},
	count: 30, size: Range{0, 96 << 10}, text: true,
	base: "Documents", folders: []string{"Scans", "Квитанции", "合同"},
	exts: []string{".pdf", ".docx", ".txt", ".odt", ".epub", ".xlsx"},
}, {
	info:  backup.Info{Kind: Photos, Title: "Photos", One: "photo", Many: "photos", Order: 50},
	count: 60, size: Range{16 << 10, 256 << 10},
	base: "DCIM", folders: []string{"Camera", "Screenshots", "Übersicht 🏔️"},
	stamps: []string{"IMG_", "PXL_", "Screenshot_", "IMG-WA"},
	exts:   []string{".jpg", ".jpg", ".jpg", ".heic", ".png", ".dng"},
}, {
	info:  backup.Info{Kind: Videos, Title: "Videos", One: "video", Many: "videos", Order: 60},
	count: 5, size: Range{256 << 10, 2 << 20},
	base: "Movies", folders: []string{"Camera", "أفلام", "VN"},
	stamps: []string{"VID_", "PXL_"}, exts: []string{".mp4", ".mp4", ".mkv", ".3gp"},
}, {
	info:  backup.Info{Kind: Music, Title: "Music", One: "song", Many: "songs", Order: 70},
	count: 12, size: Range{64 << 10, 512 << 10},
	base: "Music", folders: []string{"Live", "Кино", "久石譲", "संगीत"},
	exts: []string{".mp3", ".flac", ".m4a", ".opus"},
}, {
	info:  backup.Info{Kind: Recordings, Title: "Recordings", One: "recording", Many: "recordings", Order: 72},
	count: 8, size: Range{8 << 10, 128 << 10},
	base: "Recordings", folders: []string{"Voice Recorder", "Calls"},
	stamps: []string{"Voice ", "REC_"}, exts: []string{".m4a", ".amr", ".ogg"},
}, {
	info:  backup.Info{Kind: Downloads, Title: "Downloads", One: "download", Many: "downloads", Order: 75},
	count: 15, size: Range{0, 256 << 10},
	base: "Download", folders: []string{"Telegram", "ダウンロード"},
	exts: []string{".pdf", ".apk", ".zip", ".tar.gz", ".html"},
}, {
	info:  backup.Info{Kind: Files, Title: "Files", One: "file", Many: "files", Order: 90},
	count: 25, size: Range{0, 64 << 10}, raw: true,
	base: "Stuff", folders: []string{".hidden", "Backups", "日本語 フォルダ"},
	exts: []string{".bin", ".gpx", ".json", ".db", ""},
}}

// secrets is a kind that no real phone has so far.
var secrets = kind{
	info: backup.Info{Kind: Secrets, Title: "Passwords", One: "password", Many: "passwords", Order: 95, Secret: true},
	size: Range{16, 256},
	base: "Passwords", folders: []string{"Wi-Fi", "Пароли"},
	exts: []string{".key", ".txt"},
}

// Kinds describes the kinds that every fake phone has, in the order in which their
// data moves.
func Kinds() []backup.Info {
	all := make([]backup.Info, len(kinds))
	for i := range kinds {
		all[i] = kinds[i].info
	}
	return all
}
