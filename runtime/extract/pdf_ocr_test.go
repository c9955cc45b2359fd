package extract_test

import (
	"fmt"
	"image"
	"image/draw"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/extract"
)

// paper puts drawn lines on the upper part of a page that is half as high as it is wide: small, because OCR takes its time.
func paper(t testing.TB, lines ...string) *image.Gray {
	t.Helper()
	page := image.NewGray(image.Rect(0, 0, 1240, 620))
	draw.Draw(page, page.Rect, image.White, image.Point{}, draw.Src)
	text := drawn(t, lines...)
	draw.Draw(page, text.Rect, text, image.Point{}, draw.Src)
	return page
}

// scanned is a PDF of one page.
func scanned(shown *image.Gray, bits int, extra, content string) []byte {
	var p pdfWriter
	p.scan(shown, bits, extra, content)
	return p.bytes()
}

func TestScansAreRead(t *testing.T) {
	t.Parallel()
	const onItsSide = "/MediaBox [0 0 150 300]"
	page := paper(t, letter...)
	stamp := strings.Replace(lines("Bates 0042"), "72 770", "12 12", 1)
	for name, content := range map[string][]byte{
		"scan":                   scanned(page, 8, halfPage, onPaper),
		"of one bit":             scanned(page, 1, halfPage, onPaper),
		"turned by the page":     scanned(quarterTurns(page, 3), 8, "/Rotate 90 "+onItsSide, "q 150 0 0 300 0 0 cm /I1 Do Q\n"),
		"turned by the image":    scanned(quarterTurns(page, 2), 1, halfPage, onPaper),
		"on its side":            scanned(quarterTurns(page, 1), 8, onItsSide, "q 150 0 0 300 0 0 cm /I1 Do Q\n"),
		"a point a pixel":        scanned(page, 8, "/MediaBox [0 0 1240 620]", "q 1240 0 0 620 0 0 cm /I1 Do Q\n"),
		"of 14,000 dpi":          scanned(page, 8, "/MediaBox [0 0 6 3]", "q 6 0 0 3 0 0 cm /I1 Do Q\n"),
		"with a stamp":           scanned(page, 8, halfPage, onPaper+stamp),
		"in several strips":      strips(page, ""),
		"in strips, stamped":     strips(page, stamp),
		"with a layer of glyphs": withoutMeaning(page),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := read(t, newOCR(t, extract.Limits{}), content)
			if err != nil || result.Truncated || len(result.Pages) != 1 {
				t.Fatalf("%+v, %v", result, err)
			}
			want := strings.Join(letter, " ")
			if strings.Contains(name, "stamp") {
				want += " Bates 0042"
				if !strings.HasPrefix(result.Pages[0], "Bates 0042") {
					t.Errorf("the text layer is gone: %q", result.Pages[0])
				}
			}
			if score := similarity(want, result.Pages[0]); score < 0.9 {
				t.Errorf("similarity %.2f: %q", score, result.Pages[0])
			}
		})
	}
}

// strips is a scan as programs write it that get it from the scanner part by part.
func strips(page *image.Gray, stamp string) []byte {
	var p pdfWriter
	var resources, content strings.Builder
	const parts = 10
	size := page.Rect.Size()
	height := size.Y / parts
	for i := range parts {
		rows := page.Pix[i*height*size.X : (i+1)*height*size.X]
		number := p.add("%s", stream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8",
			size.X, height), string(rows)))
		fmt.Fprintf(&resources, "/I%d %d 0 R ", i, number)
		fmt.Fprintf(&content, "q 300 0 0 15 0 %d cm /I%d Do Q\n", (parts-1-i)*15, i)
	}
	p.pageWith("/XObject << "+resources.String()+">>", halfPage, content.String()+stamp)
	return p.bytes()
}

// withoutMeaning has a layer of text whose font maps its glyphs to no characters.
func withoutMeaning(page *image.Gray) []byte {
	var p pdfWriter
	p.scan(page, 8, halfPage, onPaper+strings.Replace(lines(strings.Repeat("abcdefgh ", 40)), "BT", "BT 3 Tr", 1))
	p.font = mapped(&p, "<61> <7a> <E000>")
	return p.bytes()
}

// mapped is a font whose codes mean what the range says.
func mapped(p *pdfWriter, codes string) string {
	number := p.add("%s", stream("", "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"+
		"1 begincodespacerange <00> <ff> endcodespacerange\n1 beginbfrange "+codes+" endbfrange\nendcmap end end"))
	return fmt.Sprintf("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode %d 0 R >>", number)
}

// noTesseract fails whatever is asked of it: what is read with it is read without OCR.
func noTesseract(t testing.TB) *extract.Extractor {
	t.Helper()
	return newExtractor(t, extract.Limits{}).WithOCR(extract.OCR{Program: "/bin/false", Languages: "eng"})
}

