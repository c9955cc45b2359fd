package extract

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
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
	rest       []byte // of a line that was begun
	err        error  // other than io.EOF

	met     int // the boundary that ended what was read, counted from 1; 0 for none
	closing bool
}

// next returns a line, or a piece of a long one. io.EOF: the part ends here.
func (l *mailLines) next() ([]byte, error) {
	if l.met > 0 {
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

var mailParameter = regexp.MustCompile(`(?i)\b(boundary|charset|name|filename)\s*=\s*(?:"([^"]*)"|([^\s";]+))`)

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
		parameters[strings.ToLower(match[1])] = match[2] + match[3]
	}
	return parameters
}

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
	name := parameters["filename"]
	if name == "" {
		name = ofType["name"]
	}
	if name = strings.TrimSpace(decodeHeader(name)); name == "" {
		return ""
	}
	return path.Base(strings.ReplaceAll(name, `\`, "/"))
}
