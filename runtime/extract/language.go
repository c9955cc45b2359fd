package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/abadojack/whatlanggo"
)

const (
	// judgedBytes is how much of a text its language is told from: more does not make it surer.
	judgedBytes = 16 << 10
	// sureEnough is the confidence, from 0 to 1, beyond which a language counts; of shortText letters or more, sureOfLong. Tried on
	// sentences of invoices and letters in ten languages: few words and figures make bad guesses, neighbours (Spanish and Portuguese,
	// Danish and Norwegian) low confidence even where the guess is good.
	sureEnough = 0.5
	sureOfLong = 0.1
	shortText  = 200
)

// language tells the language of a text, as ISO 639-1; empty when unsure, or where the language has no such code.
func language(pages []string) string {
	var text strings.Builder
	for _, page := range pages {
		page, _ = truncate(page, judgedBytes-text.Len())
		text.WriteString(page)
		text.WriteByte('\n')
		if text.Len() >= judgedBytes {
			break
		}
	}
	if !utf8.ValidString(text.String()) {
		return ""
	}
	guess := whatlanggo.Detect(text.String())
	needed := sureEnough
	if letters(text.String()) >= shortText {
		needed = sureOfLong
	}
	if guess.Confidence < needed {
		return ""
	}
	return guess.Lang.Iso6391()
}

func letters(text string) (n int) {
	for _, r := range text {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}