func TestTextLayersAreKept(t *testing.T) {
	t.Parallel()
	invisible := strings.Replace(lines(strings.Join(letter, "\n")), "BT", "BT 3 Tr", 1)
	var hebrew pdfWriter
	hebrew.page("", lines("hgfe dcba")) // from left to right, as files have it
	hebrew.font = mapped(&hebrew, "<61> <7a> <05D0>")
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"of a scanner":  {scanned(paper(t, "Something else entirely."), 1, halfPage, onPaper+invisible), strings.Join(letter, "\n")},
		"right to left": {hebrew.bytes(), "אבגד הוזח"},
		"short":         {pdf("Two words"), "Two words"},
		"nothing":       {pdf(""), ""},
	} {
		result, err := read(t, noTesseract(t), c.content)
		if err != nil || result.Truncated || len(result.Pages) != 1 || strings.TrimSpace(result.Pages[0]) != c.want {
			t.Errorf("%s: %+v, %v; want %q", name, result, err, c.want)
		}
	}
}

func TestEachPageIsReadAsItIs(t *testing.T) {
	t.Parallel()
	var p pdfWriter
	p.page("", lines("The first page has a text layer."))
	p.scan(paper(t, letter[:2]...), 1, halfPage, onPaper)
	p.page("", "")
	p.page("", lines("The fourth has one again."))
	p.scan(paper(t, letter[2:]...), 8, halfPage, onPaper)
	result, err := read(t, newOCR(t, extract.Limits{}), p.bytes())
	if err != nil || result.PageCount != 5 || len(result.Pages) != 5 || result.Truncated {
		t.Fatalf("%+v, %v", result, err)
	}
	for i, want := range []string{
		"The first page has a text layer.", strings.Join(letter[:2], " "), "", "The fourth has one again.", strings.Join(letter[2:], " "),
	} {
		if got := result.Pages[i]; (want == "") != (got == "") || (want != "" && similarity(want, got) < 0.9) {
			t.Errorf("page %d: %q", i+1, got)
		}
	}
}

// Forms without fields are filled in by text that a viewer puts on them.
func TestTextOnThePageIsRead(t *testing.T) {
	t.Parallel()
	var p pdfWriter
	annots := fmt.Sprintf("/Annots [%d 0 R %d 0 R %d 0 R %d 0 R]",
		p.add(`<< /Type /Annot /Subtype /FreeText /Contents (Ada\rLovelace) /DA (/F1 12 Tf) /Rect [72 600 300 640] /F 4 >>`),
		p.add(`<< /Type /Annot /Subtype /FreeText /Contents (Signed by hand.) /DA (/F1 12 Tf) /Rect [72 760 300 780] /F 4 >>`),
		p.add(`<< /Type /Annot /Subtype /FreeText /Contents (Taken back.) /DA (/F1 12 Tf) /Rect [72 500 300 540] /F 2 >>`),
		p.add(`<< /Type /Annot /Subtype /Text /Contents (A comment.) /Rect [72 400 90 420] /F 4 >>`))
	p.page(annots, lines("Name, please. Signed by hand."))
	result, err := read(t, noTesseract(t), p.bytes())
	if err != nil || len(result.Pages) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	if want := "Name, please. Signed by hand.\nAda\nLovelace"; strings.TrimSpace(strings.ReplaceAll(result.Pages[0], "\r", "")) != want {
		t.Errorf("%q, want %q", result.Pages[0], want)
	}
}

func TestFormFieldsAreRead(t *testing.T) {
	t.Parallel()
	var p pdfWriter
	name := p.add("<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ada Lovelace) /Rect [72 600 300 620] /F 4 >>")
	city := p.add("<< /Type /Annot /Subtype /Widget /FT /Ch /Ff 131072 /T (city) /Opt [(London) (Paris)] /V (Paris) /Rect [72 560 300 580] /F 4 >>")
	p.form = fmt.Sprintf("/AcroForm << /Fields [%d 0 R %d 0 R] /DA (/F1 12 Tf 0 g) /DR << /Font << /F1 3 0 R >> >> >>", name, city)
	p.page(fmt.Sprintf("/Annots [%d 0 R %d 0 R]", name, city), lines("Name and city, please."))
	result, err := read(t, noTesseract(t), p.bytes())
	if err != nil || len(result.Pages) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, want := range []string{"Name and city, please.", "Ada Lovelace", "Paris"} {
		if strings.Count(result.Pages[0], want) != 1 {
			t.Errorf("%q is not there once: %q", want, result.Pages[0])
		}
	}
	if strings.Contains(result.Pages[0], "London") {
		t.Errorf("what was not chosen is there: %q", result.Pages[0])
	}
}
