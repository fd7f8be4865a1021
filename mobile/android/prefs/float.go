package prefs

import (
	"math"
	"strconv"
	"strings"
)

// appendFloat writes what Java's Float.toString gives (as specified since JDK
// 19: the shortest decimal that reads back as the same number, and of those
// with two digits the nearest where one digit would do). Between 10^-3 and 10^7
// it is plain, otherwise in scientific notation, always with a digit behind the
// point.
func appendFloat(b []byte, f float32) []byte {
	x := float64(f)
	switch {
	case math.IsNaN(x):
		return append(b, "NaN"...)
	case math.IsInf(x, 1):
		return append(b, "Infinity"...)
	case math.IsInf(x, -1):
		return append(b, "-Infinity"...)
	}
	if math.Signbit(x) {
		b, x = append(b, '-'), -x
	}
	if x == 0 {
		return append(b, "0.0"...)
	}
	s := strconv.FormatFloat(x, 'e', -1, 32) // d[.ddd]e±dd
	if s[1] != '.' {
		s = strconv.FormatFloat(x, 'e', 1, 32)
	}
	mantissa, e, _ := strings.Cut(s, "e")
	exp, _ := strconv.Atoi(e) // its own output
	digits := strings.TrimRight(mantissa[:1]+mantissa[2:], "0")
	switch {
	case exp < -3 || exp >= 7:
		b = append(append(b, digits[0], '.'), orZero(digits[1:])...)
		return strconv.AppendInt(append(b, 'E'), int64(exp), 10)
	case exp < 0:
		b = append(append(b, "0."...), strings.Repeat("0", -exp-1)...)
		return append(b, digits...)
	}
	if len(digits) < exp+1 {
		digits += strings.Repeat("0", exp+1-len(digits))
	}
	b = append(append(b, digits[:exp+1]...), '.')
	return append(b, orZero(digits[exp+1:])...)
}

func orZero(digits string) string {
	if digits == "" {
		return "0"
	}
	return digits
}

// parseFloat reads what Float.toString writes on any platform. Unlike Java it
// refuses a number that is too large for a float instead of calling it
// infinite.
func parseFloat(s string) (float32, bool) {
	switch s {
	case "NaN":
		return float32(math.NaN()), true
	case "Infinity":
		return float32(math.Inf(1)), true
	case "-Infinity":
		return float32(math.Inf(-1)), true
	}
	for i := range len(s) { // rules out the words and the hexadecimal that strconv knows
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'E', c == 'e':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 32)
	return float32(f), err == nil
}
