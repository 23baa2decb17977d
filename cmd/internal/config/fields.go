package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"wesouthasians.org/sangam/store"
)

// reader fills a Config and collects what is wrong.
type reader struct {
	config   *Config
	file     string
	getenv   func(string) string
	problems Problems
}

func (r *reader) problem(key, format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf("%s: %s: %s", r.file, key, fmt.Sprintf(format, args...)))
}

// fill sets the fields that the text or the environment names.
func (r *reader) fill(text string, getenv func(string) string) {
	var values map[string]any
	if _, err := toml.Decode(text, &values); err != nil {
		r.problems = append(r.problems, fmt.Sprintf("%s: %s", r.file, syntax(err)))
		return
	}
	r.table(reflect.ValueOf(r.config).Elem(), values, "", getenv)
}

func (r *reader) table(into reflect.Value, values map[string]any, prefix string, getenv func(string) string) {
	known := map[string]bool{}
	for i := range into.NumField() {
		name := into.Type().Field(i).Tag.Get("toml")
		if name == "-" {
			continue
		}
		known[name] = true
		key, field := prefix+name, into.Field(i)
		value, given := values[name]
		if field.Kind() == reflect.Struct {
			sub, ok := value.(map[string]any)
			if given && !ok {
				r.problem(key, "is a table: write [%s] on a line of its own", key)
			}
			r.table(field, sub, key+".", getenv)
			continue
		}
		if env := getenv(envName(key)); env != "" {
			value, given = env, true
		}
		if !given {
			continue
		}
		if err := setField(field, value); err != nil {
			r.problem(key, "%v", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !known[name] {
			r.problem(prefix+name, "there is no such key: config.example.toml lists them all")
		}
	}
}

func envName(key string) string {
	return "SANGAM_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// setField takes what TOML or, as text, the environment gives.
func setField(field reflect.Value, value any) error {
	text, isText := value.(string)
	switch into := field.Addr().Interface().(type) {
	case *Size:
		if !isText {
			return fmt.Errorf("must be a size in quotes, like \"25MB\"")
		}
		n, err := store.ParseSize(text)
		*into = Size(n)
		return err
	case *Duration:
		if !isText {
			return fmt.Errorf("must be a duration in quotes, like \"15s\" or \"3d\"")
		}
		d, err := ParseDuration(text)
		*into = Duration(d)
		return err
	case *string:
		if !isText {
			return fmt.Errorf("must be text in quotes")
		}
		*into = text
	case *bool:
		b, ok := value.(bool)
		if isText {
			var err error
			b, err = strconv.ParseBool(text)
			ok = err == nil
		}
		if !ok {
			return fmt.Errorf("must be true or false")
		}
		*into = b
	case *int:
		n, ok := value.(int64)
		if isText {
			var err error
			n, err = strconv.ParseInt(text, 10, 32)
			ok = err == nil
		}
		if !ok || n != int64(int32(n)) {
			return fmt.Errorf("must be a number")
		}
		*into = int(n)
	case *[]string:
		return setStrings(into, value)
	}
	return nil
}

func setStrings(into *[]string, value any) error {
	all := []string{}
	switch v := value.(type) {
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	case []any:
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return fmt.Errorf("must be a list of texts in quotes, like [\"a\", \"b\"]")
			}
			all = append(all, text)
		}
	default:
		return fmt.Errorf("must be a list, like [\"a\", \"b\"]")
	}
	*into = all
	return nil
}

// ParseDuration reads what time.ParseDuration does, and days: "3d", "1d12h". It must be positive.
func ParseDuration(s string) (time.Duration, error) {
	var days time.Duration
	rest := s
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseFloat(before, 64)
		if err != nil || !(n >= 0 && n <= 36500) {
			return 0, fmt.Errorf("%q is no duration: use one like 15s, 12h or 3d", s)
		}
		days, rest = time.Duration(n*24*float64(time.Hour)), after
	}
	var d time.Duration
	if rest != "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, fmt.Errorf("%q is no duration: use one like 15s, 12h or 3d", s)
		}
	}
	if d+days <= 0 {
		return 0, fmt.Errorf("%q is no duration: it must be longer than nothing", s)
	}
	return d + days, nil
}
