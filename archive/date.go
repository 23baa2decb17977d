package archive

import (
	"strconv"
	"strings"
	"time"
)

const maxDateTokens = 40

// ParseDate reads a date-time leniently: RFC 5322 with obsolete zones and years, asctime, ISO 8601, names written out, missing seconds or
// zone (UTC then), comments, 24:00, 12-hour clocks, wrong weekdays. ok is false when no date can be made of it.
func ParseDate(s string) (t time.Time, ok bool) {
	d := dateReader{day: -1, year: -1, hour: -1}
	s = stripComments(s[:min(len(s), 500)])
	tokens := strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == ',' || r == '\'' || r == '"' })
	for i, tok := range tokens {
		if i == maxDateTokens {
			break
		}
		d.token(tok)
	}
	return d.time()
}

// dateReader recognises tokens by their looks, not by their place.
type dateReader struct {
	year, month, day  int
	hour, minute, sec int
	pm, am            bool
	offset            int // seconds east of UTC
	zoned             bool
	bad               bool
}

func (d *dateReader) token(tok string) {
	c := tok[0]
	switch {
	case strings.Count(tok, ":") > 0 && c >= '0' && c <= '9':
		d.clock(tok)
	case (c == '+' || c == '-') && len(tok) > 1 && d.hour >= 0:
		d.zone(tok)
	case c >= '0' && c <= '9':
		d.number(tok)
	default:
		d.word(tok)
	}
}

// clock reads 9:05, 09:05:59.123, 10:00pm, 10:00:00+0530 and the T form of ISO 8601 after the date was split off.
func (d *dateReader) clock(tok string) {
	if i := strings.IndexAny(tok, "Tt"); i > 0 && strings.Count(tok[:i], "-") == 2 {
		d.number(tok[:i])
		tok = tok[i+1:]
	}
	end := strings.IndexFunc(tok, func(r rune) bool { return (r < '0' || r > '9') && r != ':' })
	rest := ""
	if end >= 0 {
		tok, rest = tok[:end], tok[end:]
	}
	parts := strings.Split(tok, ":")
	if d.hour >= 0 || len(parts) < 2 {
		return
	}
	var n [3]int
	for i := range min(len(parts), 3) {
		v, err := strconv.Atoi(parts[i])
		if err != nil && parts[i] != "" || v > 99 {
			d.bad = true
			return
		}
		n[i] = v
	}
	d.hour, d.minute, d.sec = n[0], n[1], n[2]
	if d.hour > 24 || d.minute > 59 || d.sec > 60 {
		d.bad = true
	}
	rest = strings.TrimLeft(rest, ".0123456789")
	if rest != "" {
		d.token(rest)
	}
}

// number reads a day, a year or a whole date with dashes, slashes or dots.
func (d *dateReader) number(tok string) {
	tok = strings.TrimRight(tok, ".;")
	if i := strings.IndexAny(tok, "-/."); i > 0 {
		d.joined(strings.FieldsFunc(tok, func(r rune) bool { return r == '-' || r == '/' || r == '.' }))
		return
	}
	digits := strings.TrimRight(strings.ToLower(tok), "stndrh") // 1st, 2nd, 3rd, 4th
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil:
	case len(digits) <= 2 && d.day < 0:
		d.day = n
	case d.year < 0 && len(digits) <= 4:
		d.year = fullYear(n, len(digits))
	}
}

// joined reads 2026-11-24, 24-Nov-2026, 24.11.2026 and 11/24/2026.
func (d *dateReader) joined(parts []string) {
	if len(parts) != 3 {
		return
	}
	var n [3]int
	for i, p := range parts {
		n[i], _ = strconv.Atoi(p)
	}
	month := monthNumber(parts[1])
	switch {
	case len(parts[0]) == 4:
		d.year, d.month, d.day = n[0], max(n[1], month), n[2]
	case month > 0:
		d.year, d.month, d.day = fullYear(n[2], len(parts[2])), month, n[0]
	case n[0] > 12:
		d.year, d.month, d.day = fullYear(n[2], len(parts[2])), n[1], n[0]
	default:
		d.year, d.month, d.day = fullYear(n[2], len(parts[2])), n[0], n[1]
	}
}

