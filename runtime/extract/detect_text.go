package extract

import (
	"bytes"
	"unicode/utf8"
)

func tellText(head []byte) (Type, bool) { return typeText, isText(head) }

func isText(head []byte) bool {
	if bytes.HasPrefix(head, bomUTF16LE) || bytes.HasPrefix(head, bomUTF16BE) {
		return printable(decodeUTF16(head))
	}
	head = bytes.TrimPrefix(head, bomUTF8)
	if valid := withoutCutRune(head); utf8.Valid(valid) {
		return printable(string(valid))
	}
	return printable(decodeWindows1252(head)) && mostlyASCII(head)
}

// printable reports whether a text holds no control character that only binary files hold.
func printable(text string) bool {
	for _, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\f' || r == '\v' || r == '\x1b' || r == '\b':
		case r < ' ' || r == 0x7f:
			return false
		}
	}
	return text != ""
}

// mostlyASCII reports whether at most half of the bytes are above ASCII, as in every language that Windows-1252 is for.
func mostlyASCII(head []byte) bool {
	high := 0
	for _, b := range head {
		if b >= utf8.RuneSelf {
			high++
		}
	}
	return high <= len(head)/2
}
