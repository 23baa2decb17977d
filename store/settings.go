package store

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // list settings name time zones; a small server may have no table of its own

	"golang.org/x/text/language"
)

// Settings of a list. The table below gives each its key, default, parser and printer; command line, mail and web all
// use it.
type Settings struct {
	Title           string  `cbor:"1,keyasint,omitempty"`
	Description     string  `cbor:"2,keyasint,omitempty"`
	Language        string  `cbor:"3,keyasint,omitempty"`
	SubjectPrefix   string  `cbor:"4,keyasint,omitempty"` // {name}, {number}
	Join            string  `cbor:"5,keyasint,omitempty"`
	Post            string  `cbor:"6,keyasint,omitempty"`
	NonmemberAction string  `cbor:"7,keyasint,omitempty"`
	Moderate        string  `cbor:"8,keyasint,omitempty"`
	ModerateFirst   int     `cbor:"9,keyasint,omitempty"`
	ReplyTo         string  `cbor:"10,keyasint,omitempty"`
	FromRewrite     string  `cbor:"11,keyasint,omitempty"`
	Archive         string  `cbor:"12,keyasint,omitempty"`
	Raw             string  `cbor:"13,keyasint,omitempty"`
	MembersVisible  string  `cbor:"14,keyasint,omitempty"`
	Advertised      bool    `cbor:"15,keyasint,omitempty"`
	MaxMessageSize  int64   `cbor:"16,keyasint,omitempty"` // bytes
	MaxRecipients   int     `cbor:"17,keyasint,omitempty"`
	Attachments     string  `cbor:"18,keyasint,omitempty"`
	Header          string  `cbor:"19,keyasint,omitempty"`
	Footer          string  `cbor:"20,keyasint,omitempty"`
	DigestEvery     string  `cbor:"21,keyasint,omitempty"`
	DigestSize      int64   `cbor:"22,keyasint,omitempty"` // bytes
	DigestHour      int     `cbor:"23,keyasint,omitempty"`
	Timezone        string  `cbor:"24,keyasint,omitempty"`
	BounceThreshold float64 `cbor:"25,keyasint,omitempty"`
	Welcome         string  `cbor:"26,keyasint,omitempty"`
	Goodbye         string  `cbor:"27,keyasint,omitempty"`
}

// setting is one row of a table of settings of T.
type setting[T any] struct {
	key   string
	value string // default, as text
	set   func(*T, string) error
	get   func(*T) any // bool, int, float64 or text as set takes it
}

var listSettings = []setting[Settings]{
	line("title", "", func(s *Settings) *string { return &s.Title }),
	text("description", "", func(s *Settings) *string { return &s.Description }),
	tag("language", "en", func(s *Settings) *string { return &s.Language }),
	line("subject_prefix", "[{name}] ", func(s *Settings) *string { return &s.SubjectPrefix }),
	choice("join", func(s *Settings) *string { return &s.Join }, "confirm", "open", "approve", "closed"),
	choice("post", func(s *Settings) *string { return &s.Post }, "members", "anyone", "moderators"),
	choice("nonmember_action", func(s *Settings) *string { return &s.NonmemberAction }, "hold", "reject", "discard", "accept"),
	choice("moderate", func(s *Settings) *string { return &s.Moderate }, "none", "first", "all"),
	whole("moderate_first", "1", 1, 1000, func(s *Settings) *int { return &s.ModerateFirst }),
	choice("reply_to", func(s *Settings) *string { return &s.ReplyTo }, "sender", "list"),
	choice("from_rewrite", func(s *Settings) *string { return &s.FromRewrite }, "auto", "always", "never"),
	choice("archive", func(s *Settings) *string { return &s.Archive }, "members", "public", "off"),
	choice("raw", func(s *Settings) *string { return &s.Raw }, "members", "public"),
	choice("members_visible", func(s *Settings) *string { return &s.MembersVisible }, "owners", "members"),
	boolean("advertised", "true", func(s *Settings) *bool { return &s.Advertised }),
	size("max_message_size", "1MB", func(s *Settings) *int64 { return &s.MaxMessageSize }),
	whole("max_recipients", "10", 1, 10000, func(s *Settings) *int { return &s.MaxRecipients }),
	choice("attachments", func(s *Settings) *string { return &s.Attachments }, "keep", "link", "strip"),
	text("header", "", func(s *Settings) *string { return &s.Header }),
	text("footer", "", func(s *Settings) *string { return &s.Footer }),
	choice("digest_every", func(s *Settings) *string { return &s.DigestEvery }, "daily", "weekly", "monthly"),
	size("digest_size", "100KB", func(s *Settings) *int64 { return &s.DigestSize }),
	whole("digest_hour", "6", 0, 23, func(s *Settings) *int { return &s.DigestHour }),
	{"timezone", "UTC", setTimezone, func(s *Settings) any { return s.Timezone }},
	{"bounce_threshold", "5", setThreshold, func(s *Settings) any { return s.BounceThreshold }},
	text("welcome", "", func(s *Settings) *string { return &s.Welcome }),
	text("goodbye", "", func(s *Settings) *string { return &s.Goodbye }),
}

