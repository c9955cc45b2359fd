package extract

import (
	"bytes"
	"unicode/utf8"
)

// Charset names the encoding of a text file as reading it takes it, from its beginning, so that browsers show what search finds.
func Charset(beginning []byte) string {
	switch {
	case bytes.HasPrefix(beginning, bomUTF16LE), bytes.HasPrefix(beginning, bomUTF16BE):
		return "utf-16"
	case utf8.Valid(withoutCutRune(beginning)):
		return "utf-8"
	}
	if declared, name := declaredEncoding(beginning); declared != nil {
		return name
	}
	return "windows-1252"
}
