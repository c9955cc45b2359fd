package extract

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
)

const (
	// scanWords is how many words a page may have and still be a scan, when an image covers most of it: stamps and page numbers that
	// a scanner or an archive put on it.
	scanWords = 15
	// scanCover is the part of a page that the images of a scan cover at least.
	scanCover = 0.5
	// maxObjects of a page are looked at; what shows no image among so many is no scan.
	maxObjects = 1000
)

// tidier joins words that a line's end hyphenates (PDFium marks them with U+0002 or U+FFFE) and drops what is no text.
var tidier = strings.NewReplacer("\r\n", "\n", "\x02\r\n", "", "\uFFFE\r\n", "", "\x02", "", "\uFFFE", "", "\x00", "")

func tidy(text string) string {
	return strings.ToValidUTF8(tidier.Replace(text), "\uFFFD")
}

// pdfPage is a page of a PDF.
type pdfPage struct {
	*pdf

	index int // from 0
}

func (p pdfPage) page() requests.Page {
	return requests.Page{ByIndex: &requests.PageByIndex{Document: p.document, Index: p.index}}
}

// read returns the text layer with what was typed on it; where there is none, what OCR reads on the page; and of a scan with
// a stamp both. A text layer is never replaced.
func (p pdfPage) read(ctx context.Context, r request) (string, error) {
	layer, err := p.GetPageText(&requests.GetPageText{Page: p.page()})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errPageBroken, err)
	}
	text := tidy(layer.Text)
	if garbage(text) {
		text = ""
	}
	text += p.typed(text)
	if !p.wantsOCR(text) {
		return text, nil
	}
	grey, err := p.grey()
	if err != nil {
		return text, fmt.Errorf("%w: %w", errPageBroken, err)
	}
	seen, err := r.OCR.read(ctx, grey, r.Limits)
	if len(strings.Fields(seen)) <= len(strings.Fields(text)) {
		return text, err
	}
	return strings.TrimLeft(text+"\n\n"+seen, "\n"), err
}

// garbage reports whether a text is none: glyphs that a font gives no meaning.
func garbage(text string) bool {
	glyphs, meaningless := 0, 0
	for _, r := range text {
		if unicode.IsSpace(r) {
			continue
		}
		glyphs++
		if r == unicode.ReplacementChar || !unicode.IsGraphic(r) {
			meaningless++
		}
	}
	return meaningless*2 > glyphs
}

// wantsOCR reports whether the page shows something that its text is not.
func (p pdfPage) wantsOCR(text string) bool {
	words := len(strings.Fields(text))
	if words > scanWords {
		return false
	}
	counted, err := p.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: p.page()})
	if err != nil {
		return false
	}
	if words == 0 {
		return counted.Count > 0
	}
	size, err := p.size()
	if err != nil {
		return false
	}
	cover := 0.0 // scanners cut pages into strips
	for i := range min(counted.Count, maxObjects) {
		if cover += p.imageCover(i, size); cover >= scanCover {
			return true
		}
	}
	return false
}

// imageCover returns how much of the page an object covers, if it is an image or may hold one.
func (p pdfPage) imageCover(index int, size responses.GetPageSize) float64 {
	object, err := p.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: p.page(), Index: index})
	if err != nil {
		return 0
	}
	kind, err := p.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: object.PageObject})
	if err != nil || (kind.Type != enums.FPDF_PAGEOBJ_IMAGE && kind.Type != enums.FPDF_PAGEOBJ_FORM) {
		return 0
	}
	bounds, err := p.FPDFPageObj_GetBounds(&requests.FPDFPageObj_GetBounds{PageObject: object.PageObject})
	if err != nil {
		return 0
	}
	return math.Abs(float64(bounds.Right-bounds.Left)*float64(bounds.Top-bounds.Bottom)) / (size.Width * size.Height)
}