var memberSettings = []setting[Member]{
	line("name", "", func(m *Member) *string { return &m.Name }),
	{"role", "member", setRole, func(m *Member) any { return string(m.Role) }},
	{"delivery", "each", setDelivery, func(m *Member) any { return string(m.Delivery) }},
	boolean("ack", "false", func(m *Member) *bool { return &m.Ack }),
	boolean("own_posts", "true", func(m *Member) *bool { return &m.OwnPosts }),
	boolean("no_duplicates", "true", func(m *Member) *bool { return &m.NoDuplicates }),
	boolean("conceal", "false", func(m *Member) *bool { return &m.Conceal }),
	{"language", "", setMemberLanguage, func(m *Member) any { return m.Language }},
	choice("attachments", func(m *Member) *string { return &m.Attachments }, keepAttachments, linkAttachments),
	{"until", "", setUntil, func(m *Member) any { return formatUntil(m.Until) }},
}

// DefaultSettings of a new discussion list.
func DefaultSettings() Settings {
	var s Settings
	defaults(listSettings, &s)
	return s
}

// Preset returns the settings of a discussion, announcement or private list.
func Preset(name string) (Settings, error) {
	s := DefaultSettings()
	switch name {
	case "discussion", "":
	case "announcement":
		s.Post, s.NonmemberAction, s.Archive = "moderators", "reject", "public"
	case "private":
		s.Join, s.Advertised = "approve", false
	default:
		return s, fmt.Errorf("preset is %q: use discussion, announcement or private", name)
	}
	return s, nil
}

// SettingKeys in the order in which they are shown.
func SettingKeys() []string { return keys(listSettings) }

// Set parses value for key; the error says what is allowed.
func (s *Settings) Set(key, value string) error { return set(listSettings, s, key, value) }

// Values returns all settings by key: booleans and numbers as such, all else as text that Set takes.
func (s *Settings) Values() map[string]any { return values(listSettings, s) }

// MemberKeys are the settings of a member in the order in which they are shown.
func MemberKeys() []string { return keys(memberSettings) }

// Set parses value for key; the error says what is allowed.
func (m *Member) Set(key, value string) error { return set(memberSettings, m, key, value) }

// Values returns all settings of the member by key.
func (m *Member) Values() map[string]any { return values(memberSettings, m) }

func defaults[T any](table []setting[T], t *T) {
	for _, row := range table {
		if err := row.set(t, row.value); err != nil {
			panic(err)
		}
	}
}

func keys[T any](table []setting[T]) []string {
	var names []string
	for _, row := range table {
		names = append(names, row.key)
	}
	return names
}

func set[T any](table []setting[T], t *T, key, value string) error {
	i := slices.IndexFunc(table, func(row setting[T]) bool { return row.key == key })
	if i < 0 {
		return fmt.Errorf("there is no setting %q: use one of %s", key, strings.Join(keys(table), ", "))
	}
	if err := table[i].set(t, value); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func values[T any](table []setting[T], t *T) map[string]any {
	vs := make(map[string]any, len(table))
	for _, row := range table {
		vs[row.key] = row.get(t)
	}
	return vs
}

const maxText = 64 << 10

func text[T any](key, value string, at func(*T) *string) setting[T] {
	return setting[T]{key, value, func(t *T, v string) error {
		if len(v) > maxText || strings.ContainsRune(v, 0) {
			return fmt.Errorf("the text must be at most %d bytes and hold no NUL", maxText)
		}
		*at(t) = strings.ToValidUTF8(v, "�")
		return nil
	}, func(t *T) any { return *at(t) }}
}

// line is text that becomes part of a header field.
func line[T any](key, value string, at func(*T) *string) setting[T] {
	return setting[T]{key, value, func(t *T, v string) error {
		if len(v) > 200 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("must be one line of at most 200 bytes")
		}
		*at(t) = strings.ToValidUTF8(v, "�")
		return nil
	}, func(t *T) any { return *at(t) }}
}

