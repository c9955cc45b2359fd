package extract

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
	xdraw "golang.org/x/image/draw"

	"github.com/docvault/docvault/runtime/document"
)

// ocrDPI is what scans are best read at: finer takes longer and reads no more.
const ocrDPI = 300

func (p pdfPage) size() (responses.GetPageSize, error) {
	size, err := p.GetPageSize(&requests.GetPageSize{Page: p.page()})
	if err != nil {
		return responses.GetPageSize{}, fmt.Errorf("%w: %w", errPageBroken, err)
	}
	if !(size.Width >= 1 && size.Height >= 1) { // or it is no number
		return responses.GetPageSize{}, errPageBroken
	}
	return *size, nil
}

// grey draws the page for OCR: at 300 dpi, but pages that claim to be tiny or huge at as many pixels as can be read. Scanning
// programs write any size.
func (p pdfPage) grey() (*image.Gray, error) {
	size, err := p.size()
	if err != nil {
		return nil, err
	}
	pixels := size.Width * size.Height * ocrDPI * ocrDPI / (72 * 72)
	factor := ocrDPI / 72.0 * math.Sqrt(min(max(pixels, minOCRPixels), maxOCRPixels)/pixels)
	rendered, err := p.RenderPageInPixels(&requests.RenderPageInPixels{
		Page: p.page(), Width: max(1, int(size.Width*factor)), Height: max(1, int(size.Height*factor)),
		RenderFlags: enums.FPDF_RENDER_FLAG_ANNOT, RenderForm: true, Document: &p.document,
		ImageFormat: requests.RenderImageFormatGrayscale,
	})
	if err != nil {
		return nil, fmt.Errorf("draw the page: %w", err)
	}
	defer rendered.Cleanup()
	return greyOf(rendered.Result.RenderedImage), nil
}

// drawPDF draws a page for a preview.
func (r request) drawPDF(ctx context.Context, file *os.File) (image.Image, error) {
	opened, err := openPDF(ctx, file, r)
	if err != nil {
		return nil, err
	}
	if r.Render.Page > opened.pages {
		return nil, errNoPage
	}
	p := pdfPage{pdf: opened, index: r.Render.Page - 1}
	drawn, err := p.colours(r.Render.Width)
	switch {
	case err == nil:
		return drawn, nil
	case ctx.Err() != nil:
		return nil, tookTooLong(r.Limits)
	case opened.memory.refused():
		return nil, tooMuchMemory()
	}
	return nil, brokenPage()
}

func (p pdfPage) colours(width int) (image.Image, error) {
	size, err := p.size()
	if err != nil {
		return nil, err
	}
	pixels := fit(image.Pt(int(size.Width*64), int(size.Height*64)), width)
	rendered, err := p.RenderPageInPixels(&requests.RenderPageInPixels{
		Page: p.page(), Width: pixels.X, Height: pixels.Y,
		RenderFlags: enums.FPDF_RENDER_FLAG_ANNOT, RenderForm: true, Document: &p.document,
	})
	if err != nil {
		return nil, fmt.Errorf("draw the page: %w", err)
	}
	defer rendered.Cleanup()
	paper := onWhite(pixels)
	xdraw.ApproxBiLinear.Scale(paper, paper.Rect, rendered.Result.RenderedImage, rendered.Result.RenderedImage.Bounds(), xdraw.Over, nil)
	return paper, nil
}

func brokenPage() error {
	return &document.ReadError{Code: document.CodeMalformed, Detail: "The page is damaged: it cannot be drawn."}
}
