package azureopenai

import (
	"strings"
	"unicode"
)

var stopWords = wordSet(`a an and any are as at be been but by can could did do does for from had has have how i if in
	into is it its just like may me my no not of on or our please shall she should so some tell than that the their them
	then there these they this those to up us want was we were what when where which while who why will with would you your`)

func wordSet(list string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// words returns a text's words in lower case, without those that say little.
func words(text string) []string {
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	kept := fields[:0]
	for _, w := range fields {
		if !stopWords[w] {
			kept = append(kept, w)
		}
	}
	return kept
}

// mentions reports whether a text has a word of the set, in any case. It makes no copy of the text.
func mentions(text string, set map[string]bool) bool {
	var word [16]byte // no set has a longer one
	n := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && isWordByte(text[i]) {
			if n < len(word) {
				word[n] = text[i] | 0x20 // small letters; digits stay as they are
			}
			n++
			continue
		}
		if 0 < n && n <= len(word) && set[string(word[:n])] {
			return true
		}
		n = 0
	}
	return false
}

// isWordByte is what \w means in an expression.
func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// stem takes the commonest English endings off, so that "refunds" meets "refunded".
func stem(word string) string {
	for _, ending := range []string{"ations", "ation", "ingly", "ings", "ing", "edly", "ies", "ied", "ed", "es", "ly", "s", "e", "y"} {
		if s, ok := strings.CutSuffix(word, ending); ok && len(s) >= 3 {
			return s
		}
	}
	return word
}

// concepts are words that mean much the same, for embeddings to bring together.
var concepts = conceptOf(
	"car automobile vehicle truck", "dog puppy hound", "cat kitten feline", "doctor physician medic",
	"buy purchase order shop", "money refund cash payment pay reimburse", "return refund reimburse", "cheap inexpensive affordable",
	"fast quick rapid speedy", "big large huge", "small little tiny", "happy glad joyful cheerful",
	"sad unhappy gloomy", "begin start commence", "end finish stop", "cancel terminate revoke",
	"help assist support", "fix repair mend", "broken defective damaged faulty", "password login credential signin",
	"delivery shipping shipment parcel package", "weather rain snow forecast climate", "food meal dish cuisine recipe",
	"film movie cinema", "job work employment career", "child kid", "house home building", "ill sick unwell",
	"holiday vacation trip travel", "error bug failure fault", "computer laptop pc", "phone mobile smartphone",
)

func conceptOf(groups ...string) map[string][]string {
	concepts := make(map[string][]string)
	for _, g := range groups {
		fields := strings.Fields(g)
		for _, w := range fields {
			concepts[stem(w)] = append(concepts[stem(w)], fields[0])
		}
	}
	return concepts
}
