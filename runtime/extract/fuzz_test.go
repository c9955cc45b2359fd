package extract_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// fuzzLimits are small, so that inputs reach them.
var fuzzLimits = extract.Limits{MaxTextBytes: 4096, MaxPages: 20, MaxExpandedBytes: 1 << 20, MaxEntries: 50, MaxDepth: 40}

const (
	ooxml = "application/vnd.openxmlformats-officedocument."
	odfs  = "application/vnd.oasis.opendocument."
)

// tryReading fails when a file ends in anything but a text within the limits or a reason why there never will be one.
func tryReading(t *testing.T, mime string, content []byte) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	result, err := extract.Read(context.Background(), mime, file, fuzzLimits)
	if err != nil {
		if never, ok := errors.AsType[*document.ReadError](err); !ok || never.Detail == "" {
			t.Fatalf("no verdict: %v", err)
		}
		return
	}
	checkResult(t, result)
}

func checkResult(t *testing.T, result extract.Result) {
	t.Helper()
	text := strings.Join(result.Pages, "")
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		t.Errorf("no text: %q", text)
	}
	if len(text) > fuzzLimits.MaxTextBytes || len(result.Pages) > result.PageCount || result.PageCount > fuzzLimits.MaxPages {
		t.Errorf("%d bytes, %d pages of %d", len(text), len(result.Pages), result.PageCount)
	}
}

