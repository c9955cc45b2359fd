package classify

import (
	"strings"
	"unicode"
)

// maxTextBytes is how much of a text the builtin provider looks at. What a document is about shows at its start; 64 KiB are
// some 10,000 words.
const maxTextBytes = 64 << 10

// head returns the first bytes of text that are judged, whole runes, and whether there was more.
func head(text string) (string, bool) {
	if len(text) <= maxTextBytes {
		return text, false
	}
	return strings.ToValidUTF8(text[:maxTextBytes], ""), true
}

// terms returns how often each stemmed word of text occurs. Numbers and words of one letter or without meaning do not count.
func terms(text string) map[string]int {
	counts := map[string]int{}
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if len([]rune(word)) > 1 && !meaningless[word] {
			counts[stem(word)]++
		}
	}
	return counts
}

// suffixes are endings of English, German and French that turn forms of a word into others; the first that fits goes.
// Rough on purpose: both sides of every comparison go through it.
var suffixes = []string{"ements", "ement", "ungen", "ments", "ings", "tion", "ment", "ung", "ing", "ies", "es", "en", "er", "ed", "s", "e", "n", "y"}

// minStem is how many letters of a word stay at least: shorter stems meet by chance.
const minStem = 4

func stem(word string) string {
	for _, suffix := range suffixes {
		if rest, ok := strings.CutSuffix(word, suffix); ok && len([]rune(rest)) >= minStem {
			return rest
		}
	}
	return word
}

// meaningless words say nothing of a topic: the commonest of English, German and French.
var meaningless = func() map[string]bool {
	words := map[string]bool{}
	for _, word := range strings.Fields(`
		a about above after again all also am an and any are as at be because been before being below between both but by can
		could did do does doing down during each few for from further had has have having he her here hers him his how i if in
		into is it its just me more most my no nor not now of off on once only or other our out over own per re same she should
		so some such than that the their them then there these they this those through to too under until up very was we were
		what when where which while who whom why will with would you your
		aber als am an auch auf aus bei bin bis das dass dem den der des die doch dort du durch ein eine einem einen einer eines
		er es für hat hatte ich ihr im in ist ja kann mit nach nicht noch nur ob oder ohne sich sie sind so über um und uns unter
		vom von vor war was wenn wer wie wir wird zu zum zur
		au aux avec ce ces cette dans de des du elle en est et eux il ils je la le les leur lui ma mais mes moi mon ne nos notre
		nous on ou où par pas pour qu que qui sa se ses son sont sur ta te tes toi ton tu un une vos votre vous
		etc misc miscellaneous other others things stuff various document documents file files`) {
		words[word] = true
	}
	return words
}()
