package extract

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/docvault/docvault/runtime/document"
)

// readRTF reads the text of an RTF file as one page. Footnotes, comments, headers and footers follow the text.
func readRTF(_ context.Context, file *os.File, r request) (Result, error) {
	p := &rtfParser{
		in: bufio.NewReaderSize(file, 64<<10), limits: r.Limits, base: charmap.Windows1252, fonts: map[int]encoding.Encoding{},
		notes: &pages{room: r.Limits.MaxTextBytes},
	}
	out := &pages{room: r.Limits.MaxTextBytes}
	p.group = rtfGroup{out: out, fallback: 1}
	err := p.parse()
	switch {
	case errors.Is(err, io.EOF):
		out.truncated = true // it should have ended with its first group
	case err != nil:
		return Result{}, whyBroken(err)
	}
	out.separate(blankLine)
	out.write(p.notes.page.String())
	out.truncated = out.truncated || p.notes.truncated
	if out.truncated && out.page.Len() == 0 {
		return Result{}, &document.ReadError{
			Code: document.CodeMalformed, Detail: "The file begins like RTF but is damaged. Save it again in the program that made it.",
		}
	}
	return out.result(), nil
}

// rtfGroup is what braces keep together: at its end, what was before counts again.
type rtfGroup struct {
	out       *pages
	leftOut   bool
	deleted   bool
	optional  bool // the next word names what may be left out by who does not know it
	fontTable bool
	font      int
	fallback  int // characters behind a \u for readers that do not know it
	encoding  encoding.Encoding
}

func (g *rtfGroup) reads() bool { return !g.leftOut && !g.deleted }

type rtfParser struct {
	in     *bufio.Reader
	limits Limits
	notes  *pages

	group  rtfGroup
	groups []rtfGroup // around it

	base  encoding.Encoding // of fonts that name none
	fonts map[int]encoding.Encoding
	usual int // the font where none is said

	waiting bytes.Buffer // bytes in the group's encoding
	skip    int          // characters of a \u's fallback to come
	high    rune         // the first half of a surrogate pair, 0 for none
}

// parse reads to the end of the first group, or until the room is full. io.EOF: the file ended before.
func (p *rtfParser) parse() error {
	for !p.group.out.full() {
		b, err := p.in.ReadByte()
		if err != nil {
			p.flush()
			return err
		}
		switch b {
		case '{':
			err = p.begin()
		case '}':
			if p.end(); len(p.groups) == 0 {
				return nil
			}
		case '\\':
			err = p.control()
		case '\r', '\n':
		default:
			if len(p.groups) > 0 {
				p.character(b)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *rtfParser) begin() error {
	p.flush()
	if len(p.groups) >= p.limits.MaxDepth {
		return tooLarge("The file nests more than %d groups in each other.", p.limits.MaxDepth)
	}
	p.groups = append(p.groups, p.group)
	p.group.optional = false
	p.skip = 0
	return nil
}

func (p *rtfParser) end() {
	p.flush()
	if len(p.groups) == 0 {
		return
	}
	last := p.groups[len(p.groups)-1]
	p.groups = p.groups[:len(p.groups)-1]
	if p.group.out != last.out {
		p.group.out.separate(line)
	}
	p.group = last
	p.skip = 0
}

// character takes a byte of text.
func (p *rtfParser) character(b byte) {
	if p.skip > 0 {
		p.skip--
		return
	}
	if p.group.reads() && b != 0 {
		p.high = 0
		p.waiting.WriteByte(b)
	}
}

// flush writes the bytes that wait: several make one character in some encodings.
func (p *rtfParser) flush() {
	if p.waiting.Len() == 0 {
		return
	}
	using := p.group.encoding
	if using == nil {
		using = p.fonts[p.usual]
	}
	if using == nil {
		using = p.base
	}
	text, err := using.NewDecoder().Bytes(p.waiting.Bytes())
	if err != nil { // decoders replace what they cannot decode
		text = p.waiting.Bytes()
	}
	p.waiting.Reset()
	p.group.out.write(string(text))
}

// write adds text that has no encoding.
func (p *rtfParser) write(text string) {
	p.flush()
	if p.skip > 0 {
		p.skip--
		return
	}
	if p.group.reads() {
		p.group.out.write(text)
	}
}

func (p *rtfParser) separate(s separator) {
	p.flush()
	if p.group.reads() {
		p.group.out.separate(s)
	}
}

// control reads what follows a backslash.
func (p *rtfParser) control() error {
	b, err := p.in.ReadByte()
	if err != nil {
		return err
	}
	switch {
	case isLetter(b):
		return p.word(b)
	case b == '\'':
		digits := make([]byte, 2)
		if _, err := io.ReadFull(p.in, digits); err != nil {
			return io.EOF
		}
		if code, err := strconv.ParseUint(string(digits), 16, 8); err == nil {
			p.character(byte(code))
		}
	case b == '*':
		p.group.optional = true
	case b == '~':
		p.write(" ")
	case b == '_':
		p.write("-")
	case b == '\\', b == '{', b == '}':
		p.character(b)
	case b == '\r', b == '\n':
		p.separate(line)
	}
	return nil
}

// Words and their numbers are no longer than this in any file that is one.
const (
	maxRTFWord   = 32
	maxRTFDigits = 10
)

// word reads a control word with its number, and does what it says.
func (p *rtfParser) word(first byte) error {
	name, err := p.run(maxRTFWord, isLetter)
	if err != nil {
		return err
	}
	begun := false // a hyphen behind the number is text
	digits, err := p.run(maxRTFDigits, func(b byte) bool {
		sign := b == '-' && !begun
		begun = true
		return sign || b >= '0' && b <= '9'
	})
	if err != nil {
		return err
	}
	if next, err := p.in.Peek(1); err == nil && next[0] == ' ' { // it belongs to the word
		if _, err := p.in.Discard(1); err != nil {
			return err
		}
	}
	number, err := strconv.Atoi(digits)
	return p.obey(string(first)+name, number, err == nil)
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// run reads the bytes that are accepted, to a number of them. The end of the file ends it, and shows again.
func (p *rtfParser) run(most int, accept func(byte) bool) (string, error) {
	var found []byte
	for len(found) < most {
		next, err := p.in.Peek(1)
		switch {
		case errors.Is(err, io.EOF):
			return string(found), nil
		case err != nil:
			return "", err
		case !accept(next[0]):
			return string(found), nil
		}
		found = append(found, next[0])
		if _, err := p.in.Discard(1); err != nil {
			return "", err
		}
	}
	return string(found), nil
}

// unicode takes a character by its number, as a signed 16-bit one in most files.
func (p *rtfParser) unicode(number int) {
	r := rune(uint16(number)) //nolint:gosec // negative numbers are meant
	if number > 0xffff && number <= 0x10ffff {
		r = rune(number)
	}
	p.skip = 0
	switch {
	case utf16.IsSurrogate(r) && p.high == 0:
		p.flush()
		p.high = r
	case utf16.IsSurrogate(r):
		p.write(string(utf16.DecodeRune(p.high, r)))
		p.high = 0
	case r != 0:
		p.high = 0
		p.write(string(r))
	}
	p.skip = p.group.fallback
}