func FuzzDetect(f *testing.F) {
	f.Add([]byte("text"))
	f.Add(pdf("text"))
	f.Add(richDOCX(f))
	f.Add(pptx(f, 1))
	f.Add(odf(f, "text", odtBody))
	f.Add(ole("Root Entry", "EncryptedPackage"))
	f.Add([]byte(mail("MIME-Version: 1.0\n", "text")))
	f.Add([]byte("<!DOCTYPE html><html>"))
	f.Add([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x28\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, head []byte) {
		kind, err := extract.Detect(head)
		if (err == nil) != (kind.MIME != "" && kind.Kind != "" && kind.Ext != "") {
			t.Errorf("%+v, %v", kind, err)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add([]byte("Gr\xfc\xdfe"))
	f.Add([]byte("\xff\xfeG\x00"))
	f.Add([]byte("\xef\xbb\xbf\x00é"))
	f.Fuzz(func(t *testing.T, content []byte) { tryReading(t, "text/plain", content) })
}

func FuzzHTML(f *testing.F) {
	f.Add([]byte("<!DOCTYPE html><title>T</title><style>x</style><p>a<pre>b\n</pre><table><tr><td>c</table>&eacute;<template><p></template>"))
	f.Add([]byte(`<meta charset=utf-16><script></p></script>`))
	f.Add([]byte("<meta charset=iso-2022-jp>\x1b$B"))
	f.Fuzz(func(t *testing.T, content []byte) { tryReading(t, "text/html", content) })
}

func FuzzRTF(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansi\ansicpg932{\fonttbl{\f1\fcharset128 B;}}\f1 \'93\'fa\u-10179?\u-8704?\par{\footnote n}\trowd a\cell\row}`))
	f.Add([]byte(`{\rtf1{\pict\bin3 }}}}{\*\shppict x}{\*\shpinst{\shptxt y}}\deleted z\deleted0\uc9\u233\'e9}`))
	f.Fuzz(func(t *testing.T, content []byte) { tryReading(t, "application/rtf", content) })
}

func FuzzEmail(f *testing.F) {
	f.Add([]byte(mail("Content-Type: multipart/mixed; boundary=\"outer\"\n", mixedMail)))
	f.Add([]byte(mail("Content-Type: message/rfc822\n", "Content-Type: text/html; charset=x\nContent-Transfer-Encoding: base64\n\nPHA+")))
	f.Fuzz(func(t *testing.T, content []byte) { tryReading(t, "message/rfc822", content) })
}

// FuzzArchive changes the archive itself; the targets below change what is in it, which checksums keep from that.
func FuzzArchive(f *testing.F) {
	f.Add(richDOCX(f))
	f.Add(pptx(f, 2))
	f.Add(xlsx(f, xlsxRows))
	f.Add(odf(f, "text", odtBody, "styles.xml", odtStyles))
	f.Add(encrypted(richDOCX(f)))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, mime := range []string{ooxml + "wordprocessingml.document", ooxml + "spreadsheetml.sheet", ooxml + "presentationml.presentation", odfs + "text"} {
			tryReading(t, mime, content)
		}
	})
}

func FuzzDOCX(f *testing.F) {
	f.Add("<w:document>"+paragraph("a")+"<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl></w:document>", relations("header", "header1.xml"), paragraph("h"))
	f.Fuzz(func(t *testing.T, main, related, header string) {
		tryReading(t, ooxml+"wordprocessingml.document", archive(t, "word/document.xml", main, "word/_rels/document.xml.rels", related, "word/header1.xml", header))
	})
}

func FuzzPPTX(f *testing.F) {
	f.Add(`<p:sldId r:id="rId1"/>`, relations("slide", "slides/slide1.xml"), slide("a", "b"), relations("notesSlide", "slide1.xml"))
	f.Fuzz(func(t *testing.T, main, related, one, notes string) {
		tryReading(t, ooxml+"presentationml.presentation", archive(t, "ppt/presentation.xml", "<p>"+main+"</p>", "ppt/_rels/presentation.xml.rels", related,
			"ppt/slides/slide1.xml", one, "ppt/slides/_rels/slide1.xml.rels", notes))
	})
}

func FuzzXLSX(f *testing.F) {
	f.Add(xlsxRows, "<si><t>a</t></si>", `<numFmt numFmtId="164" formatCode="yyyy\[h]&quot;x"/><cellXfs><xf numFmtId="164"/><xf numFmtId="14"/></cellXfs>`)
	f.Add(`<row><c s="1"><v>1e300</v></c><c t="s"><v>-1</v></c><c s="9"><v>NaN</v></c></row>`, "", "")
	f.Fuzz(func(t *testing.T, rows, texts, styles string) {
		tryReading(t, ooxml+"spreadsheetml.sheet", archive(t,
			"xl/workbook.xml", `<workbook><sheet r:id="rId1"/></workbook>`,
			"xl/_rels/workbook.xml.rels", relations("worksheet", "s.xml", "sharedStrings", "t.xml", "styles", "f.xml"),
			"xl/s.xml", "<s>"+rows+"</s>", "xl/t.xml", "<s>"+texts+"</s>", "xl/f.xml", "<s>"+styles+"</s>"))
	})
}

func FuzzODF(f *testing.F) {
	f.Add(odtBody, odtStyles, "")
	f.Add(odsBody, "<x/>", "<encryption-data/>")
	f.Add(odpBody, "<x/>", "<x/>")
	f.Fuzz(func(t *testing.T, body, styles, manifest string) {
		content := archive(t, "content.xml", "<x"+odfXMLNS+">"+body+"</x>", "styles.xml", styles, "META-INF/manifest.xml", manifest)
		for _, kind := range []string{"text", "spreadsheet", "presentation"} {
			tryReading(t, odfs+kind, content)
		}
	})
}

// FuzzPDF reads and draws whatever comes as a PDF. PDFium stands in a sandbox that outlives a file here, though not in a child.
func FuzzPDF(f *testing.F) {
	white := image.NewGray(image.Rect(0, 0, 8, 4))
	form := pdfWriter{form: "/AcroForm << /Fields [6 0 R] >>"}
	form.page("/Annots [6 0 R 7 0 R]", lines("Name:"))
	form.add("<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ada Lovelace) /Rect [72 700 300 720] /P 4 0 R >>")
	form.add("<< /Type /Annot /Subtype /FreeText /Contents (Countess) /DA (/F1 12 Tf) /Rect [72 660 300 680] /F 4 >>")
	for _, content := range [][]byte{
		pdf("text\nof two lines", "and (two) pages"), form.bytes(), scanned(white, 8, "/Rotate 90 "+halfPage, onPaper), scanned(white, 1, halfPage, onPaper),
		testdata(f, "empty-password.pdf"), testdata(f, "empty-password-rc4.pdf"), testdata(f, "needs-password.pdf"), []byte("%PDF-1.4\n"),
	} {
		f.Add(content)
	}
	limits := fuzzLimits
	limits.MemoryBytes = 256 << 20
	var sandbox extract.PDFium
	f.Fuzz(func(t *testing.T, content []byte) {
		result, drawn, err := sandbox.Try(cacheDir(), file(t, content), limits)
		if never, ok := errors.AsType[*document.ReadError](err); err != nil && (!ok || never.Detail == "") {
			t.Fatalf("no verdict: %v", err)
		}
		checkResult(t, result)
		if err == nil && (drawn.Bounds().Empty() || !drawn.Bounds().In(image.Rect(0, 0, 64, 256))) {
			t.Errorf("drawn is %v", drawn.Bounds())
		}
	})
}

func FuzzOLE(f *testing.F) {
	f.Add(ole("Root Entry", "EncryptedPackage"))
	f.Add(bytes.Repeat([]byte("E\x00n\x00c\x00"), 100))
	f.Fuzz(func(t *testing.T, content []byte) { tryReading(t, "application/encrypted", content) })
}
