package extract_test

import (
	"bytes"
	"fmt"
	"image"
	"strings"
)

// pdf writes a PDF with a text layer, a page for each text, a line for each line.
func pdf(pages ...string) []byte {
	var p pdfWriter
	for _, text := range pages {
		p.page("", lines(text))
	}
	return p.bytes()
}

// lines are a page's content, in Helvetica from the top left corner on.
func lines(text string) string {
	var content strings.Builder
	content.WriteString("BT /F1 12 Tf 14 TL 72 770 Td\n")
	for line := range strings.Lines(text) {
		escaped := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(strings.TrimSuffix(line, "\n"))
		fmt.Fprintf(&content, "(%s) Tj T*\n", escaped)
	}
	content.WriteString("ET")
	return content.String()
}

// halfPage is a small page, and onPaper the content that shows the image I1 on all of it.
const (
	halfPage = "/MediaBox [0 0 300 150]"
	onPaper  = "q 300 0 0 150 0 0 cm /I1 Do Q\n"
)

// pdfWriter writes a PDF. Objects 1 to 3 are the catalog, the pages and the font F1.
type pdfWriter struct {
	objects []string // from 4 on
	pages   []string
	font    string // "" for Helvetica
	form    string // of the catalog
}

// add returns the object's number.
func (p *pdfWriter) add(format string, args ...any) int {
	p.objects = append(p.objects, fmt.Sprintf(format, args...))
	return len(p.objects) + 3
}

func stream(dictionary, content string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dictionary, len(content), content)
}

// page adds a page. Extra stands in its dictionary.
func (p *pdfWriter) page(extra, content string) {
	p.pageWith("", extra, content)
}

func (p *pdfWriter) pageWith(resources, extra, content string) {
	if !strings.Contains(extra, "/MediaBox") {
		extra += " /MediaBox [0 0 595 842]"
	}
	page := p.add("<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> %s >> %s >>",
		len(p.objects)+5, resources, extra)
	p.add("%s", stream("", content))
	p.pages = append(p.pages, fmt.Sprintf("%d 0 R", page))
}

// scan adds a page that shows an image; of eight bits a pixel, or one.
func (p *pdfWriter) scan(shown *image.Gray, bits int, extra, content string) {
	pixels := shown.Pix
	if bits == 1 {
		pixels = oneBit(shown)
	}
	size := shown.Rect.Size()
	number := p.add("%s", stream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent %d",
		size.X, size.Y, bits), string(pixels)))
	p.pageWith(fmt.Sprintf("/XObject << /I1 %d 0 R >>", number), extra, content)
}

func (p *pdfWriter) bytes() []byte {
	font := p.font
	if font == "" {
		font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
	}
	objects := append([]string{
		"<< /Type /Catalog /Pages 2 0 R " + p.form + " >>",
		fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(p.pages, " "), len(p.pages)),
		font,
	}, p.objects...)
	var out bytes.Buffer
	out.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, table)
	return out.Bytes()
}
