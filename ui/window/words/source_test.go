package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// source is what the literals of a package are.
type source struct {
	consts   map[string]ast.Expr // its constants, by name
	messages map[string]bool     // to be translated
	touch    map[string]bool     // said by the command line alone
	singular map[string]bool     // English forms for one
	texts    map[string][]string // other literals with letters, by file
}

// read parses the files of a folder, without its tests and those that are left
// out. In sentences every literal is a message unless it is something else;
// otherwise only what is given to Say and Number is.
func read(t *testing.T, dir string, sentences bool) source {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") || sentences && name == onlyCommand {
			continue
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), path, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	s := source{map[string]ast.Expr{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string][]string{}}
	for _, f := range files {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, c := range d.Specs {
					c := c.(*ast.ValueSpec)
					for i, v := range c.Values {
						s.consts[c.Names[i].Name] = v
					}
				}
			}
		}
	}
	for name, f := range files {
		s.file(f, name, sentences)
	}
	return s
}

func (s source) file(f *ast.File, name string, sentences bool) {
	var visit func(n ast.Node) bool
	each := func(list []ast.Expr) {
		for _, e := range list {
			ast.Inspect(e, visit)
		}
	}
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.ValueSpec:
			if sentences && n.Names[0].Name == "touch" {
				for _, e := range n.Values[0].(*ast.CompositeLit).Elts {
					kv := e.(*ast.KeyValueExpr)
					s.touch[s.value(kv.Key)] = true
					s.messages[s.value(kv.Value)] = true
				}
				return false
			}
		case *ast.CompositeLit:
			if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Fields" || isSelector(n.Type, "Fields") {
				for _, e := range n.Elts {
					ast.Inspect(e.(*ast.KeyValueExpr).Value, visit)
				}
				return false
			}
			s.counted(n.Elts)
		case *ast.IndexExpr:
			return false // a field's name
		case *ast.CallExpr:
			s.counted(n.Args)
			if isSelector(n.Fun, "Say") || isSelector(n.Fun, "Number") {
				for i, a := range n.Args {
					if v := s.value(a); v != "" && (i == 1 || isSelector(n.Fun, "Say") && i == 0) {
						s.messages[v] = true
					} else if v == "" {
						each([]ast.Expr{a})
					}
				}
				return false
			}
		case *ast.BinaryExpr:
			if v := s.value(n); v != "" {
				s.text(v, name, sentences)
				return false
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				s.text(s.value(n), name, sentences)
			}
		}
		return true
	}
	ast.Inspect(f, visit)
}

// counted notes the English form for one: what counts and stands before
// another that does.
func (s source) counted(list []ast.Expr) {
	for i := range max(0, len(list)-1) {
		if one, many := s.value(list[i]), s.value(list[i+1]); one != many && strings.Contains(one, "{{.Count}}") && strings.Contains(many, "{{.Count}}") {
			s.singular[one] = true
		}
	}
}

func (s source) text(v, file string, sentence bool) {
	switch {
	case !strings.ContainsFunc(v, unicode.IsLetter):
	case sentence:
		s.messages[v] = true
	default:
		s.texts[file] = append(s.texts[file], v)
	}
}

// value returns a constant string, empty for anything else.
func (s source) value(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			v, _ := strconv.Unquote(e.Value)
			return v
		}
	case *ast.Ident:
		if c, ok := s.consts[e.Name]; ok {
			return s.value(c)
		}
	case *ast.BinaryExpr:
		if a, b := s.value(e.X), s.value(e.Y); e.Op == token.ADD && a != "" && b != "" {
			return a + b
		}
	}
	return ""
}

func isSelector(e ast.Expr, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == name
}

// onlyCommand is the file of ui/say about what only the command does with archives.
const onlyCommand = "unpack.go"

