package extract

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	rtfMagic = regexp.MustCompile(`^\{\\rtf[\d\\]`)
	// htmlMagic is how whole pages begin. Some tags begin a Markdown text, too.
	htmlMagic = regexp.MustCompile(`(?i)^(<!doctype\s+html|<(html|head|body|title|meta)[\s/>])`)
	// beforeHTML may stand in front: spaces, comments, what XML declares.
	beforeHTML = regexp.MustCompile(`(?s)^(\s|<!--.*?-->|<\?xml.*?\?>)+`)
)

func tellRTF(head []byte) (Type, bool) {
	return typeRTF, rtfMagic.Match(bytes.TrimSpace(bytes.TrimPrefix(head, bomUTF8)))
}

func tellHTML(head []byte) (Type, bool) {
	if bytes.HasPrefix(head, bomUTF16LE) || bytes.HasPrefix(head, bomUTF16BE) {
		head = []byte(decodeUTF16(head))
	}
	head = bytes.TrimPrefix(head, bomUTF8)
	head = head[len(beforeHTML.Find(head)):]
	return typeHTML, htmlMagic.Match(head) && bytes.IndexByte(head, 0) < 0
}

// A message is known by two headers that only mail programs write, or by its sender and one more where the headers end as they should.
var (
	mailOnlyHeaders = map[string]bool{
		"received": true, "return-path": true, "message-id": true, "delivered-to": true, "mime-version": true, "dkim-signature": true,
	}
	mailHeaders = map[string]bool{"to": true, "cc": true, "subject": true, "date": true, "reply-to": true}
	headerLine  = regexp.MustCompile(`^([^\s:]+)[ \t]*:(.*)`)
)

func tellEmail(head []byte) (Type, bool) {
	cut := len(head) == HeadBytes
	head = bytes.TrimLeft(bytes.TrimPrefix(head, bomUTF8), "\r\n")
	if at := bytes.IndexByte(head, '\n'); at > 0 && bytes.HasPrefix(head, []byte("From ")) { // as mailboxes have it
		head = head[at+1:]
	}
	var seen mailSigns
	for {
		text, rest, whole := bytes.Cut(head, []byte("\n"))
		text = bytes.TrimRight(text, "\r")
		switch {
		case len(text) == 0, cut && !whole:
			return typeEML, seen.only > 1 || (whole || cut) && seen.sender && seen.only+seen.others > 0
		case !seen.add(text):
			return typeEML, seen.only > 1
		}
		head = rest
	}
}

// mailSigns are what speaks for a message.
type mailSigns struct {
	only, others int // headers
	sender       bool
	begun        bool
}

// add takes a line. False: it is no header.
func (s *mailSigns) add(text []byte) bool {
	header := headerLine.FindSubmatch(text)
	if header == nil {
		return s.begun && (text[0] == ' ' || text[0] == '\t')
	}
	s.begun = true
	name := strings.ToLower(string(header[1]))
	switch {
	case name == "from":
		s.sender = bytes.IndexByte(header[2], '@') >= 0
	case mailOnlyHeaders[name]:
		s.only++
	case mailHeaders[name]:
		s.others++
	}
	return true
}

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
