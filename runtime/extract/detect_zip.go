package extract

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"regexp"
	"slices"
	"strings"
)

// maxHeadInflated bounds what is inflated to look into the head of an archive: an upload waits for it.
const maxHeadInflated = 4 << 20

// odfTypes are the contents of an OpenDocument's mimetype entry. Templates and master documents are read like what they make.
var odfTypes = map[string]Type{
	odfMIME + "text": typeODT, odfMIME + "text-template": typeODT, odfMIME + "text-master": typeODT,
	odfMIME + "spreadsheet": typeODS, odfMIME + "spreadsheet-template": typeODS,
	odfMIME + "presentation": typeODP, odfMIME + "presentation-template": typeODP,
}

var (
	// ooxmlMain are the content types of the main parts, of templates and documents with macros too.
	ooxmlMain = regexp.MustCompile(
		`(?i)(?:\b(wordprocessing|spreadsheet|presentation)ml\.\w+|\bms-(word|excel|powerpoint)\.\w+\.macroEnabled\w*)\.main\+xml`)
	// ooxmlPart are names of parts as writers that put the content types last have them in front.
	ooxmlPart = regexp.MustCompile(`^(word|xl|ppt)/([\w-]+/)*[\w-]+\.(xml|rels|jpe?g|png|gif|emf|wmf)$`)
	odfEntry  = regexp.MustCompile(`media-type="(application/vnd\.oasis\.opendocument\.[a-z-]+)"`)
)

// ooxmlTypes are keyed by what ooxmlMain and ooxmlPart find.
var ooxmlTypes = map[string]Type{
	"wordprocessing": typeDOCX, "spreadsheet": typeXLSX, "presentation": typePPTX,
	"word": typeDOCX, "excel": typeXLSX, "powerpoint": typePPTX,
	"xl": typeXLSX, "ppt": typePPTX,
}

// zipMagic begins an archive with entries, without any, and in several volumes.
var zipMagic = []string{zipLocalHeader, "PK\x05\x06", zipDescriptor}

// tellZip knows archives, and tells office files by their own entries: an archive that holds an office file is none. The central
// directory would say more, but lies at the end.
func tellZip(head []byte) (Type, bool) {
	head = bytes.TrimPrefix(head, bomUTF8)
	if !slices.ContainsFunc(zipMagic, func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }) {
		return Type{}, false
	}
	h := &zipHead{rest: head, budget: maxHeadInflated}
	for h.next() {
		if t, told := tellEntry(h.name, h.content); told {
			return t, true
		}
	}
	return typeArchive, true
}

// tellEntry tells the type from one entry. No type at all, for good, where the entry names one that cannot be read.
func tellEntry(name string, content []byte) (Type, bool) {
	switch name {
	case "mimetype":
		return odfTypes[strings.TrimSpace(string(content))], true
	case "META-INF/manifest.xml":
		if entry := odfEntry.FindSubmatch(content); entry != nil {
			return odfTypes[string(entry[1])], true
		}
	case "[Content_Types].xml":
		if bytes.Contains(content, []byte(`PartName="/xl/workbook.bin"`)) {
			return typeBinarySheet, true
		}
		if part := ooxmlMain.FindSubmatch(content); part != nil {
			return ooxmlTypes[strings.ToLower(string(part[1])+string(part[2]))], true
		}
	}
	if part := ooxmlPart.FindStringSubmatch(name); part != nil {
		return ooxmlTypes[part[1]], true
	}
	return Type{}, false
}

// zipHead walks the entries of an archive's first bytes by their local headers.
type zipHead struct {
	rest   []byte
	budget int64 // bytes that may still be inflated

	name    string
	content []byte // as much as there is
}

const (
	zipLocalHeader     = "PK\x03\x04"
	zipLocalHeaderSize = 30
	zipDescriptor      = "PK\x07\x08"
	zipSizeBehind      = 1 << 3 // flag: the sizes follow the content
	zipDeflated        = 8
	maxZipDescriptor   = 24 // bytes: what may follow a content, with its signature and long sizes
)

// next goes to the next entry that begins within the head.
func (h *zipHead) next() bool {
	if len(h.rest) < zipLocalHeaderSize || string(h.rest[:4]) != zipLocalHeader {
		return false
	}
	field := func(at int) int { return int(binary.LittleEndian.Uint16(h.rest[at:])) }
	flags, method := field(6), field(8)
	size := int(binary.LittleEndian.Uint32(h.rest[18:]))
	names, extra := field(26), field(28)
	data := zipLocalHeaderSize + names + extra
	if data > len(h.rest) {
		return false
	}
	h.name = string(h.rest[zipLocalHeaderSize : zipLocalHeaderSize+names])
	h.rest = h.rest[data:]
	switch {
	case flags&zipSizeBehind == 0:
		h.content = h.rest[:min(size, len(h.rest))]
		h.rest = h.rest[len(h.content):]
		if method == zipDeflated {
			h.content, _ = h.inflate(h.content)
		}
		return true
	case method == zipDeflated:
		var used int
		h.content, used = h.inflate(h.rest)
		h.rest = h.rest[used:]
	default:
		h.content = h.rest[:storedSize(h.rest)]
		h.rest = h.rest[len(h.content):]
	}
	descriptor := h.rest[:min(len(h.rest), maxZipDescriptor+len(zipLocalHeader))]
	if at := bytes.Index(descriptor, []byte(zipLocalHeader)); at >= 0 {
		h.rest = h.rest[at:]
	}
	return true
}

// storedSize finds the end of a content that is stored as it is by the descriptor behind it, which holds the size.
func storedSize(content []byte) int {
	for at := 0; ; {
		next := bytes.Index(content[at:], []byte(zipDescriptor))
		if next < 0 {
			return len(content)
		}
		at += next
		const sizeAt = 8
		if len(content) >= at+sizeAt+4 && binary.LittleEndian.Uint32(content[at+sizeAt:]) == uint32(at) { //nolint:gosec // within the head
			return at
		}
		at += len(zipDescriptor)
	}
}

// inflate returns what there is of a deflated content, and how long it was.
func (h *zipHead) inflate(body []byte) (content []byte, used int) {
	in := bytes.NewReader(body) // which flate reads byte by byte, no further than to the end
	content, _ = io.ReadAll(io.LimitReader(flate.NewReader(in), h.budget))
	h.budget -= int64(len(content))
	return content, len(body) - in.Len()
}
