package extract_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

func nested(open, end string, times int, inside string) string {
	return strings.Repeat(open, times) + inside + strings.Repeat(end, times)
}

// Each limit of an archive, with a file that exceeds it and one that does not.
func TestLimitsOfArchives(t *testing.T) {
	t.Parallel()
	manyEntries := make([]string, 0, 100)
	for i := range 50 {
		manyEntries = append(manyEntries, "word/media/"+strings.Repeat("x", i), "")
	}
	zeros := docx(t, strings.Repeat(" ", 9<<20))
	deep := docx(t, nested("<w:x>", "</w:x>", 255, paragraph("text")))
	for name, c := range map[string]struct {
		content []byte
		limits  extract.Limits
		code    string
	}{
		"MaxExpandedBytes":            {docx(t, strings.Repeat(paragraph("x"), 100_000)), extract.Limits{MaxExpandedBytes: 1 << 20}, document.CodeTooLargeToRead},
		"MaxExpandedBytes, in all":    {pptx(t, 200), extract.Limits{MaxExpandedBytes: 20_000}, document.CodeTooLargeToRead},
		"MaxExpandedBytes, within":    {pptx(t, 200), extract.Limits{MaxExpandedBytes: 1 << 20}, ""},
		"MaxEntries":                  {docx(t, paragraph("x"), manyEntries...), extract.Limits{MaxEntries: 40}, document.CodeTooLargeToRead},
		"MaxEntries, within":          {docx(t, paragraph("x"), manyEntries...), extract.Limits{MaxEntries: 60}, ""},
		"MaxEntries, of relations":    {docx(t, paragraph("x"), "word/_rels/document.xml.rels", relations(make([]string, 200)...)), extract.Limits{MaxEntries: 60}, document.CodeTooLargeToRead},
		"MaxRatio":                    {zeros, extract.Limits{}, document.CodeTooLargeToRead},
		"MaxRatio, raised":            {zeros, extract.Limits{MaxRatio: 1100}, ""},
		"MaxDepth":                    {deep, extract.Limits{}, document.CodeTooLargeToRead},
		"MaxDepth, raised":            {deep, extract.Limits{MaxDepth: 300}, ""},
		"MaxPages, slides":            {pptx(t, 11), extract.Limits{MaxPages: 10}, document.CodeTooLargeToRead},
		"MaxPages, slides, within":    {pptx(t, 10), extract.Limits{MaxPages: 10}, ""},
		"MaxPages, sheets":            {xlsx(t, ""), extract.Limits{MaxPages: 1}, document.CodeTooLargeToRead},
		"MaxPages, of an ODS":         {odf(t, "spreadsheet", odsBody), extract.Limits{MaxPages: 1}, document.CodeTooLargeToRead},
		"MemoryBytes":                 {docx(t, strings.Repeat(paragraph("x"), 100_000)), extract.Limits{MemoryBytes: 1 << 20}, document.CodeTooLargeToRead},
		"Timeout":                     {docx(t, paragraph("x")), extract.Limits{Timeout: time.Millisecond}, document.CodeTimedOut},
		"endless elements, MaxExpand": {docx(t, strings.Repeat("<w:p>", 1<<20)), extract.Limits{MaxDepth: 10_000, MaxExpandedBytes: 10_000}, document.CodeTooLargeToRead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := read(t, newExtractor(t, c.limits), c.content); code(err) != c.code || (c.code == "") != (err == nil) {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}

// encrypted sets the flag of each local header and directory entry that says so.
func encrypted(content []byte) []byte {
	content = bytes.Clone(content)
	for _, header := range []struct {
		magic string
		flags int
	}{{"PK\x03\x04", 6}, {"PK\x01\x02", 8}} {
		for at := 0; ; at++ {
			next := bytes.Index(content[at:], []byte(header.magic))
			if next < 0 {
				break
			}
			at += next
			content[at+header.flags] |= 1
		}
	}
	return content
}

// lying says in the directory that each entry has one byte.
func lying(content []byte) []byte {
	content = bytes.Clone(content)
	const sizeAt = 24
	for at := 0; ; at++ {
		next := bytes.Index(content[at:], []byte("PK\x01\x02"))
		if next < 0 {
			return content
		}
		at += next
		copy(content[at+sizeAt:], "\x01\x00\x00\x00")
	}
}

func TestBrokenOfficeFiles(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{})
	whole := richDOCX(t)
	flipped := bytes.Clone(whole)
	flipped[bytes.Index(whole, []byte("word/document.xml"))+40] ^= 0xff
	entities := `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	external := `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>`
	manifest := "<manifest:manifest" + odfXMLNS + "><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>"
	for name, c := range map[string]struct {
		content []byte
		code    string
	}{
		"cut in the middle":            {whole[:len(whole)/2], document.CodeMalformed},
		"without its end":              {whole[:len(whole)-30], document.CodeMalformed},
		"flipped bits":                 {flipped, document.CodeMalformed},
		"XML that does not end":        {docx(t, "<w:p><w:r>"), document.CodeMalformed},
		"XML that is none":             {archive(t, "word/document.xml", "\x00\x01\x02"), document.CodeMalformed},
		"a bomb that lies":             {lying(docx(t, strings.Repeat(" ", 64<<20))), document.CodeMalformed},
		"no main part":                 {archive(t, "word/styles.xml", "<x/>"), document.CodeMalformed},
		"main part out of the package": {archive(t, "word/styles.xml", "<x/>", "_rels/.rels", relations("officeDocument", "../../../../etc/passwd")), document.CodeMalformed},
		"entities in entities":         {archive(t, "word/document.xml", entities+`<w:document><w:p><w:t>&b;</w:t></w:p></w:document>`), document.CodeMalformed},
		"entity of a file":             {archive(t, "word/document.xml", external+`<w:document><w:p><w:t>&a;</w:t></w:p></w:document>`), document.CodeMalformed},
		"main part of another name":    {archive(t, "[Content_Types].xml", contentTypes("vnd.openxmlformats-officedocument.wordprocessingml.document.main"), "_rels/.rels", "\xef\xbb\xbf"+relations("officeDocument", "/word/document2.xml"), "word/document2.xml", wordPart("document", paragraph("x"))), ""},
		"encrypted entries":            {encrypted(whole), document.CodePasswordRequired},
		"encrypted ODF":                {odf(t, "text", odtBody, "META-INF/manifest.xml", manifest), document.CodePasswordRequired},
		"ODF without content":          {archive(t, "mimetype", "application/vnd.oasis.opendocument.text", "META-INF/manifest.xml", "<x/>"), document.CodeMalformed},
		"slides that refer to nothing": {archive(t, "ppt/presentation.xml", "<p:presentation"+slideXMLNS+`><p:sldId r:id="rId1"/></p:presentation>`), ""},
		"random bytes behind a header": {append(bytes.Clone(whole[:200]), random(100_000)...), document.CodeMalformed},
	} {
		if _, err := read(t, e, c.content); code(err) != c.code || (c.code == "") != (err == nil) {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}

func random(n int) []byte {
	source := rand.New(rand.NewPCG(1, 2)) // the same in each run
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(source.UintN(256))
	}
	return out
}

// What an archive holds is read by name; archives within are not opened, and what is no office file is refused before it is stored.
func TestArchivesThatAreNoOfficeFiles(t *testing.T) {
	t.Parallel()
	var stored bytes.Buffer
	w := zip.NewWriter(&stored)
	content, err := w.CreateRaw(&zip.FileHeader{Name: "letter.docx", Method: zip.Store, UncompressedSize64: uint64(len(richDOCX(t))), CompressedSize64: uint64(len(richDOCX(t)))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := content.Write(richDOCX(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":             archive(t),
		"a zip of texts":    archive(t, "a.txt", "text", "word/notes.txt", "text"),
		"a zip of a zip":    archive(t, "letter.docx", string(richDOCX(t)), "b.txt", ""),
		"stored in a zip":   stored.Bytes(),
		"an EPUB":           archive(t, "mimetype", "application/epub+zip", "content.xml", "<x/>"),
		"an ODG":            archive(t, "mimetype", "application/vnd.oasis.opendocument.graphics", "content.xml", "<x/>"),
		"a binary workbook": archive(t, "[Content_Types].xml", contentTypes("vnd.ms-excel.sheet.binary.macroEnabled.main")),
		"a PDF in a zip":    archive(t, "mimetype", string(pdf("text"))),
	} {
		if kind, err := extract.Detect(content); err == nil {
			t.Errorf("%s: %+v", name, kind)
		}
	}
}

func ole(streams ...string) []byte {
	out := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 504)...)
	out[30] = 9 // sectors of 512 bytes, of which the directory is the first
	for _, name := range streams {
		entry := make([]byte, 128)
		for i := range name {
			entry[2*i] = name[i]
		}
		out = append(out, entry...)
	}
	return append(out, make([]byte, 4096)...)
}

func TestOldAndLockedOfficeFiles(t *testing.T) {
	t.Parallel()
	locked := ole("Root Entry", "EncryptionInfo", "EncryptedPackage")
	far := ole()
	far[50] = 1 // the directory is far behind
	far = append(far, make([]byte, 2<<20)...)
	e := newExtractor(t, extract.Limits{})
	for name, c := range map[string]struct {
		content []byte
		code    string
	}{
		"locked":                         {locked, document.CodePasswordRequired},
		"locked, a directory at the end": {append(bytes.Clone(far), locked[512:]...), document.CodePasswordRequired},
		"old, a directory at the end":    {append(bytes.Clone(far), ole("Root Entry", "Workbook")[512:]...), document.CodeUnsupported},
	} {
		if _, err := read(t, e, c.content); code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	for name, content := range map[string][]byte{
		"Word": ole("Root Entry", "WordDocument"), "a header alone": []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
		"Word, a directory at the end": append(append(bytes.Clone(far[:512]), "\xec\xa5\xc1\x00"...), far[516:]...),
	} {
		_, err := extract.Detect(content[:min(len(content), extract.HeadBytes)])
		unsupported, ok := errors.AsType[*document.UnsupportedTypeError](err)
		if !ok || !errors.Is(err, document.ErrUnsupportedType) || !strings.Contains(unsupported.Instead, ".docx") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOfficeFilesWithOddOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"a large thumbnail first": {archive(t, "docProps/thumbnail.wmf", string(random(50_000)), "xl/workbook.xml", "<x/>"), ".xlsx"},
		"types last":              {archive(t, "docProps/app.xml", "<x/>", "ppt/slides/slide1.xml", "<x/>"), ".pptx"},
		"types first":             {archive(t, "[Content_Types].xml", contentTypes("vnd.ms-word.document.macroEnabled.main"), "x", ""), ".docx"},
		"a template":              {archive(t, "[Content_Types].xml", contentTypes("vnd.openxmlformats-officedocument.spreadsheetml.template.main")), ".xlsx"},
		"no mimetype": {
			archive(t, "META-INF/manifest.xml", `<m:file-entry m:media-type="application/vnd.oasis.opendocument.presentation" m:full-path="/"/>`), ".odp",
		},
		"mimetype later": {archive(t, "Pictures/a.png", string(random(30_000)), "mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ".ods"},
		"behind a BOM":   {append([]byte("\xef\xbb\xbf"), richDOCX(t)...), ".docx"},
	} {
		kind, err := extract.Detect(c.content[:min(len(c.content), extract.HeadBytes)])
		if err != nil || kind.Ext != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, kind, err, c.want)
		}
	}
}
