package android_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const document = "../../docs/android-backup.md"

// agentMembers are the members of android.app.backup.BackupAgent, from its
// public reference. Each has a row of its own in the document.
var agentMembers = []string{
	"FLAG_CLIENT_SIDE_ENCRYPTION_ENABLED", "FLAG_DEVICE_TO_DEVICE_TRANSFER", "TYPE_DIRECTORY", "TYPE_FILE",
	"BackupAgent()",
	"fullBackupFile(File, FullBackupDataOutput)",
	"onBackup(ParcelFileDescriptor, BackupDataOutput, ParcelFileDescriptor)",
	"onCreate()",
	"onDestroy()",
	"onFullBackup(FullBackupDataOutput)",
	"onQuotaExceeded(long, long)",
	"onRestore(BackupDataInput, int, ParcelFileDescriptor)",
	"onRestore(BackupDataInput, long, ParcelFileDescriptor)",
	"onRestoreFile(ParcelFileDescriptor, long, File, int, long, long)",
	"onRestoreFinished()",
}

// agentSection is the heading above the table of those members.
const agentSection = "## BackupAgent, member by member"

// source is what one package declares.
type source struct {
	names  map[string]bool            // Name and Type.Member
	consts map[string][]string        // of each type
	tests  map[string]map[string]bool // texts in each test: names of subtests
	checks map[string]bool            // texts in a suite: names of checks
	suites []string                   // that its tests run
}

// suites are the packages whose checks other packages' tests run.
var suites = []string{"agenttest", "transporttest"}

// readSources reads every package below mobile, by its name.
func readSources(t *testing.T) map[string]*source {
	t.Helper()
	all := map[string]*source{}
	home := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(f.Name.Name, "_test")
		if dir := filepath.Dir(path); home[name] == "" {
			home[name] = dir
			all[name] = &source{names: map[string]bool{}, consts: map[string][]string{}, tests: map[string]map[string]bool{}, checks: map[string]bool{}}
		} else if home[name] != dir {
			return fmt.Errorf("two packages are called %s", name)
		}
		if strings.HasSuffix(path, "_test.go") {
			all[name].readTests(f)
			return nil
		}
		all[name].read(f)
		if slices.Contains(suites, name) {
			readTexts(f, all[name].checks)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// read notes what a file declares.
func (s *source) read(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = typeName(d.Recv.List[0].Type) + "." + name
			}
			s.names[name] = true
		case *ast.GenDecl:
			var last string // a constant without a type has the one above
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					s.names[spec.Name.Name] = true
					s.readMembers(spec)
				case *ast.ValueSpec:
					if spec.Type != nil || len(spec.Values) > 0 {
						last = typeName(spec.Type)
					}
					for _, n := range spec.Names {
						s.names[n.Name] = true
						if d.Tok == token.CONST && n.IsExported() {
							s.consts[last] = append(s.consts[last], n.Name)
						}
					}
				}
			}
		}
	}
}

func (s *source) readMembers(spec *ast.TypeSpec) {
	var list *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return
	}
	for _, m := range list.List {
		for _, n := range m.Names {
			s.names[spec.Name.Name+"."+n.Name] = true
		}
	}
}

// typeName returns the name of a type of this package, "" for others.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

