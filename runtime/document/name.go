package document

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxNameBytes is what file systems take; of these, so much is an extension that a longer name keeps.
	maxNameBytes      = 255
	maxExtensionBytes = 16
	// unnamed is the name of a file whose own name comes to nothing.
	unnamed = "unnamed"
)

// StoredName is the name that a document keeps: the last element of the path, control characters removed, at most 255 bytes, its
// extension among them.
func StoredName(sent string) string {
	name := sent[strings.LastIndexAny(sent, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
	if len(name) > maxNameBytes {
		extension := path.Ext(name)
		if len(extension) > maxExtensionBytes {
			extension = ""
		}
		name = cutBytes(name, maxNameBytes-len(extension)) + extension
	}
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
