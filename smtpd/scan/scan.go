// Package scan asks rspamd what it makes of a message, over HTTP (its controller's or worker's /checkv2). The receiving server asks it while the
// client waits.
package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"wesouthasians.org/sangam/lists/intake"
	"wesouthasians.org/sangam/store"
)

// Rspamd is safe for concurrent use.
type Rspamd struct {
	URL     string // http://127.0.0.1:11333
	Timeout time.Duration
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// Scan sends the message with what is known of its envelope, and tells why it is suspicious; empty: it is not. A *store.Refusal when rspamd
// wants it refused; any other error says that there is no verdict.
func (r *Rspamd) Scan(ctx context.Context, e intake.Envelope, to []string, raw []byte) (suspicion string, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/checkv2", bytes.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("content check: %w", err)
	}
	if a := e.Remote.Addr(); a.IsValid() {
		request.Header.Set("IP", a.String())
	}
	request.Header.Set("Helo", headerValue(e.Helo))
	request.Header.Set("From", headerValue(e.Sender))
	request.Header.Set("Queue-Id", e.ID)
	for _, rcpt := range to {
		request.Header.Add("Rcpt", headerValue(rcpt))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("content check: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil || response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("content check answered %s: %.200q %w", response.Status, body, err)
	}
	return read(body)
}

// read an answer. An action that is not known is none.
func read(body []byte) (suspicion string, err error) {
	var answer struct {
		Action   string  `json:"action"`
		Score    float64 `json:"score"`
		Required float64 `json:"required_score"`
		Messages struct {
			SMTP string `json:"smtp_message"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Action == "" {
		return "", fmt.Errorf("content check answered what is no verdict: %.200q", body)
	}
	text := headerValue(answer.Messages.SMTP)
	refuse := func(code int, otherwise string) error {
		if text == "" {
			text = otherwise
		}
		return &store.Refusal{Code: code, Enhanced: [3]int{code / 100, 7, 1}, Public: text}
	}
	switch answer.Action {
	case "reject":
		return "", refuse(550, "the message looks like spam: if it is none, write it in other words")
	case "soft reject", "greylist":
		return "", refuse(451, "the message is not taken now: try again later")
	case "add header", "rewrite subject":
		return fmt.Sprintf("the content check finds it suspicious: score %.1f of %.1f", answer.Score, answer.Required), nil
	}
	return "", nil
}

// headerValue is a text on one line of printable ASCII.
func headerValue(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c >= 0x7f {
			b[i] = '?'
		}
	}
	return string(b[:min(len(b), 500)])
}
