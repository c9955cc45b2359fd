package extract

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// maxHeaderBytes is how much of a part's header is kept.
const maxHeaderBytes = 1 << 20

// mailLines gives an e-mail part by part: what is read from it ends where a boundary begins.
type mailLines struct {
	in         *bufio.Reader
	boundaries []string // of the parts around what is read, the outermost first
	lineStart  bool
	blank      bool   // the line before is empty
	rest       []byte // of a line that was begun
	err        error  // other than io.EOF
	mailbox    bool   // messages follow each other, each behind a line of mailboxLine
	ended      bool   // the next message begins

	met     int // the boundary that ended what was read, counted from 1; 0 for none
	closing bool
}

// mailboxLine is what stands before each message of a mailbox, behind an empty line.
var mailboxLine = regexp.MustCompile(`^From \S+ .*\d{4}\s*$`)

// newMailLines begins where Detect found the first header: behind a byte order mark and empty lines.
func newMailLines(file io.Reader) *mailLines {
	in := bufio.NewReaderSize(file, 64<<10)
	if mark, _ := in.Peek(len(bomUTF8)); bytes.Equal(mark, bomUTF8) { // what is wrong shows again when it is read
		_, _ = in.Discard(len(bomUTF8))
	}
	for {
		if b, err := in.Peek(1); err != nil || b[0] != '\r' && b[0] != '\n' {
			break
		}
		_, _ = in.Discard(1)
	}
	start, _ := in.Peek(len("From "))
	return &mailLines{in: in, lineStart: true, mailbox: string(start) == "From "}
}

// nextMessage goes to the next message of a mailbox. False: that was the last.
func (l *mailLines) nextMessage() bool {
	more := l.ended
	l.ended, l.met, l.boundaries, l.lineStart = false, 0, nil, true
	return more
}

// next returns a line, or a piece of a long one. io.EOF: the part ends here.
func (l *mailLines) next() ([]byte, error) {
	if l.met > 0 || l.ended {
		return nil, io.EOF
	}
	piece, err := l.in.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
		l.err = err
		return nil, err
	}
	if len(piece) == 0 {
		return nil, io.EOF
	}
	if l.lineStart && bytes.HasPrefix(piece, []byte("--")) && l.isBoundary(string(piece[2:])) {
		return nil, io.EOF
	}
	if l.mailbox && l.lineStart && l.blank && mailboxLine.Match(piece) {
		l.ended = true
		return nil, io.EOF
	}
	l.blank = l.lineStart && len(bytes.TrimRight(piece, "\r\n")) == 0
	l.lineStart = piece[len(piece)-1] == '\n'
	return piece, nil
}

func (l *mailLines) isBoundary(text string) bool {
	text = strings.TrimRight(text, " \t\r\n")
	for i := len(l.boundaries) - 1; i >= 0; i-- {
		if end, found := strings.CutPrefix(text, l.boundaries[i]); found && (end == "" || end == "--") {
			l.met, l.closing = i+1, end != ""
			return true
		}
	}
	return false
}

