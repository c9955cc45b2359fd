package extract

import (
	"bufio"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// peekBytes is how far into a page a browser looks for its encoding.
const peekBytes = 1024

// markedUp decodes HTML: by its byte order mark, the label that comes with it ("" for none), or what it says itself. What says nothing,
// UTF-8, or Windows-1252, which browsers take ASCII and Latin-1 for, is UTF-8 with Windows-1252 where it is not valid: many mislabel UTF-8.
func markedUp(r io.Reader, label string) io.Reader {
	buffered := bufio.NewReaderSize(r, peekBytes)
	start, _ := buffered.Peek(peekBytes) // what is wrong shows again when it is read
	contentType := ""
	if label != "" {
		contentType = "text/html; charset=" + label
	}
	found, name, certain := charset.DetermineEncoding(start, contentType)
	if label == "" && !certain {
		if declared, _ := declaredEncoding(start); declared != nil {
			found, name = declared, ""
		}
	}
	if name == "utf-8" || name == "windows-1252" {
		return transform.NewReader(buffered, mostlyUTF8{})
	}
	return transform.NewReader(buffered, found.NewDecoder())
}

// xmlDeclaration is how XML says its encoding.
var xmlDeclaration = regexp.MustCompile(`^\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)["']`)

// declaredEncoding returns what XML declares, nil for nothing and for what mostlyUTF8 decodes.
func declaredEncoding(start []byte) (declared encoding.Encoding, name string) {
	match := xmlDeclaration.FindSubmatch(start[:min(len(start), peekBytes)])
	if match == nil {
		return nil, ""
	}
	declared, name = charset.Lookup(string(match[1]))
	if name == "utf-8" || name == "windows-1252" || strings.HasPrefix(name, "utf-16") { // which it is not, or this could not be read
		return nil, ""
	}
	return declared, name
}

// labelled decodes text whose encoding has been named, or not (""), as markedUp does.
func labelled(r io.Reader, label string) io.Reader {
	if found, name := charset.Lookup(label); found != nil && name != "utf-8" && name != "windows-1252" {
		return transform.NewReader(r, found.NewDecoder())
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
