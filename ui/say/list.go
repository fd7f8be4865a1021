package say

// List joins what stands side by side, as the language does: "3 added, 2 merged".
func (w Words) List(parts []string) string {
	out := ""
	for i, p := range parts {
		if i == 0 {
			out = p
			continue
		}
		out = w.Say("{{.List}}, {{.Item}}", Fields{"List": out, "Item": p})
	}
	return out
}