// noMessages are the literals of ui/say that nobody reads as words.
var noMessages = []string{
	"identity.key", "%s (%s)", "%.1f", "%.0f", `\x%02x`, `\u%04x`,
	"a ", " ({{.Key}})", "{{.Count}} ", // parts of what is put together for a kind that has no words
}

// messages returns every message that the window can say.
func messages(t *testing.T) map[string]bool {
	t.Helper()
	s, w := read(t, "../../say", true), read(t, "..", false)
	out := maps.Clone(s.messages)
	maps.Copy(out, w.messages)
	for _, dir := range []string{"../../../app", "../../../app/start"} { // why there is no window
		maps.Copy(out, read(t, dir, false).messages)
	}
	for m := range out {
		if s.touch[m] || s.singular[m] || w.singular[m] {
			delete(out, m)
		}
	}
	for _, m := range noMessages {
		if !s.messages[m] {
			t.Errorf("%q is not in ui/say any more", m)
		}
		delete(out, m)
	}
	if len(out) < 200 {
		t.Fatalf("only %d messages were found", len(out))
	}
	return out
}

// Every language has every message, with the same fields and all its plural
// forms, and nothing else.
func TestCatalogues(t *testing.T) {
	want := messages(t)
	forms := map[string][]string{
		"de": {"one", "other"}, "es": {"one", "other"}, "fr": {"one", "other"}, "pt-BR": {"one", "other"},
		"ru": {"few", "many", "one", "other"}, "uk": {"few", "many", "one", "other"}, "zh-Hans": {"other"},
	}
	for _, d := range dialects[1:] {
		data, err := os.ReadFile("translations/" + d.Tag + ".json")
		if err != nil {
			t.Fatal(err)
		}
		c, err := parse(d.Tag, data)
		if err != nil {
			t.Fatal(err)
		}
		raw := rawMessages(t, data)
		for m := range want {
			got := slices.Sorted(maps.Keys(c.messages[m]))
			counts := strings.Contains(m, "{{.Count}}")
			switch {
			case raw[m] == nil:
				t.Errorf("%s lacks %q", d.Tag, m)
			case !slices.Equal(got, raw[m]):
				t.Errorf("%s: %q has other fields in a form: %v of %v are good", d.Tag, m, got, raw[m])
			case counts && !slices.Equal(got, forms[d.Tag]):
				t.Errorf("%s: %q has the forms %v", d.Tag, m, got)
			case !counts && !slices.Equal(got, []string{"other"}):
				t.Errorf("%s: %q does not count and has the forms %v", d.Tag, m, got)
			}
		}
		for m := range raw {
			if !want[m] {
				t.Errorf("%s has %q, which nobody says", d.Tag, m)
			}
		}
	}
}

// untranslated are the files of the window that still hold text of their own,
// with how many such literals; the numbers only go down.
var untranslated = map[string]int{}

// Nothing is drawn that is not said through Words.
func TestWindowHasNoTextOfItsOwn(t *testing.T) {
	s := read(t, "..", false)
	for file, texts := range s.texts {
		texts = slices.DeleteFunc(texts, func(v string) bool { return !reads(v) })
		if len(texts) > untranslated[file] {
			t.Errorf("%s has %d texts that are not translated, and may have %d: %q", file, len(texts), untranslated[file], texts)
		}
	}
	for file := range untranslated {
		if _, err := os.Stat(filepath.Join("..", file)); err != nil {
			t.Errorf("%s is gone: take it out of the list", file)
		}
	}
}

// reads reports whether a literal looks like words, and not like a name in the
// program, a format, or a drawing.
func reads(v string) bool {
	if v == "Ferry" { // in every language
		return false
	}
	if strings.HasPrefix(v, "<") || strings.HasPrefix(v, "M") && strings.ContainsAny(v, "0123456789") && !strings.Contains(v, ".\n") {
		return false
	}
	first := []rune(v)[0]
	return unicode.IsUpper(first) && len(v) > 1 || strings.Contains(strings.TrimSpace(v), " ") && !strings.Contains(v, "%")
}
