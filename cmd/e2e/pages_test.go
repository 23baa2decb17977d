//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The pages in Chromium, on a desk and on a phone: nothing is wider than the screen, nothing is asked of other hosts, the
// console stays empty, and no mail runs as the site. SANGAM_SCREENSHOTS names a folder for pictures of them.
func TestPagesInChromium(t *testing.T) {
	s := start(t, "")
	s.sangam("list", "create", "heplink", "--title", "HepLink", "--owner", "asha@example.org", "--set", "archive=public", "--set", "raw=public")
	s.sangam("archive", "import", "heplink", s.write("old.mbox", conversation))
	b := openBrowser(s)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"desk", 1280, 900}, {"phone", 360, 740}} {
		for name, page := range map[string]struct{ path, text string }{
			"front":      {"/", "HepLink"},
			"index":      {"/heplink/", "Cold chain in the monsoon"},
			"thread":     {"/heplink/t/1", "मिट्टी का घड़ा"},
			"post":       {"/heplink/1", "Which box keeps its temperature"},
			"html":       {"/heplink/2", "मिट्टी का घड़ा"},
			"attachment": {"/heplink/3", "sheet.html"},
			"urdu":       {"/heplink/t/3", "السلام علیکم"},
			"month":      {"/heplink/archive/2026-01", "Cold chain in the monsoon"},
			"login":      {"/login", ""},
		} {
			t.Run(name+" on a "+size.name, func(t *testing.T) {
				p := b.open(t, page.path, size.width, size.height)
				b.picture(t, name+"-"+size.name)
				if !strings.Contains(p.Text, page.text) {
					t.Errorf("%q is not on the page:\n%s", page.text, p.Text)
				}
				// A phone zooms out until all fits, so that the window says nothing.
				if p.Wide > size.width {
					t.Errorf("the page is %d wide on a screen of %d", p.Wide, size.width)
				}
				if p.Title == "taken over" {
					t.Error("a script of a mail ran")
				}
				if p.Font < 16 {
					t.Errorf("the text is %v pixels high", p.Font)
				}
				for _, trouble := range b.troubles() {
					t.Error(trouble)
				}
			})
		}
	}
	t.Run("direction", func(t *testing.T) {
		b.open(t, "/heplink/3", 1280, 900)
		// The text touches the right side of what holds it.
		right, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(() => {
			const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
			while (walk.nextNode()) {
				if (walk.currentNode.data.includes("السلام")) {
					const r = document.createRange(); r.selectNodeContents(walk.currentNode);
					const box = walk.currentNode.parentElement.getBoundingClientRect();
					const text = r.getClientRects()[0];
					return box.right - text.right < text.left - box.left;
				}
			}
			return false;
		})()`))
		if err != nil {
			t.Fatal(err)
		}
		if !right {
			t.Error("Urdu text does not run from right to left")
		}
	})
}

// An attachment is never shown as a page of this site.
func TestAttachmentsAreDownloads(t *testing.T) {
	s := start(t, "")
	s.sangam("list", "create", "heplink", "--owner", "asha@example.org", "--set", "archive=public", "--set", "raw=public")
	s.sangam("archive", "import", "heplink", s.write("old.mbox", conversation))
	resp, err := http.Get("http://" + s.web + "/heplink/3/1/sheet.html")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") ||
		resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

// page is what a browser saw.
type page struct {
	Text, Title string
	Wide        int64
	Font        float64
}

type browser struct {
	s   *site
	ctx context.Context

	mu     sync.Mutex
	events []string
}

func openBrowser(s *site) *browser {
	s.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		for _, dir := range []string{"/usr/bin", "/usr/local/bin"} {
			if path := filepath.Join(dir, name); exists(path) {
				options = append(options, chromedp.ExecPath(path))
			}
		}
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	s.t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	s.t.Cleanup(cancel)
	b := &browser{s: s, ctx: ctx}
	_, networkErr := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, logErr := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	if err := errors.Join(chromedp.Do(ctx), networkErr, logErr, chromedp.Listen(ctx, b.event)); err != nil {
		s.t.Fatal(err)
	}
	return b
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (b *browser) event(e any) {
	trouble := ""
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Host != b.s.web && u.Scheme != "data" && u.Scheme != "about" {
			trouble = "a request to " + e.Request.URL
		}
	case *runtime.EventExceptionThrown:
		trouble = "an exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		trouble = "the console says something"
	case *log.EventEntryAdded:
		if !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			trouble = "the browser complains: " + e.Entry.Text
		}
	}
	if trouble != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, trouble)
	}
}

func (b *browser) troubles() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.events
	b.events = nil
	return all
}

func (b *browser) open(t *testing.T, path string, width, height int64) page {
	t.Helper()
	b.troubles()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	screen := []chromedp.EmulateViewportOption{chromedp.EmulateLandscape}
	if width < 600 {
		screen = []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulatePortrait}
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height, screen...), chromedp.Navigate("http://"+b.s.web+path)); err != nil {
		t.Fatal(err)
	}
	p, err := chromedp.Run(ctx, chromedp.Evaluate[page](`({
			Text: document.body.innerText, Title: document.title,
			Wide: document.scrollingElement.scrollWidth,
			Font: parseFloat(getComputedStyle(document.body).fontSize),
		})`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("SANGAM_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
