//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Real mail can be searched as soon as it is imported, and the index is small beside it.
func TestRealMailIsFound(t *testing.T) {
	s := start(t, "")
	files := shared(t, "lists/blinux-list.mbox.gz")
	s.sangam("list", "create", "blinux", "--owner", "asha@example.org")
	s.sangam(append([]string{"archive", "import", "blinux"}, files...)...)
	s.sangam("archive", "reindex", "blinux")
	var rows []struct {
		Number     uint64
		Subject    string
		MessageID  string `json:"message_id"`
		Excerpt    string
		From, Date string
	}
	if err := json.Unmarshal([]byte(s.sangam("archive", "search", "blinux", "--json", `subject:orca "screen reader" after:2020`)), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Fatal("nothing is found")
	}
	for _, r := range rows {
		if r.Number == 0 || r.Subject == "" || r.MessageID == "" || r.From == "" || r.Date < "2020" {
			t.Errorf("%+v", r)
		}
	}
	_, total := readSource(t, files)
	raw, index := len(s.sangam("archive", "export", "blinux")), int64(0)
	found, err := filepath.Glob(filepath.Join(s.dir, "data", "search", "*"))
	for _, f := range found {
		if info, err := os.Stat(f); err == nil {
			index += info.Size()
		}
	}
	t.Logf("%d messages of %d bytes, index %d bytes: %.2f", total, raw, index, float64(index)/float64(raw))
	if err != nil || index == 0 || index > int64(raw)/2 {
		t.Errorf("the index has %d bytes, the mail %d, %v", index, raw, err)
	}
}
