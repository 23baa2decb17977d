//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The collection of real bounces, read by the program. Of those that people judged at most one in thirty may be misread, of
// those that another program judged one in sixteen: that program errs too.
func TestRealBouncesAreRead(t *testing.T) {
	table := shared(t, "bounces/expected.jsonl")[0]
	raw, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	total, wrong := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(raw)) {
		var want struct {
			File, Truth          string
			Permanent, Temporary []string
		}
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(binary, "bounce", "explain", "--json", filepath.Join(filepath.Dir(table), want.File)).Output()
		if err != nil {
			t.Fatalf("%s: %v", want.File, err)
		}
		var got struct {
			Kind       string
			Recipients []struct {
				Address   string
				Permanent bool
			}
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		permanent, temporary := []string{}, []string{}
		for _, r := range got.Recipients {
			switch {
			case got.Kind == "complaint":
			case r.Permanent:
				permanent = append(permanent, r.Address)
			default:
				temporary = append(temporary, r.Address)
			}
		}
		total[want.Truth]++
		if !same(permanent, want.Permanent) || !same(temporary, want.Temporary) {
			wrong[want.Truth]++
			t.Logf("%s: %s, permanent %v, temporary %v; wanted %v, %v", want.File, got.Kind, permanent, temporary, want.Permanent, want.Temporary)
		}
	}
	t.Logf("misread: %v of %v", wrong, total)
	if wrong["hand"]*30 > total["hand"] || wrong["derived"]*16 > total["derived"] || total["hand"] == 0 {
		t.Errorf("misread: %v of %v", wrong, total)
	}
}

func same(a, b []string) bool {
	fold := func(s []string) []string {
		s = slices.Clone(s)
		for i := range s {
			s[i] = strings.ToLower(s[i])
		}
		slices.Sort(s)
		return s
	}
	return slices.Equal(fold(a), fold(b))
}
