package agenttest

import "strings"

// Names returns names that people and programs give to things, each at most
// limit bytes long and without a slash: in many scripts, with characters that
// mean something to some program, and as long as they can be. All are UTF-8.
func Names(limit int) []string {
	names := []string{
		"plain", "with space", " lead", "trail ", "dot.", "..two", "a..b", "...", "~", "-rf", "#", "%2e%2e", "con", "$HOME", "`x`",
		"new\nline", "tab\t", "quote\"'", "back\\slash", "colon:colon", "star*?", "<b>&amp;", "null", "\x01\x7f",
		"Ünïcödé", "e\u0301", "\u00e9", "ß", "Ελληνικά", "Кириллица", "עברית", "العربية", "فارسی", "हिन्दी", "বাংলা", "ไทย", "ភាសាខ្មែរ", "ქართული",
		"አማርኛ", "日本語", "中文", "한국어", "\u202egnp.exe", "\u200b", "\ufeffbom", "\ufffd", "\uffee", "👩‍👩‍👧‍👦", "𝔘𝔫𝔦", "\U0010ffff",
	}
	kept := names[:0]
	for _, n := range names {
		if len(n) <= limit {
			kept = append(kept, n)
		}
	}
	return append(kept, strings.Repeat("x", limit), strings.Repeat("漢", limit/3)+strings.Repeat("y", limit%3))
}
