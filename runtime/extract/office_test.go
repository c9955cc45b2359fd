package extract_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// archive makes a zip file of names and contents.
func archive(t testing.TB, namesAndContents ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for entry := range slices.Chunk(namesAndContents, 2) {
		header := &zip.FileHeader{Name: entry[0], Method: zip.Deflate}
		if entry[0] == "mimetype" {
			header.Method = zip.Store
		}
		content, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := content.Write([]byte(entry[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const relationshipsXMLNS = `xmlns="http://schemas.openxmlformats.org/package/2006/relationships"`

// relations makes a part with relationships rId1, rId2 … of kinds and targets.
func relations(kindsAndTargets ...string) string {
	var out strings.Builder
	out.WriteString("<Relationships " + relationshipsXMLNS + ">")
	i := 0
	for pair := range slices.Chunk(kindsAndTargets, 2) {
		i++
		fmt.Fprintf(&out, `<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s"/>`, i, pair[0], pair[1])
	}
	out.WriteString("</Relationships>")
	return out.String()
}

func contentTypes(main string) string {
	return `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/x.xml" ContentType="application/` + main + `+xml"/></Types>`
}

const wordXMLNS = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"`

func wordPart(name, content string) string {
	return "<w:" + name + wordXMLNS + ">" + content + "</w:" + name + ">"
}

func paragraph(text string) string {
	return `<w:p><w:r><w:t xml:space="preserve">` + text + `</w:t></w:r></w:p>`
}

func docx(t testing.TB, body string, more ...string) []byte {
	t.Helper()
	return archive(t, append([]string{
		"[Content_Types].xml", contentTypes("vnd.openxmlformats-officedocument.wordprocessingml.document.main"),
		"_rels/.rels", relations("officeDocument", "word/document.xml"),
		"word/document.xml", wordPart("document", "<w:body>"+body+"</w:body>"),
	}, more...)...)
}

func richDOCX(t testing.TB) []byte {
	t.Helper()
	body := `<w:p><w:pPr><w:pStyle w:val="Heading1"/><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>Heading</w:t></w:r></w:p>
		<w:p><w:r><w:t>One </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>para</w:t></w:r><w:r><w:t>graph</w:t><w:tab/><w:t>&amp; more</w:t><w:br/><w:t>Line</w:t></w:r>
		<w:r><w:instrText>PAGEREF secret</w:instrText></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>
		<w:p/><w:tbl><w:tblPr/><w:tr><w:tc>` + paragraph("a1") + paragraph("a2") + `</w:tc><w:tc>` + paragraph("b") + `</w:tc></w:tr>
		<w:tr><w:tc>` + paragraph("c") + `</w:tc><w:tc><w:tbl><w:tr><w:tc>` + paragraph("d1") + `</w:tc><w:tc>` + paragraph("d2") + `</w:tc></w:tr></w:tbl><w:p/></w:tc></w:tr></w:tbl>
		<w:p><w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:txbxContent>` + paragraph("Box") + `</w:txbxContent></mc:Choice>
		<mc:Fallback><w:txbxContent>` + paragraph("Box") + `</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>`
	return docx(t, body,
		"word/_rels/document.xml.rels", relations("header", "header1.xml", "header", "header2.xml", "footnotes", "/word/footnotes.xml",
			"footer", "footer1.xml", "comments", "missing.xml", "image", "media/image1.png"),
		"word/header1.xml", wordPart("hdr", paragraph("Letterhead")), "word/header2.xml", wordPart("hdr", paragraph("Letterhead")),
		"word/footnotes.xml", wordPart("footnotes", `<w:footnote w:id="1">`+paragraph("The note")+`</w:footnote>`),
		"word/footer1.xml", wordPart("ftr", paragraph("Bank")),
	)
}

const slideXMLNS = ` xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`

func slide(texts ...string) string {
	var out strings.Builder
	out.WriteString("<p:sld" + slideXMLNS + "><p:cSld><p:spTree>")
	for _, text := range texts {
		out.WriteString(`<p:sp><p:txBody><a:bodyPr/><a:p><a:r><a:t>` + text + `</a:t></a:r></a:p></p:txBody></p:sp>`)
	}
	out.WriteString(`<p:sp><p:txBody><a:p><a:fld type="slidenum"><a:t>7</a:t></a:fld></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>`)
	return out.String()
}

func pptx(t testing.TB, slides int) []byte {
	t.Helper()
	var ids strings.Builder
	entries := []string{"ppt/theme/theme1.xml", "<x/>", "_rels/.rels", relations("officeDocument", "ppt/presentation.xml")}
	targets := make([]string, 0, 2*slides)
	for i := slides; i > 0; i-- { // the order of the files is not that of the show
		targets = append(targets, "slide", fmt.Sprintf("slides/slide%d.xml", i))
		entries = append(entries, fmt.Sprintf("ppt/slides/slide%d.xml", i), slide(fmt.Sprintf("Title %d", i), "Text"))
		fmt.Fprintf(&ids, `<p:sldId id="%d" r:id="rId%d"/>`, 255+i, slides+1-i)
	}
	entries = append(entries,
		"ppt/presentation.xml", "<p:presentation"+slideXMLNS+"><p:sldIdLst>"+ids.String()+"</p:sldIdLst></p:presentation>",
		"ppt/_rels/presentation.xml.rels", relations(targets...),
		"ppt/slides/_rels/slide1.xml.rels", relations("notesSlide", "../notesSlides/notesSlide1.xml", "image", "../media/image1.png"),
		"ppt/notesSlides/notesSlide1.xml", slide("Say this"),
		"[Content_Types].xml", contentTypes("vnd.openxmlformats-officedocument.presentationml.presentation.main"))
	return archive(t, entries...)
}

func xlsx(t testing.TB, rows string) []byte {
	t.Helper()
	const xmlns = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	return archive(t,
		"[Content_Types].xml", contentTypes("vnd.openxmlformats-officedocument.spreadsheetml.sheet.main"),
		"_rels/.rels", relations("officeDocument", "/xl/workbook.xml"),
		"xl/workbook.xml", "<workbook"+xmlns+`><workbookPr/><sheets><sheet name="Second" sheetId="2" r:id="rId2"/><sheet name="First" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml", "worksheet", "worksheets/sheet2.xml", "sharedStrings", "sharedStrings.xml", "styles", "styles.xml"),
		"xl/sharedStrings.xml", "<sst"+xmlns+`><si><t>Na</t><r><t>me</t></r><rPh><t>x</t></rPh></si><si><t xml:space="preserve">two
lines</t></si></sst>`,
		"xl/styles.xml", "<styleSheet"+xmlns+`><numFmts><numFmt numFmtId="164" formatCode="dd\.mm\.yyyy hh:mm"/><numFmt numFmtId="165" formatCode="&quot;day&quot; 0.00"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="21"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml", "<worksheet"+xmlns+"><sheetData>"+rows+"</sheetData><headerFooter><oddHeader>&amp;CPage</oddHeader></headerFooter></worksheet>",
		"xl/worksheets/sheet2.xml", "<worksheet"+xmlns+`><sheetData><row><c t="inlineStr"><is><t>Other sheet</t></is></c></row></sheetData></worksheet>`,
	)
}

const xlsxRows = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"/><c r="C1" t="s"><v>1</v></c><c r="D1" t="s"><v>99</v></c></row>
<row r="2"><c s="1"><v>45382</v></c><c s="2"><v>45382.5</v></c><c s="3"><v>0.25</v></c><c s="4"><v>0.30000000000000004</v></c><c><v>12345678</v></c></row>
<row r="3"><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c><c t="str"><f>A1&amp;"secret"</f><v>made</v></c><c><v>1e3</v></c></row>`

const odfXMLNS = ` xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"`

func odf(t testing.TB, kind, body string, more ...string) []byte {
	t.Helper()
	return archive(t, append([]string{
		"mimetype", "application/vnd.oasis.opendocument." + kind,
		"content.xml", "<office:document-content" + odfXMLNS + "><office:body>" + body + "</office:body></office:document-content>",
	}, more...)...)
}

const odtBody = `<office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>no text
<text:h>Heading</text:h><text:p>One  <text:span>para</text:span>graph<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>The note</text:p></text:note-body></text:note>
 goes<text:s text:c="3"/>on<office:annotation><dc:creator>Someone</dc:creator><text:p>A comment</text:p></office:annotation>.<text:tab/>Tab<text:line-break/>Line</text:p>
<table:table><table:table-row><table:table-cell><text:p>a1</text:p><text:p>a2</text:p></table:table-cell><table:covered-table-cell/><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell><text:p>c</text:p></table:table-cell></table:table-row></table:table></office:text>`

const odtStyles = "<office:document-styles" + odfXMLNS + `><office:master-styles><style:master-page><style:header><text:p>Letterhead</text:p></style:header><style:header-left><text:p>Letterhead</text:p></style:header-left>
<style:footer><text:p>Bank <text:page-number>1</text:page-number></text:p></style:footer></style:master-page></office:master-styles></office:document-styles>`

const odsBody = `<office:spreadsheet><table:content-validations><table:error-message><text:p>gone</text:p></table:error-message></table:content-validations><table:table><table:table-row><table:table-cell><text:p>ID</text:p></table:table-cell><table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
<table:table-row table:number-rows-repeated="2"><table:table-cell><text:p>1</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="1048576"><table:table-cell/></table:table-row></table:table>
<table:table><table:table-row><table:table-cell><office:annotation><text:p>A comment</text:p></office:annotation><text:p>Other sheet</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>`

const odpBody = `<office:presentation><draw:page><draw:frame><draw:text-box><text:p>Title</text:p><text:p><text:page-number>&lt;n&gt;</text:page-number></text:p></draw:text-box></draw:frame>
<presentation:notes><draw:frame><draw:text-box><text:p>Say this</text:p></draw:text-box></draw:frame></presentation:notes></draw:page><draw:page/></office:presentation>`

func TestOfficeFiles(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{})
	for name, c := range map[string]struct {
		content []byte
		mime    string
		want    []string
	}{
		"docx": {
			richDOCX(t), "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			[]string{"Letterhead\n\nHeading\nOne paragraph\t& more\nLine\na1 a2\tb\nc\td1 d2\nBox\n\nThe note\n\nBank"},
		},
		"pptx": {
			pptx(t, 2), "application/vnd.openxmlformats-officedocument.presentationml.presentation",
			[]string{"Title 2\nText", "Title 1\nText\n\nSay this"},
		},
		"xlsx": {
			xlsx(t, xlsxRows), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			[]string{"Other sheet", "Name\ttwo lines\n2024-03-31\t2024-03-31 12:00:00\t06:00:00\t0.3\t12345678\nTRUE\t#N/A\tmade\t1000"},
		},
		"odt": {
			odf(t, "text", odtBody, "styles.xml", odtStyles), "application/vnd.oasis.opendocument.text",
			[]string{"Letterhead\n\nHeading\nOne paragraph goes on.\tTab\nLine\na1 a2\tb\nc\n\nThe note\nA comment\n\nBank"},
		},
		"ods": {
			odf(t, "spreadsheet", odsBody), "application/vnd.oasis.opendocument.spreadsheet",
			[]string{"ID\tx\tx\n1\n1", "Other sheet\n\nA comment"},
		},
		"odp": {
			odf(t, "presentation", odpBody), "application/vnd.oasis.opendocument.presentation",
			[]string{"Title\n\nSay this", ""},
		},
	} {
		kind, err := extract.Detect(c.content)
		if err != nil || kind.MIME != c.mime || kind.Kind != document.KindOffice || kind.Ext != "."+name {
			t.Errorf("%s: %+v, %v", name, kind, err)
		}
		result, err := read(t, e, c.content)
		if err != nil || !slices.Equal(result.Pages, c.want) || result.PageCount != len(c.want) || result.Truncated {
			t.Errorf("%s: %d pages, truncated %v, %v\n%q, want\n%q", name, result.PageCount, result.Truncated, err, result.Pages, c.want)
		}
	}
}

// TestOfficeFilesOfManyHands has what other programs than ours would think of writing, each with the text that people see.
func TestOfficeFilesOfManyHands(t *testing.T) {
	t.Parallel()
	field := func(kind string) string { return `<w:r><w:fldChar w:fldCharType="` + kind + `"/></w:r>` }
	run := func(text string) string { return `<w:r><w:t xml:space="preserve">` + text + `</w:t></w:r>` }
	comments := `<comments><commentList><comment><text><r><t>Anna:</t></r><r><t xml:space="preserve">
Please check</t></r></text></comment><comment><text><t>[Threaded comment]

Your version</t></text></comment></commentList></comments>`
	chart := `<c:chartSpace` + slideXMLNS + ` xmlns:c="c"><c:title><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:title><c:cat><c:strRef><c:strCache><c:pt><c:v>North</c:v></c:pt><c:pt><c:v>South</c:v></c:pt></c:strCache></c:strRef></c:cat>
<c:cat><c:strRef><c:strCache><c:pt><c:v>North</c:v></c:pt></c:strCache></c:strRef></c:cat><c:val><c:numCache><c:pt><c:v>1234</c:v></c:pt></c:numCache></c:val></c:chartSpace>`
	for name, c := range map[string]struct {
		content []byte
		want    []string
	}{
		"docx, a field in a field's instruction": {docx(t, "<w:p>"+field("begin")+`<w:r><w:instrText> IF </w:instrText></w:r>`+field("begin")+field("separate")+run("m")+field("end")+
			field("separate")+run("Dear Sir")+field("end")+"</w:p><w:p>"+field("begin")+"</w:p>"+paragraph("Text")), []string{"Dear Sir\nText"}},
		"docx, a box behind a word": {docx(t, "<w:p>"+run("Hello")+"<w:r><w:txbxContent>"+paragraph("Box")+"</w:txbxContent></w:r></w:p>"), []string{"Hello\nBox"}},
		"docx, symbols":             {docx(t, `<w:p>`+run("10 ")+`<w:r><w:sym w:font="Symbol" w:char="F06D"/></w:r>`+run("m ")+`<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r></w:p>`), []string{"10 μm ☑"}},
		"docx, a fraction":          {docx(t, `<w:p><m:f xmlns:m="m"><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></w:p>`), []string{"1/2"}},
		"docx of HTML": {docx(t, `<w:altChunk/>`, "word/_rels/document.xml.rels", relations("aFChunk", "chunk.html", "aFChunk", "chunk.mht"),
			"word/chunk.html", "<html><p>In HTML", "word/chunk.mht", "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\nContent-Type: text/html\n\n<p>Within\n--x--"), []string{"In HTML\n\nWithin"}},
		"docx, a chart": {docx(t, paragraph("Text"), "word/_rels/document.xml.rels", relations("chart", "charts/chart1.xml"), "word/charts/chart1.xml", chart), []string{"Text\n\nSales\nNorth\nSouth"}},
		"pptx, comments": {pptxWith(t, relations("comments", "../comments/comment1.xml"), "ppt/comments/comment1.xml",
			`<p:cmLst`+slideXMLNS+`><p:cm><p:text>Check figures</p:text></p:cm><p:cm><p:txBody><a:p><a:r><a:t>And dates</a:t></a:r></a:p></p:txBody></p:cm></p:cmLst>`), []string{"Title\n\nCheck figures\nAnd dates"}},
		"xlsx, formats": {
			xlsxWith(t, `<numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/><numFmt numFmtId="165" formatCode="00000"/><numFmt numFmtId="166" formatCode="mmmm"/><numFmt numFmtId="167" formatCode="0.0%"/></numFmts>
<cellXfs><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="9"/><xf numFmtId="46"/><xf numFmtId="167"/></cellXfs><dxfs><dxf><numFmt numFmtId="14" formatCode="0.00%"/></dxf></dxfs>`,
				`<row><c s="0"><v>45382</v></c><c s="1"><v>1.5625</v></c><c s="2"><v>1067</v></c><c s="3"><v>45292</v></c><c s="4"><v>0.07</v></c><c s="5"><v>1.5</v></c><c s="6"><v>-0.125</v></c></row>`),
			[]string{"2024-03-31\t37:30\t01067\t2024-01-01\t7%\t36:00:00\t-12.5%"},
		},
		"xlsx, notes": {
			xlsxWith(t, "", `<row><c t="str"><v>Street 1_x000D_ City</v></c></row>`, "xl/worksheets/_rels/sheet1.xml.rels",
				relations("comments", "../comments1.xml", "threadedComment", "../threadedComments/threadedComment1.xml"),
				"xl/comments1.xml", comments, "xl/threadedComments/threadedComment1.xml", "<ThreadedComments><threadedComment><text>Is it so?</text></threadedComment></ThreadedComments>"),
			[]string{"Street 1 City\n\nAnna:\nPlease check\nIs it so?"},
		},
		"odt, a box, an image, a comment": {
			odf(t, "text", `<office:text><text:p>Hello<draw:frame><draw:text-box><text:p>Box <text:title>Title</text:title></text:p></draw:text-box></draw:frame></text:p>
<text:p>A<draw:frame><draw:image/><svg:title xmlns:svg="svg">Logo</svg:title></draw:frame> b<office:annotation><dc:creator>X</dc:creator><loext:sender-initials xmlns:loext="l">BJ</loext:sender-initials><text:p>Recheck</text:p></office:annotation></text:p></office:text>`),
			[]string{"Hello\nBox Title\nA b\n\nRecheck"},
		},
		"ods, what is kept of others": {odf(t, "spreadsheet", `<office:spreadsheet><table:table><table:table-row><table:table-cell><text:p>1</text:p></table:table-cell></table:table-row></table:table>
<table:table table:style-name="ta_extref"><table:table-row><table:table-cell><text:p>2</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>`), []string{"1"}},
	} {
		result, err := read(t, newExtractor(t, extract.Limits{}), c.content)
		if err != nil || !slices.Equal(result.Pages, c.want) || result.Truncated {
			t.Errorf("%s: truncated %v, %v\n%q, want\n%q", name, result.Truncated, err, result.Pages, c.want)
		}
	}
}

// pptxWith is a presentation of one slide with relations of its own.
func pptxWith(t testing.TB, relationships string, more ...string) []byte {
	t.Helper()
	return archive(t, append([]string{
		"[Content_Types].xml", contentTypes("vnd.openxmlformats-officedocument.presentationml.presentation.main"),
		"_rels/.rels", relations("officeDocument", "ppt/presentation.xml"),
		"ppt/presentation.xml", "<p:presentation" + slideXMLNS + `><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>`,
		"ppt/_rels/presentation.xml.rels", relations("slide", "slides/slide1.xml"),
		"ppt/slides/slide1.xml", slide("Title"), "ppt/slides/_rels/slide1.xml.rels", relationships,
	}, more...)...)
}

// xlsxWith is a workbook of one sheet, with styles.
func xlsxWith(t testing.TB, styles, rows string, more ...string) []byte {
	t.Helper()
	const xmlns = ` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	return archive(t, append([]string{
		"[Content_Types].xml", contentTypes("vnd.openxmlformats-officedocument.spreadsheetml.sheet.main"),
		"_rels/.rels", relations("officeDocument", "xl/workbook.xml"),
		"xl/workbook.xml", "<workbook" + xmlns + `><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml", "styles", "styles.xml"),
		"xl/styles.xml", "<styleSheet>" + styles + "</styleSheet>",
		"xl/worksheets/sheet1.xml", "<worksheet><sheetData>" + rows + "</sheetData></worksheet>",
	}, more...)...)
}