// fullYear follows RFC 5322 section 4.3.
func fullYear(n, digits int) int {
	switch {
	case digits <= 2 && n < 50:
		return 2000 + n
	case digits <= 3:
		return 1900 + n
	}
	return n
}

var monthNames = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

func monthNumber(word string) int {
	if len(word) < 3 {
		return 0
	}
	for i, name := range monthNames {
		if strings.EqualFold(word[:3], name) {
			return i + 1
		}
	}
	return 0
}

// zones in hours of the obsolete syntax and what real mail has; unknown ones are taken for UTC (RFC 5322 section 4.3).
var zones = map[string]float64{
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "HST": -10,
	"BST": 1, "WEST": 1, "CET": 1, "MET": 1, "MEZ": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "SAST": 2, "EET": 2, "EEST": 3, "MSK": 3,
	"PKT": 5, "IST": 5.5, "NPT": 5.75, "BDT": 6, "ICT": 7, "WIB": 7, "SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9,
	"ACST": 9.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

func (d *dateReader) word(tok string) {
	word := strings.TrimRight(tok, ".;")
	upper := strings.ToUpper(word)
	switch {
	case upper == "AM":
		d.am = true
	case upper == "PM":
		d.pm = true
	case d.month == 0 && monthNumber(word) > 0:
		d.month = monthNumber(word)
	case d.hour >= 0 && !d.zoned:
		d.namedZone(upper)
	}
}

func (d *dateReader) namedZone(name string) {
	for _, prefix := range []string{"GMT", "UTC", "UT"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			if rest[0] == '+' || rest[0] == '-' {
				d.zone(rest)
			}
			return
		}
	}
	if hours, ok := zones[name]; ok {
		d.offset, d.zoned = int(hours*3600), true
	}
}

// zone reads +0530, +05:30, -5 and the like. More than 14 hours are no zone: UTC then, as for an unknown name.
func (d *dateReader) zone(tok string) {
	if d.zoned {
		return
	}
	digits := strings.ReplaceAll(tok[1:], ":", "")
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 4 {
		return
	}
	if len(digits) <= 2 {
		n *= 100
	}
	d.zoned = true
	if n/100 > 14 || n%100 > 59 {
		return
	}
	d.offset = n/100*3600 + n%100*60
	if tok[0] == '-' {
		d.offset = -d.offset
	}
}

func (d *dateReader) time() (time.Time, bool) {
	if d.bad || d.year < 1 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 {
		return time.Time{}, false
	}
	hour := max(d.hour, 0)
	switch {
	case d.pm && hour < 12:
		hour += 12
	case d.am && hour == 12:
		hour = 0
	}
	zone := time.UTC
	if d.offset != 0 {
		zone = time.FixedZone("", d.offset)
	}
	t := time.Date(d.year, time.Month(d.month), d.day, hour, d.minute, d.sec, 0, zone)
	return t, t.UTC().Year() < 10000 // RFC 5322 and RFC 3339 write four digits
}

// ReceivedDate is the date of the topmost Received field: when the last host took the message.
func ReceivedDate(raw []byte) (time.Time, bool) {
	p := &parser{raw: raw}
	part := &Part{}
	p.readHeader(part)
	return part.header.received()
}

func (h Header) received() (time.Time, bool) {
	v := stripComments(h.Get("Received"))
	i := strings.LastIndexByte(v, ';')
	if i < 0 {
		return time.Time{}, false
	}
	t, ok := ParseDate(v[i+1:])
	if !ok || t.Before(epoch) {
		return time.Time{}, false
	}
	return t.UTC(), true
}

var epoch = time.Unix(0, 0)

// Clocks that nobody set begin in a year before this one, most in 1970 or 1980.
const firstYear = 1990

// sensible tells whether a Date can be true: not before 1970, at most a day after the message was received, and from before 1990 only when it
// was received within ten years.
func sensible(date, received time.Time) bool {
	if date.Before(epoch) || received.IsZero() {
		return !date.Before(epoch)
	}
	return date.Before(received.Add(24*time.Hour)) && (date.Year() >= firstYear || received.Before(date.AddDate(10, 0, 0)))
}