// choice defaults to the first of the allowed values.
func choice[T any](key string, at func(*T) *string, allowed ...string) setting[T] {
	return setting[T]{key, allowed[0], func(t *T, v string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%q is not allowed: use %s", v, strings.Join(allowed, ", "))
		}
		*at(t) = v
		return nil
	}, func(t *T) any { return *at(t) }}
}

func boolean[T any](key, value string, at func(*T) *bool) setting[T] {
	return setting[T]{key, value, func(t *T, v string) error {
		b, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("%q is not allowed: use true or false", v)
		}
		*at(t) = b
		return nil
	}, func(t *T) any { return *at(t) }}
}

func whole[T any](key, value string, low, high int, at func(*T) *int) setting[T] {
	return setting[T]{key, value, func(t *T, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is not allowed: use a number from %d to %d", v, low, high)
		}
		*at(t) = n
		return nil
	}, func(t *T) any { return *at(t) }}
}

func size[T any](key, value string, at func(*T) *int64) setting[T] {
	return setting[T]{key, value, func(t *T, v string) (err error) {
		n, err := ParseSize(v)
		if err == nil {
			*at(t) = n
		}
		return err
	}, func(t *T) any { return FormatSize(*at(t)) }}
}

func tag[T any](key, value string, at func(*T) *string) setting[T] {
	return setting[T]{key, value, func(t *T, v string) error {
		parsed, err := language.Parse(v)
		if err != nil {
			return fmt.Errorf("%q is no language tag: use one like en, hi or pt-BR (BCP 47)", v)
		}
		*at(t) = parsed.String()
		return nil
	}, func(t *T) any { return *at(t) }}
}

func setMemberLanguage(m *Member, v string) error {
	if v == "" {
		m.Language = ""
		return nil
	}
	return tag("", "", func(m *Member) *string { return &m.Language }).set(m, v)
}

func setTimezone(s *Settings, v string) error {
	if _, err := time.LoadLocation(v); err != nil || v == "" || v == "Local" {
		return fmt.Errorf("%q is no time zone: use one like UTC or Asia/Kolkata", v)
	}
	s.Timezone = v
	return nil
}

func setThreshold(s *Settings, v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(f) || f < 0.1 || f > 1000 {
		return fmt.Errorf("%q is not allowed: use a number from 0.1 to 1000", v)
	}
	s.BounceThreshold = f
	return nil
}

func setRole(m *Member, v string) error {
	switch r := Role(v); r {
	case RoleMember, RoleModerator, RoleOwner:
		m.Role = r
		return nil
	}
	return fmt.Errorf("%q is not allowed: use member, moderator, owner", v)
}

func setDelivery(m *Member, v string) error {
	switch d := Delivery(v); d {
	case DeliverEach, DeliverDigest, DeliverDigestText, DeliverIndex, DeliverNone:
		m.Delivery = d
		return nil
	}
	return fmt.Errorf("%q is not allowed: use each, digest, digest-text, index, none", v)
}

// setUntil takes a date (delivery resumes as it begins, UTC), a time in RFC 3339 or nothing.
func setUntil(m *Member, v string) error {
	if v == "" {
		m.Until = time.Time{}
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, v); err == nil {
			m.Until = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is no time: use one like 2027-01-31 or 2027-01-31T08:00:00Z", v)
}

func formatUntil(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

var units = []struct {
	suffix string
	bytes  int64
}{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// ParseSize reads "25MB" (1 MB = 1,000,000 bytes; B, KB, MB, GB; a bare number is bytes).
func ParseSize(s string) (int64, error) {
	number, factor := strings.ToUpper(strings.TrimSpace(s)), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n > 0) || n*float64(factor) > 1e12 {
		return 0, fmt.Errorf("%q is no size: use one like 40KB or 25MB", s)
	}
	return int64(n * float64(factor)), nil
}

// FormatSize writes what ParseSize reads.
func FormatSize(n int64) string {
	for _, u := range units {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.suffix)
		}
	}
	return fmt.Sprintf("%dB", n)
}
