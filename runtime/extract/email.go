package extract

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"mime"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/transform"
)

// readEmail reads an e-mail as one page: who wrote to whom about what, the text, and the names of what is attached. Of a mailbox it reads
// every e-mail so, one behind the other. Of alternatives the plain text is read, or the HTML where that says much more.
func readEmail(_ context.Context, file *os.File, r request) (Result, error) {
	m := &email{lines: newMailLines(file), limits: r.Limits, parts: r.Limits.MaxEntries}
	out := &pages{room: r.Limits.MaxTextBytes}
	for more := true; more && !out.full(); more = m.lines.nextMessage() {
		m.attached = nil
		if err := m.message(out, 0); err != nil {
			return Result{}, whyBroken(err)
		}
		out.separate(blankLine)
		for _, name := range m.attached {
			out.words("Attachment: " + name)
			out.separate(line)
		}
		out.separate(blankLine)
	}
	return out.result(), nil
}

// shownHeaders are shown in this order.
var shownHeaders = []string{"Subject", "From", "To", "Cc", "Date"}

// email reads the parts of a message, which follow each other line by line.
type email struct {
	lines    *mailLines
	limits   Limits
	parts    int // that may still come
	attached []string
}

// format is what was read of a part.
type format int

const (
	formatNone format = iota
	formatHTML
	formatPlain
)

// muchMore is how many times as long as the plain text the HTML is that it is read instead of: the plain text says then, mostly, that the
// reader's program cannot show HTML.
const muchMore = 3

// message reads a message: the one that the file is, or one within.
func (m *email) message(out *pages, depth int) error {
	header, err := m.lines.header()
	if err != nil {
		return err
	}
	for _, name := range shownHeaders {
		if value := header.get(name); value != "" {
			out.words(name + ": " + decodeHeader(value))
			out.separate(line)
		}
	}
	out.separate(blankLine)
	_, err = m.part(header, out, depth)
	return err
}

// part reads the part behind a header, to its end.
func (m *email) part(header mailHeader, out *pages, depth int) (format, error) {
	if m.parts--; m.parts < 0 {
		return formatNone, tooLarge("The e-mail has more than %d parts.", m.limits.MaxEntries)
	}
	if depth >= m.limits.MaxDepth {
		return formatNone, tooLarge("The e-mail nests more than %d parts in each other.", m.limits.MaxDepth)
	}
	kind, parameters := header.contentType()
	name := header.fileName(parameters)
	if strings.HasPrefix(kind, "multipart/") && parameters["boundary"] != "" {
		return m.multipart(kind, parameters["boundary"], out, depth)
	}
	if name != "" {
		m.attached = append(m.attached, name)
	}
	switch {
	case kind == "message/rfc822":
		return formatPlain, m.message(out, depth+1)
	case !header.attached() && (kind == "text/plain" || kind == "text/html"):
		return m.text(header, kind, parameters["charset"], out)
	case name == "" && !header.shown():
		m.attached = append(m.attached, "unnamed ("+kind+")")
	}
	return formatNone, m.lines.skip()
}

// text reads a text. One that is badly encoded ends early, and the next parts are read.
func (m *email) text(header mailHeader, kind, label string, out *pages) (found format, err error) {
	content := decodeTransfer(m.lines, header.get("Content-Transfer-Encoding"))
	before := out.page.Len()
	if kind == "text/html" {
		found, err = formatHTML, writeHTML(content, label, m.limits, out)
	} else {
		found, err = formatPlain, writeLines(labelled(content, label), out)
	}
	switch {
	case m.lines.err != nil:
		return formatNone, m.lines.err
	case err != nil:
		out.lost = true
	}
	if out.page.Len() == before {
		found = formatNone
	}
	out.separate(blankLine)
	return found, m.lines.skip()
}

