package post

import (
	"fmt"
	"regexp"
	"strings"
)

// A line that is a command to a list server and nothing else, in words that people use who look for one. Behind it may
// stand the list, an address and small words; behind the words that join and leave, a name.
var commandLine = regexp.MustCompile(`(?i)^((please|pls|kindly|bitte|por favor|कृपया)[ ,]+)?(` +
	`(un-?sub(scribe)?|sub(scribe)?|sign-?off)( [^ ]+){0,4}|` +
	`(remove|join|leave|help|stop|end|which|who|review|info|set|set (no)?mail|nomail|mail|digest)( (me|my|from|to|this|the|that|list|mailing|emails?|mails?|please|[^ ]+@[^ ]+)){0,5}|` +
	`désabonner|desabonner|(me|se) d[ée]sabonner|désinscription|désinscrire|abmelden|abbestellen|austragen|(darme de )?baja|` +
	`cancelar (la )?suscripci[oó]n|cancelar (a )?(inscrição|assinatura)|descadastrar|cancellami|отписаться|отпишите меня|` +
	`berhenti berlangganan|إلغاء الاشتراك|सदस्यता (समाप्त|रद्द)( करें)?|সদস্যতা বাতিল|退订|退訂|取消订阅|取消訂閱)[.!]*$`)

// command finds what was meant for the list server: a command as the only line of the body, or as the subject of a body with
// almost nothing.
func command(p *Post) outcome {
	lines := p.body().Own(5, true)
	subject := strings.TrimSpace(p.Described.Post.Subject)
	switch {
	case len(lines) == 1 && p.isCommand(lines[0]):
		return mistaken(lines[0])
	case len(lines) <= 2 && words(lines) <= 5 && p.isCommand(subject):
		return mistaken(subject)
	}
	return outcome{}
}

func mistaken(line string) outcome {
	return outcome{action: Mistaken, reason: fmt.Sprintf("a command, sent to the list by mistake: %.100s", line)}
}

// CommandLine is the line of a mistaken post that is a command.
func (p *Post) CommandLine() string {
	if lines := p.body().Own(5, true); len(lines) == 1 && p.isCommand(lines[0]) {
		return lines[0]
	}
	return strings.TrimSpace(p.Described.Post.Subject)
}

func (p *Post) isCommand(line string) bool {
	words := strings.Fields(strings.ToLower(line))
	for i, w := range words {
		if w == p.List.Name {
			words[i] = "list"
		}
	}
	return commandLine.MatchString(strings.Join(words, " "))
}

func words(lines []string) int { return len(strings.Fields(strings.Join(lines, " "))) }
