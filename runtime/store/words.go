package store

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What of a query is read; the rest is passed over.
const (
	maxSearchCharacters = 1_000
	maxSearchTerms      = 32
	// maxWordCharacters keeps a word, in any script and without its accents, below the 2 KiB that Postgres takes for one.
	maxWordCharacters = 100
	// minPrefixBytes is how much of the last word must be there for it to stand for longer ones, too: what begins with a single
	// letter is everything. One character of Chinese is enough.
	minPrefixBytes = 3
)

// term is a word, or several in quotes, that documents shall have, or not have.
type term struct {
	words    string
	phrase   bool
	excluded bool
	unended  bool // the last word, that may go on
}

// parseSearch reads a query as web searches do: words are combined by and, `or` stands between alternatives, quotes hold words
// together, a minus excludes. What makes no sense is passed over. The alternatives that look for nothing are left out.
func parseSearch(text string) (alternatives [][]term) {
	var current []term
	end := func() {
		if looksFor(current) {
			alternatives = append(alternatives, current)
		}
		current = nil
	}
	rest, read := firstCharacters(text, maxSearchCharacters), 0
	for rest != "" && read < maxSearchTerms {
		var t term
		t, rest = nextTerm(rest)
		switch {
		case strings.EqualFold(t.words, "or") && !t.phrase && !t.excluded:
			end()
		case strings.ContainsFunc(t.words, isWordRune):
			current = append(current, t)
			read++
		}
	}
	end()
	return alternatives
}

func looksFor(terms []term) bool {
	for _, t := range terms {
		if !t.excluded {
			return true
		}
	}
	return false
}

func nextTerm(text string) (t term, rest string) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if unsigned, minus := strings.CutPrefix(text, "-"); minus {
		t.excluded, text = true, unsigned
	}
	if first, size := utf8.DecodeRuneInString(text); isQuote(first) {
		text = text[size:]
		end := strings.IndexFunc(text, isQuote)
		if end < 0 { // still being typed
			end = len(text)
		}
		t.phrase = true
		t.words = shortWords(text[:end])
		_, size := utf8.DecodeRuneInString(text[end:])
		return t, text[end+size:]
	}
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || isQuote(r) })
	if end < 0 {
		end = len(text)
	}
	t.words = shortWords(text[:end])
	t.unended = end == len(text) && !t.excluded && len(t.words) >= minPrefixBytes && !strings.ContainsFunc(t.words, notWordRune)
	return t, text[end:]
}

func isQuote(r rune) bool { return strings.ContainsRune(`"“”„«»`, r) }

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

func notWordRune(r rune) bool { return !isWordRune(r) }

func shortWords(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		words[i] = firstCharacters(word, maxWordCharacters)
	}
	return strings.Join(words, " ")
}

func firstCharacters(text string, n int) string {
	for at := range text {
		if n == 0 {
			return text[:at]
		}
		n--
	}
	return text
}

// within reports whether one word becomes the other by at most n typing errors: a letter too many, missing, wrong, or two of them
// exchanged.
func within(n int, a, b string) bool {
	from, to := []rune(a), []rune(b)
	if len(from)-len(to) > n || len(to)-len(from) > n {
		return false
	}
	before, last, row := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := range from {
		row[0] = i + 1
		for j := range to {
			wrong := 1
			if from[i] == to[j] {
				wrong = 0
			}
			row[j+1] = min(last[j]+wrong, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(to)] <= n
}