// writeLines writes a text as it is.
func writeLines(r io.Reader, out *pages) error {
	text, err := io.ReadAll(io.LimitReader(r, int64(out.room)+1))
	if len(bytes.TrimSpace(text)) > 0 {
		out.write(strings.Trim(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"))
	}
	return err
}

// multipart reads the parts up to the last boundary, and drops what is behind that.
func (m *email) multipart(kind, boundary string, out *pages, depth int) (format, error) {
	best := formatNone
	var alternatives [formatPlain + 1]*pages
	leave := m.lines.enter(boundary)
	strayed, err := m.lines.preamble()
	if err != nil {
		return best, err
	}
	out.lost = out.lost || strayed
	for m.lines.nextPart() && !out.full() {
		header, err := m.lines.header()
		if err != nil {
			return best, err
		}
		if kind != "multipart/alternative" {
			found, err := m.part(header, out, depth+1)
			if err != nil {
				return best, err
			}
			best = max(best, found)
			continue
		}
		one := &pages{room: out.room}
		found, err := m.part(header, one, depth+1)
		if err != nil {
			return best, err
		}
		if alternatives[found] == nil {
			alternatives[found] = one
		}
	}
	leave()
	if chosen := choose(alternatives[formatPlain], alternatives[formatHTML]); chosen != formatNone {
		one := alternatives[chosen]
		best, out.lost = chosen, out.lost || one.lost || one.truncated
		out.write(one.page.String())
	}
	out.separate(blankLine)
	return best, m.lines.skip()
}

// choose decides between the alternatives there are.
func choose(plain, html *pages) format {
	switch {
	case plain == nil && html == nil:
		return formatNone
	case plain == nil, html != nil && html.page.Len() > muchMore*plain.page.Len():
		return formatHTML
	}
	return formatPlain
}

// decodeTransfer undoes how a part was made fit to travel.
func decodeTransfer(r io.Reader, encoding string) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return transform.NewReader(r, quotedPrintable{})
	}
	return r
}

// quotedPrintable decodes what follows the rules and leaves the rest as it is, where mime/quotedprintable gives up.
type quotedPrintable struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (quotedPrintable) Transform(dst, src []byte, atEOF bool) (written, read int, err error) {
	for read < len(src) {
		b, size := src[read], 1
		if b == '=' {
			if !atEOF && len(src) < read+3 {
				return written, read, transform.ErrShortSrc
			}
			var broken bool
			if b, size, broken = decodeQuoted(src[read:]); broken { // the line goes on behind its end
				read += size
				continue
			}
		}
		if written == len(dst) {
			return written, read, transform.ErrShortDst
		}
		dst[written] = b
		written++
		read += size
	}
	return written, read, nil
}

// decodeQuoted decodes what begins with an equals sign.
func decodeQuoted(src []byte) (b byte, size int, broken bool) {
	switch {
	case bytes.HasPrefix(src, []byte("=\r\n")):
		return 0, 3, true
	case bytes.HasPrefix(src, []byte("=\n")):
		return 0, 2, true
	case len(src) < 3:
		return '=', 1, false
	}
	code, err := strconv.ParseUint(string(src[1:3]), 16, 8)
	if err != nil {
		return '=', 1, false
	}
	return byte(code), 3, false
}

// latin1Word begins an encoded word whose encoding, as in browsers, is taken for the larger Windows-1252.
var latin1Word = regexp.MustCompile(`(?i)=\?(iso-8859-1|us-ascii)\?`)

var headerDecoder = &mime.WordDecoder{CharsetReader: func(label string, input io.Reader) (io.Reader, error) {
	return labelled(input, label), nil
}}

// decodeHeader decodes the words of a header that are encoded, and leaves alone what cannot be.
func decodeHeader(value string) string {
	value = latin1Word.ReplaceAllString(decodeLoose(value), "=?windows-1252?")
	if decoded, err := headerDecoder.DecodeHeader(value); err == nil {
		return decoded
	}
	return value
}