var isTest = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[^a-z]`)

func (s *source) readTests(f *ast.File) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && isTest.MatchString(fn.Name.Name) {
			s.tests[fn.Name.Name] = map[string]bool{}
			readTexts(fn, s.tests[fn.Name.Name])
		}
	}
	for _, imp := range f.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		if name := path[strings.LastIndexByte(path, '/')+1:]; slices.Contains(suites, name) {
			s.suites = append(s.suites, name)
		}
	}
}

// readTexts adds the string literals below a node.
func readTexts(n ast.Node, to map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			text, _ := strconv.Unquote(l.Value)
			to[text] = true
		}
		return true
	})
}

// findName tells what is wrong with a name such as manager.Manager.Backup; a
// name alone is a package.
func findName(all map[string]*source, name string) error {
	pkg, rest, _ := strings.Cut(name, ".")
	s := all[pkg]
	switch {
	case s == nil:
		return fmt.Errorf("there is no package %s", pkg)
	case rest != "" && !s.names[rest]:
		return fmt.Errorf("package %s has no %s", pkg, rest)
	}
	return nil
}

// findTest is findName for a test such as helper.TestSuite/restore/over, where
// what follows the first slash is a subtest of the package or of a suite that
// its tests run.
func findTest(all map[string]*source, name string) error {
	fn, sub, _ := strings.Cut(name, "/")
	pkg, fn, _ := strings.Cut(fn, ".")
	s := all[pkg]
	switch {
	case s == nil:
		return fmt.Errorf("there is no package %s", pkg)
	case s.tests[fn] == nil:
		return fmt.Errorf("package %s has no test %s", pkg, fn)
	case sub == "" || s.tests[fn][sub]:
		return nil
	}
	for _, suite := range s.suites {
		if all[suite].checks[sub] {
			return nil
		}
	}
	return fmt.Errorf("package %s has no subtest %s", pkg, sub)
}

// row is a row of one of the document's tables.
type row struct {
	line    int
	section string // the heading above
	cells   map[string]string
	first   string
}

// readRows reads a document's tables.
func readRows(doc string) []row {
	var rows []row
	var section string
	var head []string
	for i, line := range strings.Split(doc, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			section = line
		}
		if !strings.HasPrefix(line, "|") {
			head = nil
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i, c := range cells {
			cells[i] = strings.TrimSpace(c)
		}
		switch {
		case head == nil:
			head = cells
		case strings.Trim(line, "|-: ") == "":
		default:
			r := row{line: i + 1, section: section, cells: map[string]string{}, first: strings.Trim(cells[0], "`")}
			for i, h := range head {
				if i < len(cells) {
					r.cells[h] = cells[i]
				}
			}
			rows = append(rows, r)
		}
	}
	return rows
}

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	// ours are names anywhere in the text that can only be of this program.
	ours = regexp.MustCompile("`\\*?([a-z0-9]+\\.[A-Z][\\w./]*)`")
)

// problems tells what a document says that is not so, or not any more.
func problems(doc string, all map[string]*source) (bad []string) {
	members := map[string]int{}
	for _, r := range readRows(doc) {
		if r.section == agentSection {
			members[r.first]++
		}
		for column, find := range map[string]func(map[string]*source, string) error{"Where": findName, "Test": findTest} {
			cell, ok := r.cells[column]
			if !ok {
				if r.section == agentSection {
					bad = append(bad, fmt.Sprintf("line %d: no column %q", r.line, column))
				}
				continue
			}
			names := quoted.FindAllStringSubmatch(cell, -1)
			if len(names) == 0 && (r.section == agentSection || !strings.HasPrefix(cell, "none")) {
				bad = append(bad, fmt.Sprintf("line %d: nothing named under %q", r.line, column))
			}
			for _, n := range names {
				if err := find(all, n[1]); err != nil {
					bad = append(bad, fmt.Sprintf("line %d: %v", r.line, err))
				}
			}
		}
	}
	for i, line := range strings.Split(doc, "\n") {
		for _, n := range ours.FindAllStringSubmatch(line, -1) {
			if err := findName(all, n[1]); err != nil && findTest(all, n[1]) != nil && !strings.HasPrefix(n[1], "io.") {
				bad = append(bad, fmt.Sprintf("line %d: %v", i+1, err))
			}
		}
	}
	for _, m := range agentMembers {
		if members[m] != 1 {
			bad = append(bad, fmt.Sprintf("BackupAgent's %s has %d rows", m, members[m]))
		}
	}
	return bad
}

