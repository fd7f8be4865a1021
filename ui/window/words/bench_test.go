package words

import "testing"

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		clear(loaded)
		In("uk")
	}
}

func BenchmarkSay(b *testing.B) {
	w := In("uk")
	for b.Loop() {
		w.Bytes(1_500_000_000)
	}
}
