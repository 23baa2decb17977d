package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// script of a word.
type script uint8

const (
	otherScript script = iota
	latinScript
	cyrillicScript
	arabicScript
	devanagariScript
	bengaliScript
	tamilScript
	sinhalaScript
	scripts
)

func scriptOf(term string) script {
	r, _ := utf8.DecodeRuneInString(term)
	switch {
	case 'a' <= r && r <= 'z':
		return latinScript
	case r < 0x80:
		return otherScript
	case r < 0x250 || unicode.Is(unicode.Latin, r):
		return latinScript
	case r >= 0x400 && r < 0x530:
		return cyrillicScript
	case r >= 0x600 && r < 0x780:
		return arabicScript
	case r >= 0x900 && r < 0x980:
		return devanagariScript
	case r >= 0x980 && r < 0xA00:
		return bengaliScript
	case r >= 0xB80 && r < 0xC00:
		return tamilScript
	case r >= 0xD80 && r < 0xE00:
		return sinhalaScript
	}
	return otherScript
}

// languages of each script whose words have stems; the first is that of a text that tells nothing.
var languages = [scripts][]string{
	latinScript:      {"en", "fr", "es", "pt", "de", "it", "nl", "sv", "tr"},
	cyrillicScript:   {"ru"},
	arabicScript:     {"ur", "ar"},
	devanagariScript: {"hi", "ne"},
	bengaliScript:    {"bn"},
	tamilScript:      {"ta"},
	sinhalaScript:    {"si"},
}

// telling words and endings are frequent in one language and rare in others of its script. Letters that only one has tell too.
var telling = map[string]string{
	"en": "the of and to in is that for it with as was on are be this have from you not we will can",
	"fr": "le les des et du une est dans pour que qui sur avec pas nous vous au aux je ce sont",
	"es": "el los las y del una es en por que con para se no su lo como muy esta son",
	"pt": "o os as e do da dos das uma em por que com para nao se ao na no foi",
	"de": "der die das und ist nicht von mit den dem ein eine zu auf fur sich wir ich sie auch",
	"it": "il gli di e della del che per con non una sono nel alla dei piu anche come questo",
	"nl": "de het een en van ik niet dat is op te zijn voor met aan er bij ook naar",
	"sv": "och att det som en ett ar av for med den pa inte har jag vi till om men",
	"tr": "ve bir bu icin ile da de olarak cok daha var gibi kadar ne ama olan",
	"hi": "है हैं का की के में को से और ने पर यह भी नहीं हो था थे कर लिए एक",
	"ne": "छ छन् हो र को मा लाई पनि गर्न भएको यो गरेको हुन् छैन तथा गर्नुहोस् हाम्रो तपाईं हुन्छ थियो",
	"ur": "ہے ہیں کا کی کے میں کو سے اور نے پر یہ بھی نہیں تھا کر لیے ایک",
	"ar": "في من على إلى أن هذا هذه التي الذي مع عن ما لا كان كل أو بعد قد",
}

// tells is which languages a folded word tells of.
var tells = func() map[string][]string {
	m := map[string][]string{}
	for language, list := range telling {
		for w := range strings.FieldsSeq(list) {
			m[fold(w)] = append(m[fold(w)], language)
		}
	}
	return m
}()

// tongue is the language of a text in each script; empty where its words have no stems.
type tongue [scripts]string

// maxTold bounds the words that are looked at to tell the language.
const maxTold = 2000

// detect tells the languages of a text by the words that are frequent in them. A hint, a BCP 47 tag, decides where the text tells nothing.
func detect(text string, hints ...string) (t tongue) {
	counts := map[string]int{}
	n := 0
	for w := range words(text) {
		for _, l := range tells[w.term] {
			counts[l]++
		}
		if n++; n == maxTold {
			break
		}
	}
	for s, known := range languages {
		if len(known) == 0 {
			continue
		}
		t[s] = preferred(known, hints)
		for _, l := range known {
			if counts[l] > counts[t[s]] {
				t[s] = l
			}
		}
	}
	return t
}

func preferred(known, hints []string) string {
	for _, h := range hints {
		h, _, _ = strings.Cut(strings.ToLower(h), "-")
		for _, l := range known {
			if l == h {
				return l
			}
		}
	}
	return known[0]
}