// TestDocument: the code and the tests that docs/android-backup.md names are
// there, and every member of BackupAgent is in it.
func TestDocument(t *testing.T) {
	doc, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	all := readSources(t)
	for _, p := range problems(string(doc), all) {
		t.Error(p)
	}

	// And the other way round: what the contract declares has a row.
	named := map[string]bool{}
	for _, r := range readRows(string(doc)) {
		for _, n := range quoted.FindAllStringSubmatch(r.cells["Where"], -1) {
			named[n[1]] = true
		}
	}
	var want []string
	for pkg, types := range map[string][]string{
		"android": {"Code", "PassFlags", "RestoreType"}, "manager": {"Result", "EventID"}, "rules": {"Destination", "Method", "Reason"},
		"domain": {"Token"}, "backup": {"Flags"},
	} {
		for _, typ := range types {
			list := all[pkg].consts[typ]
			if len(list) == 0 {
				t.Errorf("package %s has no constants of type %s", pkg, typ)
			}
			for _, c := range list {
				want = append(want, pkg+"."+c)
			}
		}
	}
	for name := range all["android"].names {
		if typ, _, ok := strings.Cut(name, "."); ok && slices.Contains([]string{"Transport", "EntryBackuper", "EntryRestorer"}, typ) {
			want = append(want, "android."+name)
		}
	}
	dirs, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if d.IsDir() && d.Name() != "testdata" {
			want = append(want, d.Name())
		}
	}
	slices.Sort(want)
	for _, w := range want {
		if !named[w] {
			t.Errorf("no row has %s", w)
		}
	}
}

// TestDocumentIsHeldToIt: a document that names what is gone does not pass.
func TestDocumentIsHeldToIt(t *testing.T) {
	all := readSources(t)
	var good strings.Builder
	good.WriteString(agentSection + "\n\n| Member | Where | Test |\n|---|---|---|\n")
	for _, m := range agentMembers {
		fmt.Fprintf(&good, "| `%s` | `android.Agent.Backup`, `manager` | `helper.TestSuite/restore/over`, `manager.TestOutcomes/over quota` |\n", m)
	}
	if bad := problems(good.String(), all); len(bad) > 0 {
		t.Fatalf("a good document: %q", bad)
	}
	for what, c := range map[string]struct{ old, now, want string }{
		"a name that is gone":           {"android.Agent.Backup", "android.Agent.Gone", "package android has no Agent.Gone"},
		"a type that is gone":           {"android.Agent.Backup", "android.Gone", "package android has no Gone"},
		"a package that is gone":        {"`manager`", "`gone`", "there is no package gone"},
		"a test that is gone":           {"helper.TestSuite", "helper.TestGone", "package helper has no test TestGone"},
		"a helper that is no test":      {"helper.TestSuite/restore/over", "helper.newApp", "package helper has no test newApp"},
		"a check of a suite that is":    {"restore/over", "restore/gone", "package helper has no subtest restore/gone"},
		"a check of another's suite":    {"restore/over", "FullQuota", "package helper has no subtest FullQuota"},
		"a subtest that is gone":        {"TestOutcomes/over quota", "TestOutcomes/gone", "package manager has no subtest gone"},
		"a member without a place":      {"| `android.Agent.Backup`, `manager` |", "| none |", `nothing named under "Where"`},
		"a member without a test":       {"`helper.TestSuite/restore/over`, `manager.TestOutcomes/over quota`", "none", `nothing named under "Test"`},
		"a table without tests":         {"| Test |", "| Proof |", `no column "Test"`},
		"a member that is not in it":    {"`onCreate()`", "`onCreated()`", "BackupAgent's onCreate() has 0 rows"},
		"a member that is in it twice":  {"`onCreate()`", "`onDestroy()`", "BackupAgent's onDestroy() has 2 rows"},
		"a name in the text":            {agentSection, "`*entity.Gone`\n\n" + agentSection, "package entity has no Gone"},
		"a test in the text":            {agentSection, "`entity.TestGone`\n\n" + agentSection, "package entity has no TestGone"},
		"a table under another heading": {agentSection, "## Something else", "BackupAgent's TYPE_FILE has 0 rows"},
	} {
		doc := strings.Replace(good.String(), c.old, c.now, 1)
		if bad := problems(doc, all); !slices.ContainsFunc(bad, func(p string) bool { return strings.HasSuffix(p, c.want) }) {
			t.Errorf("%s: %q, want %q", what, bad, c.want)
		}
	}
	if bad := problems("| What | Where | Test |\n|---|---|---|\n| x | none: y | none |\n", all); len(bad) != len(agentMembers) {
		t.Errorf("rows without names in another table: %q", bad)
	}
}
