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
	// minPrefixBytes is how much of a word must be there for it to stand for longer ones, too: what begins with a single letter is
	// everything. One character of Chinese is enough.
	minPrefixBytes = 3
)

// term is a word, or several in quotes, that documents shall have, or not have.
type term struct {
	words    string
	phrase   bool
	excluded bool
	starred  bool // stands for all that begins with it
	unended  bool // the last word, that may go on
	begun    int  // how many bytes the last word has, where they are too few to stand for what it may become
}

// parseSearch reads a query as web searches do: words are combined by and, `or` stands between alternatives, quotes hold words
// together, a minus excludes, a star stands for whatever a word goes on to. What makes no sense is passed over. The alternatives that look
// for nothing are left out.
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
		typing := end < 0
		if typing {
			end = len(text)
		}
		t.phrase = true
		t.read(text[:end], typing)
		_, size := utf8.DecodeRuneInString(text[end:])
		return t, text[end+size:]
	}
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || isQuote(r) })
	if end < 0 {
		end = len(text)
	}
	t.read(text[:end], end == len(text))
	return t, text[end:]
}

// read takes the words of a term. typing says that nothing follows, so that the last of them may go on.
func (t *term) read(text string, typing bool) {
	unstarred := strings.TrimRight(text, "*")
	t.words = shortWords(unstarred)
	_, last := splitLast(t.words)
	// Of a word that is all accents nothing is left to begin with.
	long := len(last) >= minPrefixBytes && strings.ContainsFunc(last, isLetterOrNumber)
	if t.starred = long && unstarred != text; t.starred {
		return
	}
	switch {
	case !typing, t.excluded, unstarred != text, strings.TrimRightFunc(text, unicode.IsSpace) != text:
	case last == "": // an address may go on behind a dot
		t.unended = !t.phrase && len(t.words) >= minPrefixBytes
	case long:
		t.unended = true
	default:
		t.begun = len(last)
	}
}

// splitLast parts the word that a text ends with, if it does, from what is before it.
func splitLast(text string) (before, last string) {
	before = strings.TrimRightFunc(text, isWordRune)
	return before, text[len(before):]
}

// Shortened is a query without the one or two letters that its last word begins with: who types would else see nothing between two words.
// It is empty where a query does not end so.
func Shortened(text string) string {
	alternatives := parseSearch(text)
	if len(alternatives) == 0 {
		return ""
	}
	terms := alternatives[len(alternatives)-1]
	begun := terms[len(terms)-1].begun
	if begun == 0 {
		return ""
	}
	text = firstCharacters(text, maxSearchCharacters)
	return text[:len(text)-begun]
}

func isQuote(r rune) bool { return strings.ContainsRune(`"“”„«»`, r) }

func isWordRune(r rune) bool { return isLetterOrNumber(r) || unicode.IsMark(r) }

func isLetterOrNumber(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

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
