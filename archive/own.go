package archive

import (
	"regexp"
	"strings"
)

// Bounds of Own.
const (
	maxOwnLine = 1000 // bytes
	maxLooked  = 1000 // lines that are no quotes
)

var (
	// attribution introduces a quote in the words of many programs. It may run over two lines.
	attribution = regexp.MustCompile(`(?i)^(on .{6,300} wrote ?:|(op|den|am) .{6,300} (schreef|skrev|schrieb).{0,100}:|le .{6,300} a écrit ?:|el .{6,300} escribió ?:|` +
		`em .{6,300} escreveu ?:|il .{6,300} ha scritto ?:|.{6,300}(пишет|написал\(?а?\)?|को .{0,60}लिखा|ने .{0,60}लिखा|লিখেছেন|எழுதியது|写道|寫道|のメール)[:：]?|` +
		`.{3,200} <[^<> ]+@[^<> ]+> (wrote|writes|schrieb|escribió|a écrit|escreveu|ha scritto) ?:?)$`)
	// opening is the first of two lines of an attribution.
	opening = regexp.MustCompile(`(?i)^(on|am|le|el|em|il|op|den) .*\d`)
	// divider stands above a quote that is not marked.
	divider = regexp.MustCompile(`(?i)^(-{3,} ?(original|forwarded|ursprüngliche|mensaje|mensagem|message|messaggio|weitergeleitete|reply|пересылаемое).*|_{8,}|begin forwarded message:?|` +
		`\*?(from|von|de|da|van|fra|från|från|od|от|प्रेषक|প্রেরক|发件人|寄件者|差出人)\*? ?[:：]\*? .*(@|\[mailto:|<).*)$`)
	// footer of a phone or a program.
	footer = regexp.MustCompile(`(?i)^(\(?sent (from|via|using|with|by|on) (my |an? |outlook|yahoo|gmail|mail|proton|samsung|the |k-9|android|iphone|ipad|blackberry|fairemail|aqua|blue|spark|windows).*|` +
		`(get|download|obtenir|obtener|holen sie sich) (outlook|bluemail|the yahoo).*|envoyé (de|depuis|à partir d).*|enviado (desde|do|de|a partir d).*|(von|aus) mein.* (gesendet|verschickt)\.?|` +
		`gesendet (von|mit|über) .*|diese nachricht wurde von meinem .*|inviato da.*|verzonden vanaf.*|skickat från.*|sendt fra.*|отправлено (с|из).*|मेरे .* से भेजा गया.*|` +
		`আমার .* থেকে (পাঠানো|প্রেরিত).*|从我的.*发送|發自我的.*|iphoneから送信|do you yahoo.*|yahoo mail:.*|(this|the information in this) (e-?mail|message) .*(confidential|intended).*|` +
		`virus-free\. ?www.*|diese e-mail wurde von avast.*)$`)
	// signs make the same of what programs type for people: blanks, quotes, and dashes in place of two hyphens.
	signs = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u3000", " ", "\u200b", "", "\u200e", "", "\u200f", "", "\u202a", "", "\u202b", "",
		"\u202c", "", "\ufeff", "", "\u2060", "", "“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "’", "'", "‘", "'", "\t", " ")
)

// Plain is text with ordinary blanks and quotation marks and without marks that nobody sees, so that what a program typed for somebody
// reads like what is typed by hand.
func Plain(s string) string { return signs.Replace(s) }

// Own are the first lines that the author of a message wrote, not empty, without the blanks around them and cut at 1000 bytes: flowed lines
// are joined, quotes and what introduces them are left out, and at a signature, the footer of a phone, or an unmarked quote all ends. With
// above it ends at the first quote that stands below a line.
func (b *Body) Own(most int, above bool) []string {
	text := b.Text
	if b.Flowed {
		text = Unflow(text, b.DelSp)
	}
	var own []string
	lines := strings.Split(text, "\n")
	for i, looked := 0, 0; i < len(lines) && len(own) < most && looked < maxLooked; i++ {
		line := ownLine(lines[i])
		if line == "" {
			continue
		}
		quote := line[0] == '>' || line[0] == '|'
		if !quote {
			looked++
			if n := attributed(line, lines[i+1:]); n > 0 {
				quote = true
				i += n - 1
			}
		}
		switch {
		case quote && above && len(own) > 0, !quote && ends(line):
			return own
		case !quote:
			own = append(own, line)
		}
	}
	return own
}

// Divide parts the text shown in what the author wrote and the rest: quotes and what introduces them, and all from a signature, the footer of
// a phone or an unmarked quote on. Flowed lines are joined.
func (b *Body) Divide() (own, rest string) {
	text := b.Text
	if b.Flowed {
		text = Unflow(text, b.DelSp)
	}
	var mine, others strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i, quotes := 0, 0; i < len(lines); i++ {
		line := ownLine(lines[i])
		if line != "" && ends(line) {
			others.WriteString(strings.Join(lines[i:], ""))
			break
		}
		if line != "" && quotes == 0 {
			if line[0] == '>' || line[0] == '|' {
				quotes = 1
			} else if quoteFollows(lines[i+1:]) {
				quotes = attributed(line, lines[i+1:])
			}
		}
		if quotes > 0 {
			quotes--
			others.WriteString(lines[i])
		} else {
			mine.WriteString(lines[i])
		}
	}
	return mine.String(), others.String()
}

// quoteFollows tells whether the next lines may be introduced to: an attribution has two lines at most, and an empty one below.
func quoteFollows(lines []string) bool {
	for _, l := range lines[:min(len(lines), 3)] {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, ">") || strings.HasPrefix(l, "|") {
			return true
		}
	}
	return false
}

func ownLine(line string) string {
	return cutText(strings.TrimSpace(Plain(cutText(line, 2*maxOwnLine))), maxOwnLine)
}

func ends(line string) bool {
	return line == "--" || line == "—" || line == "–" || footer.MatchString(line) || divider.MatchString(line)
}

// attributed tells how many lines introduce a quote: this one, or with the next.
func attributed(line string, rest []string) int {
	if attribution.MatchString(line) {
		return 1
	}
	if len(rest) > 0 && opening.MatchString(line) && attribution.MatchString(line+" "+ownLine(rest[0])) {
		return 2
	}
	return 0
}
