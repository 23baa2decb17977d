package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

func nothing(string) string { return "" }

func TestExampleInTheRepositoryIsTheOneBuiltIn(t *testing.T) {
	text, err := os.ReadFile("../../../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Example, string(text)); diff != "" {
		t.Errorf("config.example.toml differs from cmd/internal/config/config.toml:\n%s", diff)
	}
	if _, err := Load("../../../config.example.toml", nothing); err != nil {
		t.Error(err)
	}
}

func TestExampleListsEveryKeyWithAComment(t *testing.T) {
	var given map[string]any
	if _, err := toml.Decode(Example, &given); err != nil {
		t.Fatal(err)
	}
	var walk func(typ reflect.Type, values map[string]any, prefix string)
	walk = func(typ reflect.Type, values map[string]any, prefix string) {
		for i := range typ.NumField() {
			name := typ.Field(i).Tag.Get("toml")
			if name == "-" {
				continue
			}
			value, ok := values[name]
			if !ok {
				t.Errorf("%s%s is not in the example", prefix, name)
			} else if typ.Field(i).Type.Kind() == reflect.Struct {
				walk(typ.Field(i).Type, value.(map[string]any), name+".")
			}
		}
	}
	walk(reflect.TypeFor[Config](), given, "")

	comments := 0
	for line := range strings.Lines(Example) {
		switch {
		case strings.HasPrefix(line, "#"):
			comments++
		case strings.Contains(line, " = "):
			if comments < 1 || comments > 5 {
				t.Errorf("%d lines of comment before %s", comments, line)
			}
			comments = 0
		default:
			comments = 0
		}
	}
}

func TestDefaultsAreThoseOfTheExample(t *testing.T) {
	empty, err := parse("/etc/sangam/config.toml", "", nothing)
	if err != nil {
		t.Fatal(err)
	}
	full, err := parse("/etc/sangam/config.toml", Example, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(empty, full); diff != "" {
		t.Error(diff)
	}
	if empty.Data != "/etc/sangam/data" || empty.SMTP.MaxMessageSize != 25_000_000 || time.Duration(empty.Delivery.RetryFor) != 120*time.Hour {
		t.Errorf("data %s, size %d, retry_for %v", empty.Data, empty.SMTP.MaxMessageSize, time.Duration(empty.Delivery.RetryFor))
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	env := map[string]string{"SANGAM_SMTP_LISTEN": "127.0.0.1:1, [::1]:2", "SANGAM_SMTP_MAX_MESSAGE_SIZE": "3KB", "SANGAM_HOSTNAME": "mx.example.net",
		"SANGAM_DKIM_ENABLED": "false", "SANGAM_IMAP_MAX_CONNECTIONS": "7", "SANGAM_DELIVERY_RETRY_FOR": "1d12h"}
	c, err := parse("/x/c.toml", "[smtp]\nlisten = [\":25\"]\n", func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"127.0.0.1:1", "[::1]:2"}, c.SMTP.Listen); diff != "" {
		t.Error(diff)
	}
	if c.SMTP.MaxMessageSize != 3000 || c.Hostname != "mx.example.net" || c.DKIM.Enabled || c.IMAP.MaxConnections != 7 ||
		time.Duration(c.Delivery.RetryFor) != 36*time.Hour {
		t.Errorf("%+v", c)
	}
}

// Each file in testdata is one configuration; the comment lines `# want: ` at its top are the problems, in order.
func TestMistakesAreAllTold(t *testing.T) {
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	want := regexp.MustCompile(`(?m)^# want: (.*)$`)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".toml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var wants []string
			for _, m := range want.FindAllStringSubmatch(string(text), -1) {
				wants = append(wants, m[1])
			}
			_, err = Load(file, nothing)
			var got []string
			var problems Problems
			if errors.As(err, &problems) {
				abs, _ := filepath.Abs(file)
				for _, p := range problems {
					got = append(got, strings.TrimPrefix(p, abs+": "))
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wants, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	if got, err := Find("", dir); err == nil && got != "/etc/sangam/config.toml" {
		t.Errorf("found %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for named, want := range map[string]string{"": filepath.Join(dir, "config.toml"), "a.toml": filepath.Join(dir, "a.toml"), "/b.toml": "/b.toml"} {
		if got, err := Find(named, dir); err != nil || got != want {
			t.Errorf("Find(%q) = %q, %v; want %q", named, got, err, want)
		}
	}
}

// Whatever the file holds, it is a configuration or a list of problems, each of which names the file.
func FuzzParse(f *testing.F) {
	f.Add(Example)
	f.Add("hostname = 3\n[smtp]\nlisten = [\"x\"]\n")
	f.Add("[delivery]\nmode = \"relay\"\nrelay = \"smtp://a:b@c:1\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("/x/config.toml", text, nothing)
		var problems Problems
		if err == nil {
			if len(c.Domains) == 0 || !filepath.IsAbs(c.Data) {
				t.Errorf("%+v", c)
			}
		} else if !errors.As(err, &problems) {
			t.Error(err)
		}
		for _, p := range problems {
			if !strings.HasPrefix(p, "/x/config.toml: ") {
				t.Error(p)
			}
		}
	})
}
