package post

import (
	"regexp"
	"strings"

	"wesouthasians.org/sangam/archive"
	"wesouthasians.org/sangam/store"
)

// size asks the setting max_message_size.
func size(p *Post) outcome {
	if n := int64(len(p.Raw)); n > p.List.MaxMessageSize {
		return hold("%d bytes, more than the %s allowed", n, store.FormatSize(p.List.MaxMessageSize))
	}
	return outcome{}
}

// recipients asks the setting max_recipients.
func recipients(p *Post) outcome {
	if n := len(p.Described.To) + len(p.Described.Cc); n > p.List.MaxRecipients {
		return hold("%d addresses in To and Cc, more than the %d allowed", n, p.List.MaxRecipients)
	}
	return outcome{}
}

func empty(p *Post) outcome {
	body := archive.Read(p.Raw)
	if strings.TrimSpace(body.Text) == "" && len(body.Attachments) == 0 && !body.Encrypted && !hasImage(body.HTML) {
		return hold("the message is empty")
	}
	return outcome{}
}

func hasImage(html string) bool { return strings.Contains(strings.ToLower(html), "<img") }

// A line that is a command to a list server and nothing else. The list's name or an address may follow.
var commandLine = regexp.MustCompile(`(?i)^(un-?subscribe|subscribe|sign-?off|join|leave|help|remove( me)?|unsub|sub|` +
	`stop|set (no)?mail|which|who|désabonner|desabonner|se désabonner|désinscription|désinscrire|abmelden|darme de baja|` +
	`cancelar suscripci[oó]n|baja|सदस्यता समाप्त|退订|取消订阅)([ \t]+(me|from|to|this|the|list|please|[\w.@+-]+)){0,4}[.!]*$`)

// command holds what was meant for the list server: a command as the only line of the body, or as the subject of a body with
// almost nothing.
func command(p *Post) outcome {
	lines := ownLines(archive.Read(p.Raw).Text)
	subject := strings.TrimSpace(p.Described.Post.Subject)
	switch {
	case len(lines) == 1 && commandLine.MatchString(lines[0]):
		return hold("a command, sent to the list by mistake: %.60s", lines[0])
	case commandLine.MatchString(subject) && (len(lines) == 0 || len(lines) <= 2 && words(lines) <= 5):
		return hold("a command, sent to the list by mistake: %.60s", subject)
	}
	return outcome{}
}

func words(lines []string) int { return len(strings.Fields(strings.Join(lines, " "))) }

// ownLines are the lines that the author wrote: before the signature, without quotes and the line that introduces them.
func ownLines(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimRight(line, "\r ") == "--" {
			break
		}
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, ">") {
			continue
		}
		if len(lines) > 3 {
			break
		}
		lines = append(lines, line)
	}
	return lines
}
