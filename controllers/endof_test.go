package controllers

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTheEndOfALogFitsACondition(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "",
		"\none\ntwo\x00\n":                   "one two",
		strings.Repeat("x", 20):              strings.Repeat("x", 10),
		"ääääääääää":                         "äääää",
		"aääääääääb":                         "ääääb",
		"\xff" + strings.Repeat("y", 3):      "?yyy",
		strings.Repeat("\xff", 5) + "ending": "?ending",
	} {
		got := endOf(text, 10)
		if got != want || !utf8.ValidString(got) {
			t.Errorf("endOf(%q) = %q, want %q", text, got, want)
		}
	}
}