// Read implements io.Reader.
func (l *mailLines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		var err error
		if l.rest, err = l.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// skip drops what is left of the part.
func (l *mailLines) skip() error {
	l.rest = nil
	for {
		if _, err := l.next(); err != nil {
			return l.err
		}
	}
}

// preamble drops what stands before the first part. It reports whether something was dropped that may be parts of another boundary, for
// none of this one came.
func (l *mailLines) preamble() (strayed bool, err error) {
	for {
		piece, err := l.next()
		if err != nil {
			return strayed && l.met == 0, l.err
		}
		strayed = strayed || len(piece) > 3 && string(piece[:2]) == "--" && piece[2] != ' '
	}
}

// enter lets a boundary end parts, until leave.
func (l *mailLines) enter(boundary string) (leave func()) {
	l.boundaries = append(l.boundaries, boundary)
	return func() { l.boundaries = l.boundaries[:len(l.boundaries)-1] }
}

// nextPart goes to the next part of the innermost boundary. False: that was the last, or a part around it ends too.
func (l *mailLines) nextPart() bool {
	if l.met != len(l.boundaries) {
		return false
	}
	l.met, l.lineStart = 0, true
	return !l.closing
}

// header reads the header of a message or part. Lines that are none are passed over.
func (l *mailLines) header() (mailHeader, error) {
	header, last, size := mailHeader{}, "", 0
	for begun := false; ; {
		piece, err := l.next()
		if err != nil {
			return header, l.err
		}
		continued := begun
		begun = piece[len(piece)-1] != '\n'
		text := strings.TrimRight(string(piece), "\r\n")
		if !continued && text == "" {
			return header, nil
		}
		if size += len(text); size > maxHeaderBytes {
			continue
		}
		if continued || text != "" && (text[0] == ' ' || text[0] == '\t') {
			if last != "" {
				header[last] += text
			}
			continue
		}
		last = header.add(text)
	}
}

// mailHeader holds the first value of each field, by its name in lower case.
type mailHeader map[string]string

// add returns the name under which a continued line belongs, "" for none.
func (h mailHeader) add(text string) string {
	name, value, found := strings.Cut(text, ":")
	name = strings.ToLower(strings.TrimRight(name, " \t"))
	if _, taken := h[name]; !found || name == "" || taken || strings.ContainsAny(name, " \t") {
		return ""
	}
	h[name] = strings.TrimSpace(value)
	return name
}

func (h mailHeader) get(name string) string { return h[strings.ToLower(name)] }

var (
	mailParameter = regexp.MustCompile(
		`(?i)\b(?:(boundary|charset)\s*=\s*(?:"([^"]*)"|([^\s";]+))|(name|filename)\s*=\s*(?:"([^"]*)"|([^";]+)))`)
	// pieceOfName is how RFC 2231 writes a name in pieces and other letters than ASCII's.
	pieceOfName = regexp.MustCompile(`(?i)\b(?:file)?name\*(?:(\d+)(\*)?|)\s*=\s*(?:"([^"]*)"|([^\s";]+))`)
)

// contentType returns the type in lower case and its parameters, of headers too that break the rules.
func (h mailHeader) contentType() (kind string, parameters map[string]string) {
	value := h.get("Content-Type")
	if kind, parameters, err := mime.ParseMediaType(value); err == nil && strings.Contains(kind, "/") {
		return kind, parameters
	}
	kind, _, _ = strings.Cut(value, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if !strings.Contains(kind, "/") {
		kind = "text/plain"
	}
	return kind, looseParameters(value)
}

func looseParameters(value string) map[string]string {
	parameters := map[string]string{}
	for _, match := range mailParameter.FindAllStringSubmatch(value, -1) {
		parameters[strings.ToLower(match[1]+match[4])] = strings.TrimSpace(match[2] + match[3] + match[5] + match[6])
	}
	return parameters
}

// nameInPieces returns the name that a header writes by RFC 2231, "" for none. Package mime knows of its encodings UTF-8 and ASCII alone.
func nameInPieces(value string) string {
	var name []byte
	label := ""
	for i, match := range pieceOfName.FindAllStringSubmatch(value, -1) {
		piece := match[3] + match[4]
		if encoded := match[1] == "" || match[2] != ""; encoded {
			if parts := strings.SplitN(piece, "'", 3); i == 0 && len(parts) == 3 {
				label, piece = parts[0], parts[2]
			}
			if plain, err := url.PathUnescape(piece); err == nil {
				piece = plain
			}
		}
		name = append(name, piece...)
	}
	decoded, err := io.ReadAll(labelled(bytes.NewReader(name), label))
	if err != nil {
		return ""
	}
	return string(decoded)
}

// shown reports whether a part is there for another that shows it, such as the images of an HTML text.
func (h mailHeader) shown() bool { return h.get("Content-ID") != "" || h.get("Content-Location") != "" }

func (h mailHeader) attached() bool {
	return strings.HasPrefix(strings.ToLower(h.get("Content-Disposition")), "attachment")
}

// fileName returns the name under which a part is to be saved, "" for none.
func (h mailHeader) fileName(ofType map[string]string) string {
	disposition := h.get("Content-Disposition")
	_, parameters, err := mime.ParseMediaType(disposition)
	if err != nil {
		parameters = looseParameters(disposition)
	}
	name := cmp.Or(
		nameInPieces(disposition), decodeHeader(parameters["filename"]),
		nameInPieces(h.get("Content-Type")), decodeHeader(ofType["name"]),
	)
	if name = strings.TrimSpace(name); name == "" {
		return ""
	}
	return path.Base(strings.ReplaceAll(name, `\`, "/"))
}
