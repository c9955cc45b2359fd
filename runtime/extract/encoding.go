package extract

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// peekBytes is how far into a page a browser looks for its encoding.
const peekBytes = 1024

// markedUp decodes HTML: by its byte order mark, the label that comes with it ("" for none), or what it says itself. What says nothing, or
// UTF-8, is UTF-8 with Windows-1252 where it is not valid.
func markedUp(r io.Reader, label string) io.Reader {
	buffered := bufio.NewReaderSize(r, peekBytes)
	start, _ := buffered.Peek(peekBytes) // what is wrong shows again when it is read
	contentType := ""
	if label != "" {
		contentType = "text/html; charset=" + label
	}
	encoding, name, certain := charset.DetermineEncoding(start, contentType)
	if name == "utf-8" || (name == "windows-1252" && !certain) {
		return transform.NewReader(buffered, mostlyUTF8{})
	}
	return transform.NewReader(buffered, encoding.NewDecoder())
}

// labelled decodes text whose encoding has been named, or not ("").
func labelled(r io.Reader, label string) io.Reader {
	if encoding, name := charset.Lookup(label); encoding != nil && name != "utf-8" {
		return transform.NewReader(r, encoding.NewDecoder())
	}
	return transform.NewReader(r, mostlyUTF8{})
}

// decodeLoose decodes text that says nothing about its encoding.
func decodeLoose(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	decoded, _, err := transform.String(mostlyUTF8{}, text)
	if err != nil { // it takes all
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return decoded
}

// mostlyUTF8 leaves valid UTF-8 alone and takes each other byte for Windows-1252: no text of that looks like UTF-8 but by a rare chance.
type mostlyUTF8 struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (mostlyUTF8) Transform(dst, src []byte, atEOF bool) (written, read int, err error) {
	for read < len(src) {
		if !atEOF && !utf8.FullRune(src[read:]) {
			return written, read, transform.ErrShortSrc
		}
		r, size := utf8.DecodeRune(src[read:])
		if r == utf8.RuneError && size <= 1 {
			r = charmap.Windows1252.DecodeByte(src[read])
		}
		if written+utf8.RuneLen(r) > len(dst) {
			return written, read, transform.ErrShortDst
		}
		written += utf8.EncodeRune(dst[written:], r)
		read += size
	}
	return written, read, nil
}
