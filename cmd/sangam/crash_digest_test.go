package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whatever moment the server is killed at: each post is in one digest of each member, or in the member's own mail. The same digest may come
// twice when the server was killed while it was sent.
func TestKilledServerDigestsOnce(t *testing.T) {
	dir := t.TempDir()
	at, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), fmt.Appendf(nil, configuration, at), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "list", "create", "heplink", "--set", "digest_size=1KB")
	modes := map[string]string{"asha": "each", "ravi": "digest", "claire": "digest-text", "tenzin": "digest"}
	for name, mode := range modes {
		run(t, dir, "member", "add", "heplink", name+"@example.org", "--delivery", mode)
	}
	posters := &posters{at: at, acknowledged: map[string]bool{}}
	posters.start(3)
	for round := range crashRounds {
		server := startServer(t, dir)
		before := posters.count()
		poll(t, "posts are taken", func() bool { return posters.count() > before })
		run(t, dir, "member", "set", "heplink", "tenzin@example.org", "delivery="+[]string{"each", "digest-text"}[round%2])
		digest := exec.Command("sangam", "digest", "heplink", "--now")
		digest.Dir = dir
		if err := digest.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond) // a random moment of the work
		server.Process.Kill()
		server.Wait()
		digest.Wait() // it may have failed
	}
	posters.stop()
	server := startServer(t, dir)
	run(t, dir, "digest", "heplink", "--now")
	poll(t, "the queue is empty", func() bool { return strings.TrimSpace(run(t, dir, "queue", "ls", "--json")) == "[]" })
	server.Process.Signal(os.Interrupt)
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	archived := count(run(t, dir, "archive", "export", "heplink"))
	for name := range modes {
		got, digests := broughtTo(t, dir, name+"@example.org")
		t.Logf("%s: %d posts, %d digests", name, len(got), digests)
		for id := range archived {
			if n := len(got[id]); n != 1 {
				t.Errorf("%s came to %s in %d mails", id, name, n)
			}
		}
	}
}

// broughtTo tells in which mails each post came to a member, by the Message-IDs of both.
func broughtTo(t *testing.T, dir, member string) (posts map[string]map[string]bool, digests int) {
	files, err := filepath.Glob(filepath.Join(dir, "captured", member, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	posts = map[string]map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		ids := messageID.FindAllStringSubmatch(string(text), -1)
		mail := ids[0][1]
		if strings.Contains(mail, "-digest-") {
			ids = ids[1:]
			digests++
		}
		for _, id := range ids {
			if posts[id[1]] == nil {
				posts[id[1]] = map[string]bool{}
			}
			posts[id[1]][mail] = true
		}
	}
	return posts, digests
}
