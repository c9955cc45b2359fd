package classify

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	minTermRunes = 3
	// minCompoundRunes is how long a term must be to be found at the beginning of another (Rechnung in Rechnungsbetrag).
	minCompoundRunes = 6
	compoundWeight   = 0.5
	// headingTerms are the first terms of a text, which count twice: titles, subjects, letterheads.
	headingTerms = 50
	// pageTerms is how many terms a page holds.
	pageTerms = 150
)

// bag is the terms of a text, counted.
type bag struct {
	count  map[string]float64
	sorted []string
	total  float64
}

func newBag(text string) bag {
	b := bag{count: map[string]float64{}}
	for i, term := range terms(text) {
		b.count[term]++
		b.total++
		if i < headingTerms {
			b.count[term]++
		}
	}
	b.sorted = sortedKeys(b.count)
	return b
}

// density is how often a term occurs: by the root of the length up to a page, by the length itself from there on. Twice in a letter is
// much, twice in a novel nothing.
func (b bag) density(term string) float64 {
	if b.total == 0 {
		return 0
	}
	found := b.count[term]
	if utf8.RuneCountInString(term) >= minCompoundRunes {
		for i := sort.SearchStrings(b.sorted, term); i < len(b.sorted) && strings.HasPrefix(b.sorted[i], term); i++ {
			if b.sorted[i] != term {
				found += compoundWeight * b.count[b.sorted[i]]
			}
		}
	}
	return found / b.total * math.Sqrt(min(b.total, pageTerms))
}

// vector weighs the terms and brings them to length 1; the tenth occurrence says less than the first.
func (b bag) vector(weigh func(term string) float64) []weighed {
	v, sum := make([]weighed, len(b.sorted)), 0.0
	for i, term := range b.sorted {
		v[i] = weighed{term, (1 + math.Log(b.count[term])) * weigh(term)}
		sum += v[i].weight * v[i].weight
	}
	for i := range v {
		v[i].weight /= math.Sqrt(sum)
	}
	return v
}

// weighed is a term with its weight in a text.
type weighed struct {
	term   string
	weight float64
}

// terms returns the words of a text that carry meaning, in order: lower case, without accents, without endings. Numbers go, but for
// years.
func terms(text string) []string {
	words := strings.FieldsFunc(plainLetters(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	kept := words[:0]
	for _, word := range words {
		if utf8.RuneCountInString(word) < minTermRunes || stopWords[word] {
			continue
		}
		if strings.IndexFunc(word, unicode.IsLetter) < 0 && len(word) != len("2006") {
			continue
		}
		kept = append(kept, stem(word))
	}
	return kept
}

// plainLetters takes accents off, so that Müller and Muller are one word.
func plainLetters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(strings.ReplaceAll(text, "ß", "ss")))
}

// endings of English, German and French words that change with number, case and tense, the longest first, and what takes their place.
var endings = []struct{ from, to string }{
	{"ements", "ement"},
	{"ations", "ation"},
	{"ungen", "ung"},
	{"ings", ""},
	{"ies", "y"},
	{"ing", ""},
	{"sses", "ss"},
	{"ches", "ch"},
	{"shes", "sh"},
	{"xes", "x"},
	{"ern", ""},
	{"ed", ""},
	{"es", ""},
	{"en", ""},
	{"er", ""},
	{"em", ""},
	{"e", ""},
	{"s", ""},
	{"n", ""},
}

// minStemRunes is what an ending leaves of a word at least.
const minStemRunes = 4

// stem takes one ending off. It need not be right, only the same for the forms of one word.
func stem(word string) string {
	for _, e := range endings {
		rest, ok := strings.CutSuffix(word, e.from)
		if ok && utf8.RuneCountInString(rest) >= minStemRunes && !strings.HasSuffix(word, "ss") {
			return rest + e.to
		}
	}
	return word
}

// head cuts a text to at most limit bytes, between characters.
func head(text string, limit int) (string, bool) {
	if len(text) <= limit {
		return text, false
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], true
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func sortedKeys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }

// stopWords say nothing about what a text is about, in English, German and French, after plainLetters; so do words for any document.
var stopWords = setOf(`
	about after all also and any are been before being but can could did does doing each for from further had has have having her
	here hers him his how into its itself just more most not now off once only other our out over own same she should some such
	than that the their them then there these they this those through too under until very was were what when where which while
	who whom why will with would you your may must shall upon per via etc one two three new use used using please dear sincerely
	regards thank thanks yes
	aber alle allem allen aller alles als also am an auch auf aus bei bin bis bist damit dann das dass dem den der des dessen die
	dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es fur gegen hat hatte haben
	hier ich ihr ihre ihrem ihren ihrer ihres im in ist ja jede jedem jeden jeder jedes kann kein keine mein meine mit nach nicht
	noch nun nur ob oder ohne sehr sein seine sich sie sind so uber um und uns unser unsere unter vom von vor wann warum was
	wegen weil welche welcher wenn wer werden wie wieder wir wird wurde zu zum zur zwischen sehr geehrte geehrter herr frau bitte
	danke
	au aux avec ce ces cette cet comme dans de des du elle en est et eux il ils je la le les leur leurs lui ma mais me meme mes
	moi mon ne nos notre nous on ou par pas pour plus qu que qui sa sans se ses son sont sous sur ta te tes toi ton tu un une vos
	votre vous etait ete etre avoir ont merci madame monsieur
	document documents file files paper papers stuff things misc various related kind dokument dokumente datei dateien unterlagen
	fichier fichiers`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
