package internal

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "wesouthasians.org/sangam"

// layers from left to right: a package imports its own folder and those to its left.
var layers = []string{"store", "archive", "lists", "smtpd", "cmd"}

// Imports point left only, and the root package of a folder imports none of its subfolders. Tests may use the suite of
// package storetest and the engine, which stand for what a caller gives.
func TestImportsPointLeft(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		from := path.Dir(filepath.ToSlash(rel))
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to, ok := strings.CutPrefix(to, module+"/"); ok {
				if why := forbidden(from, to, strings.HasSuffix(name, "_test.go")); why != "" {
					t.Errorf("%s imports %s: %s", rel, to, why)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were looked at", files)
	}
}

// forbidden says why a package must not import another; empty when it may.
func forbidden(from, to string, test bool) string {
	layer := func(pkg string) int { return slices.Index(layers, strings.Split(pkg, "/")[0]) }
	if test && (to == "store/storetest" || to == "store/bolt") {
		return ""
	}
	switch {
	case layer(from) < 0:
		return "its folder is no layer"
	case layer(to) > layer(from):
		return "it is to the right"
	case !strings.Contains(from, "/") && strings.HasPrefix(to, from+"/"):
		return "a root package imports none of its subfolders"
	}
	return ""
}

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test     bool
		ok       bool
	}{
		{"smtpd", "lists/intake", false, true},
		{"lists/intake", "lists", false, true},
		{"lists/intake", "lists/post", false, true},
		{"store", "store/bolt", false, false},
		{"store", "store/bolt", true, true},
		{"archive/web", "lists", false, false},
		{"archive/web", "smtpd", true, false},
		{"cmd/sangam", "store", false, true},
	} {
		if ok := forbidden(c.from, c.to, c.test) == ""; ok != c.ok {
			t.Errorf("%s imports %s: %v", c.from, c.to, ok)
		}
	}
}
