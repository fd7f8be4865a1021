package fakephone

// words are parts of names, in the scripts that people use.
var words = []string{
	"Holiday", "receipt", "My café", "Straße", "naïve résumé", "Łódź", "Ångström", "İstanbul",
	"Tiếng Việt", "Привет", "Отпуск на море", "Київ", "Ελλάδα", "Հայաստան", "საქართველო",
	"שלום", "مرحبا", "عائلة ١٤٠٢", "فارسی\u200cنویس", "हिन्दी", "परिवार", "বাংলা", "தமிழ்", "ไทย", "ລາວ", "አማርኛ",
	"中文", "照片", "家族写真", "カメラ", "한국어", "가족", "🎉", "👨‍👩‍👧‍👦 family", "🇺🇦", "A & B, 100% (final)", "it's", "#1 + @home", "~tmp",
}

// forms holds the same words twice: composed (NFC) and decomposed (NFD). A
// file system may keep them apart, and a phone has both.
var forms = [][2]string{
	{"caf\u00e9", "cafe\u0301"},
	{"Zo\u00eb", "Zoe\u0308"},
	{"\u00c5land", "A\u030aland"},
	{"Vi\u1ec7t", "Vie\u0323\u0302t"},
	{"\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af"},
	{"\u0439\u043e\u0433", "\u0438\u0306\u043e\u0433"},
	{"\u30ac\u30e9\u30b9", "\u30ab\u3099\u30e9\u30b9"},
}

// people are given names and surnames.
var people = [][2]string{
	{"Anna", "Smith"}, {"José", "García Núñez"}, {"Jürgen", "Groß"}, {"Agnieszka", "Wójcik"}, {"Søren", "Ødegård"},
	{"Nguyễn", "Văn Đức"}, {"Ольга", "Петрова"}, {"Юрій", "Шевченко"}, {"Γιώργος", "Παπαδόπουλος"}, {"Նարեկ", "Հակոբյան"},
	{"אברהם", "כהן"}, {"محمد", "الأحمد"}, {"زهرا", "حسینی"}, {"राहुल", "शर्मा"}, {"মিতা", "সেন"}, {"சந்திரா", "குமார்"},
	{"สมชาย", "ใจดี"}, {"伟", "王"}, {"さくら", "山本"}, {"민준", "김"}, {"Zoe\u0308", "Decomposed"}, {"Mom ❤️", ""}, {"🍕 Pizza", "24/7"},
	{"O'Brien, Pat", "de la Cruz; Sons"}, {"Plumber\\Heating", ""}, {"", "Only-Surname"},
}

// prose is what text is made of.
var prose = []string{
	"the ", "of ", "and ", "a ", "to ", "in ", "is ", "with ", "under ", "page ", "total ", "signed ", "between ", "parties ", "date ",
	"amount ", "address ", "chapter ", "и ", "в ", "не ", "договор ", "сумма ", "の", "合同", "金额", "और ", "من ", "إلى ", "für ", "être ",
	"0123 ", "19.99 ", "\n", ", ", ". ",
}
