package document

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxNameBytes is what file systems take.
	maxNameBytes = 255
	// unnamed is the name of a file whose own name comes to nothing.
	unnamed = "unnamed"
)

// StoredName is the name that a document keeps: the last element of the path, control characters removed, at most 255 bytes.
func StoredName(sent string) string {
	name := sent[strings.LastIndexAny(sent, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
	name = cutBytes(name, maxNameBytes)
	if strings.Trim(name, ". ") == "" {
		return unnamed
	}
	return name
}

// cutBytes shortens s to at most n bytes without splitting a rune.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
