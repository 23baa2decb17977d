//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"wesouthasians.org/sangam/smtpd/sink"
)

// A post by swaks reaches 150 members through a relay.
func TestSwaksPostReachesEveryMember(t *testing.T) {
	out, err := sink.Start(sink.Options{Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s := start(t, fmt.Sprintf("[delivery]\nmode = \"relay\"\nrelay = \"smtp://%s\"\n", out.Addr()))
	s.sangam("list", "create", "heplink", "--title", "HepLink", "--owner", "member0@example.org")
	roster := "address,name,role,delivery\n"
	for i := 1; i < 150; i++ {
		roster += fmt.Sprintf("member%d@example.org,Member %d,member,each\n", i, i)
	}
	s.sangam("member", "import", "heplink", s.write("members.csv", roster))
	s.run("", "swaks", "--server", s.smtp, "--from", "member0@example.org", "--to", "heplink@lists.example.org",
		"--header", "Subject: Vaccine storage", "--body", "Which refrigerator do you use?")
	if !out.Wait(150, 30*time.Second) {
		t.Fatalf("%d copies of 150", out.Total())
	}
	s.until("the queue is empty", func() bool { return strings.TrimSpace(s.sangam("queue", "ls", "--json")) == "[]" })
	for to, n := range out.Counts() {
		if n != 1 {
			t.Errorf("%s got %d copies", to, n)
		}
	}
	paths := map[string]bool{}
	for _, m := range out.Messages() {
		for _, want := range []string{"Subject: [heplink] Vaccine storage\r\n", "List-Id: HepLink <heplink.lists.example.org>\r\n", "/u/", "List-Unsubscribe-Post:"} {
			if !bytes.Contains(m.Data, []byte(want)) {
				t.Fatalf("a copy lacks %q:\n%s", want, m.Data)
			}
		}
		paths[m.From] = true
	}
	if len(paths) != 150 {
		t.Errorf("%d return paths for 150 members", len(paths))
	}
}

// The link in a copy ends the membership, and so does the address in it.
func TestUnsubscribeByLinkAndByMail(t *testing.T) {
	s := start(t, "")
	s.sangam("list", "create", "heplink", "--owner", "asha@example.org")
	for _, m := range []string{"ravi@example.org", "claire@example.org"} {
		s.sangam("member", "add", "heplink", m, "--quiet")
	}
	s.run("", "swaks", "--server", s.smtp, "--from", "asha@example.org", "--to", "heplink@lists.example.org", "--header", "Subject: Hello")
	field := regexp.MustCompile(`List-Unsubscribe: <([^>]+)>,\s+<mailto:([^>?]+)`)
	links := func(member string) []string {
		var found []string
		s.until("a copy for "+member, func() bool {
			files, _ := filepath.Glob(filepath.Join(s.dir, "captured", member, "new", "*"))
			if len(files) != 1 {
				return false
			}
			raw, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if found = field.FindStringSubmatch(string(raw)); found == nil {
				t.Fatalf("no link in\n%s", raw)
			}
			return true
		})
		return found
	}
	link := links("ravi@example.org")[1]
	for range 2 { // again is no error
		resp, err := http.PostForm(link, url.Values{"List-Unsubscribe": {"One-Click"}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("POST %s: %s", link, resp.Status)
		}
	}
	s.run("", "swaks", "--server", s.smtp, "--from", "claire@example.org", "--to", links("claire@example.org")[2])
	members := s.sangam("member", "export", "heplink")
	if strings.Contains(members, "ravi@") || strings.Contains(members, "claire@") || !strings.Contains(members, "asha@") {
		t.Errorf("members are now:\n%s", members)
	}
}
