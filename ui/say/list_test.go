package say

import "testing"

func TestList(t *testing.T) {
	shore := Words{Translate: func(m string, f Fields) string {
		if m != "{{.List}}, {{.Item}}" {
			t.Errorf("says %q", m)
		}
		return Fill("{{.List}}、{{.Item}}", f)
	}}
	for _, tt := range []struct {
		parts []string
		want  [2]string
	}{
		{nil, [2]string{"", ""}},
		{[]string{"a"}, [2]string{"a", "a"}},
		{[]string{"a", "b", "c"}, [2]string{"a, b, c", "a、b、c"}},
		{[]string{"{{.Item}}", "", "{{.List}}"}, [2]string{"{{.Item}}, , {{.List}}", "{{.Item}}、、{{.List}}"}},
	} {
		if got := [2]string{English.List(tt.parts), shore.List(tt.parts)}; got != tt.want {
			t.Errorf("%q: %q, want %q", tt.parts, got, tt.want)
		}
	}
}
