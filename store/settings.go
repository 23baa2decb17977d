package store

// Settings of a list: section "list settings" of the documentation. The table in this file gives each its key, default, parser and
// printer; `list set`, `list show`, mail and web all use it.
type Settings struct {
	Title, Description, Language string
	SubjectPrefix                string // {name}, {number}
	Join                         string // confirm open approve closed
	Post                         string // members anyone moderators
	NonmemberAction              string // hold reject discard accept
	Moderate                     string // none first all
	ModerateFirst                int
	ReplyTo                      string // sender list
	FromRewrite                  string // auto always never
	Archive                      string // members public off
	Raw                          string // members public
	MembersVisible               string // owners members
	Advertised                   bool
	MaxMessageSize               int64 // bytes
	MaxRecipients                int
	Attachments                  string // keep link strip
	Header, Footer               string
	DigestEvery                  string // daily weekly monthly
	DigestSize                   int64  // bytes
	DigestHour                   int
	Timezone                     string
	BounceThreshold              float64
	Welcome, Goodbye             string
}

// DefaultSettings of a new discussion list.
func DefaultSettings() Settings { panic("outline") }

// Preset returns the settings of discussion, announcement or private lists.
func Preset(name string) (Settings, error) { panic("outline") }

// SettingKeys in the order in which they are shown.
func SettingKeys() []string { panic("outline") }

// Set parses value for key; the error says what is allowed.
func (s *Settings) Set(key, value string) error { panic("outline") }

// Get returns the setting as text, as Set would take it.
func (s *Settings) Get(key string) (string, error) { panic("outline") }

// Values returns all settings by key, booleans and numbers as such: for JSON.
func (s *Settings) Values() map[string]any { panic("outline") }

// MemberKeys are the settings of a member in the order in which they are shown.
func MemberKeys() []string { panic("outline") }

func (m *Member) Set(key, value string) error { panic("outline") }

func (m *Member) Values() map[string]any { panic("outline") }

// ParseSize reads "25MB" (1 MB = 1,000,000 bytes; B, KB, MB, GB; a bare number is bytes).
func ParseSize(s string) (int64, error) { panic("outline") }

// FormatSize writes what ParseSize reads.
func FormatSize(n int64) string { panic("outline") }
