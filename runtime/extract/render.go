package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"

	xdraw "golang.org/x/image/draw"

	"github.com/docvault/docvault/runtime/document"
)

const (
	// MaxRenderWidth is the widest that a page is drawn, in pixels.
	MaxRenderWidth = 1024
	// tallest is how many times its width a drawn page is high at most: a page that is longer becomes narrower.
	tallest = 4
)

// errNoPage says that a document has no page of that number.
var errNoPage = fmt.Errorf("page: %w", document.ErrNotFound)

// Render draws a page (from 1) of file, which is of type mime, as a PNG of width pixels, at most MaxRenderWidth; its height follows. What
// has no look of its own, such as text, e-mail and office files, is drawn as the text that is read from it.
// Errors: document.ErrNotFound when there is no such page, *document.ReadError when none can ever be drawn; any other is passing.
func (e *Extractor) Render(ctx context.Context, mime string, file *os.File, page, width int) ([]byte, error) {
	if page < 1 {
		return nil, errNoPage
	}
	a, err := e.ask(ctx, request{MIME: mime, Render: &drawing{Page: page, Width: min(max(width, 1), MaxRenderWidth)}}, file)
	switch {
	case err != nil:
		return nil, err
	case a.Absent:
		return nil, errNoPage
	}
	return a.PNG, nil
}

// drawing is what a child is told to draw.
type drawing struct {
	Page  int // from 1
	Width int // pixels
}

func (r request) render(ctx context.Context, file *os.File) answer {
	drawn, err := r.draw(ctx, file)
	if err == nil {
		var out bytes.Buffer
		if err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, drawn); err == nil {
			return answer{PNG: out.Bytes()}
		}
	}
	if errors.Is(err, document.ErrNotFound) {
		return answer{Absent: true}
	}
	return failed(err)
}

func (r request) draw(ctx context.Context, file *os.File) (image.Image, error) {
	_, single := codecs[r.MIME]
	switch {
	case r.MIME == typePDF.MIME:
		return r.drawPDF(ctx, file)
	case single, r.MIME == typeTIFF.MIME:
		return r.drawPicture(file)
	}
	result, err := r.read(ctx, file)
	if err != nil {
		return nil, err
	}
	return drawText(result.Pages, *r.Render)
}

func (r request) drawPicture(file *os.File) (image.Image, error) {
	pictures, err := openPictures(file, r.MIME, r.Limits)
	if err != nil {
		return nil, err
	}
	if r.Render.Page > len(pictures) {
		return nil, errNoPage
	}
	p := pictures[r.Render.Page-1]
	decoded, err := p.decode()
	if err != nil || decoded.Bounds().Empty() {
		return nil, brokenImage()
	}
	seen := decoded.Bounds().Size()
	turned := p.orientation > 4 && p.orientation <= 8
	if turned {
		seen.X, seen.Y = seen.Y, seen.X
	}
	size := fit(seen, r.Render.Width)
	if turned {
		size.X, size.Y = size.Y, size.X
	}
	small := onWhite(size)
	xdraw.ApproxBiLinear.Scale(small, small.Rect, decoded, decoded.Bounds(), draw.Over, nil)
	pixels, size := turn(small.Pix, 4, size, p.orientation)
	return &image.RGBA{Pix: pixels, Stride: 4 * size.X, Rect: image.Rectangle{Max: size}}, nil
}

// fit gives the size at which something is drawn width pixels wide, or narrower when it would be too tall.
func fit(from image.Point, width int) image.Point {
	height := max(1, int(float64(from.Y)/float64(from.X)*float64(width)+0.5))
	if height > tallest*width {
		return image.Pt(max(1, int(float64(from.X)/float64(from.Y)*float64(tallest*width)+0.5)), tallest*width)
	}
	return image.Pt(width, height)
}

func onWhite(size image.Point) *image.RGBA {
	paper := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(paper, paper.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	return paper
}
