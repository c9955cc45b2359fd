package classify

import "unicode/utf8"

// Tokens are estimated, not counted: each model counts in its own way. The estimate is on the safe side: English has about 4 letters a
// token, here 3; figures and signs go one or two a token, other alphabets one to three tokens a character.
const (
	sixths           = 6 // an estimate is summed in sixths of a token
	letterSixths     = 2
	signSixths       = 4
	otherSixths      = 6
	supplementSixths = 18 // beyond the basic plane: emoji and rare characters
)

func sixthsOf(r rune) int {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == ' ':
		return letterSixths
	case r < utf8.RuneSelf:
		return signSixths
	case r <= 0xFFFF:
		return otherSixths
	}
	return supplementSixths
}

// tokens estimates how many tokens a text has, rather too many than too few.
func tokens(text string) int {
	sum := 0
	for _, r := range text {
		sum += sixthsOf(r)
	}
	return (sum + sixths - 1) / sixths
}

// firstTokens cuts a text to at most limit tokens, between characters.
func firstTokens(text string, limit int) (string, bool) {
	sum := 0
	for i, r := range text {
		if sum += sixthsOf(r); sum > limit*sixths {
			return text[:i], true
		}
	}
	return text, false
}

// firstRunes cuts a text to at most limit characters.
func firstRunes(text string, limit int) (string, bool) {
	n := 0
	for i := range text {
		if n++; n > limit {
			return text[:i], true
		}
	}
	return text, false
}
