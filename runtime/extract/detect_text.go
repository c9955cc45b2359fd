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
	return typeHTML, htmlMagic.Match(head)
}

// A message is known by two headers that only mail programs write, or, where the headers end as they should, by one of them or the
// sender's address, and one more.
var (
	mailOnlyHeaders = map[string]bool{
		"received": true, "return-path": true, "message-id": true, "delivered-to": true, "mime-version": true, "dkim-signature": true,
	}
	mailHeaders   = map[string]bool{"to": true, "cc": true, "subject": true, "date": true, "reply-to": true}
	headerLine    = regexp.MustCompile(`^([^\s:]+)[ \t]*:(.*)`)
	multipartType = regexp.MustCompile(`(?i)^\s*multipart/`)
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
			return typeEML, seen.enough(whole || cut)
		case !seen.add(text):
			return typeEML, seen.enough(false)
		}
		head = rest
	}
}

// mailSigns are what speaks for a message.
type mailSigns struct {
	only, others int // headers
	sender       bool
	memo         bool // Outlook's own headers, which it writes into texts
	begun        bool
}

// enough judges headers that have ended as they should, or not.
func (s *mailSigns) enough(ended bool) bool {
	return s.only > 1 || ended && (s.only > 0 && s.others > 0 || s.sender && !s.memo && s.only+s.others > 0)
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
	case name == "sent":
		s.memo = true
	case name == "content-type" && multipartType.Match(header[2]): // pages too that browsers save
		s.others++
	case mailOnlyHeaders[name]:
		s.only++
	case mailHeaders[name]:
		s.others++
	}
	return true
}

func tellText(head []byte) (Type, bool) {
	if isText(head) {
		return typeText, true
	}
	binary := func(r rune) bool { return r < ' ' && !strings.ContainsRune(textControls, r) }
	return typeOtherText, len(head) > 0 && !bytes.ContainsFunc(head, binary)
}

// textControls are the control characters of texts: white space, the backspace of printers, the escapes and bells of terminals.
const textControls = "\t\n\r\f\v\x1b\b\a"

func isText(head []byte) bool {
	if bytes.HasPrefix(head, bomUTF16LE) || bytes.HasPrefix(head, bomUTF16BE) {
		return printable(decodeUTF16(head))
	}
	head = withoutCutRune(bytes.TrimPrefix(head, bomUTF8))
	return printable(decodeLoose(string(head))) && inUsualEncoding(head)
}

// printable reports whether a text holds next to no control characters that only binary files hold, and not too many NULs: some programs
// leave a few.
func printable(text string) bool {
	nuls, others := 0, 0
	for _, r := range strings.TrimRight(text, "\x1a") { // DOS ended texts with it
		switch {
		case strings.ContainsRune(textControls, r):
		case r == 0:
			nuls++
		case r < ' ' || r == 0x7f:
			others++
		}
	}
	if others > 0 {
		const few = 1000
		return (nuls+others)*few < len(text)
	}
	const most = 4
	return nuls*most < len(text)
}

// inUsualEncoding reports whether bytes are UTF-8 with next to no mistakes, or at most half of them above ASCII, as in every language that
// Windows-1252 is for.
func inUsualEncoding(head []byte) bool {
	high, wrong := 0, 0
	for rest := head; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			wrong++
		}
		if r >= utf8.RuneSelf {
			high += size
		}
		rest = rest[size:]
	}
	return high <= len(head)/2 || wrong <= len(head)/100
}
