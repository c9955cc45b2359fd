package extract

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"time"
)

const (
	// minOCRPixels and maxOCRPixels are what an image is scaled to be within: smaller letters are not read, larger ones neither.
	minOCRPixels = 2.0 * 1e6
	maxOCRPixels = 20.0 * 1e6
	// maxUpscale is as much as scaling up helps.
	maxUpscale = 3
	// sure is the confidence, of 100, below which a page may lie on its side or upside down.
	sure = 65
)

var errNoOCR = errors.New("OCR is not set up")

// OCR is how text on images is read: by the program tesseract. FindTesseract makes one; without, what needs OCR fails, passing.
type OCR struct {
	Program   string // the path of tesseract
	Languages string // as tesseract names them, joined by +
}

// read returns the text on an image. Errors: errPageSlow and errPageBroken, with the text read until then; passing ones.
func (o OCR) read(ctx context.Context, grey *image.Gray, limits Limits) (string, error) {
	if o.Program == "" {
		return "", errNoOCR
	}
	if plain(grey) {
		return "", nil
	}
	page, cancel := context.WithTimeout(ctx, limits.OCRPageTimeout)
	defer cancel()
	best, err := o.bestTurn(page, readable(grey))
	switch {
	case ctx.Err() != nil:
		return best.text, ctx.Err() //nolint:wrapcheck // says that the document's time is up
	case page.Err() != nil:
		return best.text, errPageSlow
	}
	return best.text, err
}

// readable scales an image to the size at which OCR reads best. What the file says of its resolution is often wrong.
func readable(grey *image.Gray) *image.Gray {
	pixels := float64(grey.Rect.Dx()) * float64(grey.Rect.Dy())
	switch {
	case pixels > maxOCRPixels:
		return scale(grey, math.Sqrt(maxOCRPixels/pixels))
	case pixels < minOCRPixels:
		return scale(grey, min(maxUpscale, math.Sqrt(minOCRPixels/pixels)))
	}
	return grey
}

// bestTurn reads an image as it lies, and turned when that gives little sense.
func (o OCR) bestTurn(ctx context.Context, grey *image.Gray) (recognised, error) {
	best, err := o.recognise(ctx, grey)
	if err != nil || best.confidence() >= sure {
		return best, err
	}
	for _, orientation := range o.turns(ctx, grey) {
		turned, err := o.recognise(ctx, turnGrey(grey, orientation))
		if err != nil {
			return best, err
		}
		if turned.weight > best.weight {
			best = turned
		}
		if best.confidence() >= sure {
			break
		}
	}
	return best, nil
}

// askTimeout is for a program that is asked for nothing but what it can do.
const askTimeout = 20 * time.Second

// turns are the orientations to try, in EXIF's numbers: what tesseract takes for right, or all when it cannot tell.
func (o OCR) turns(ctx context.Context, grey *image.Gray) []int {
	orientation, err := o.orientation(ctx, grey)
	switch {
	case err != nil:
		return []int{6, 8, 3}
	case orientation == upright:
		return nil
	}
	return []int{orientation}
}

// orientations by the degrees, clockwise, by which tesseract says to turn an image.
var orientations = map[int]int{0: upright, 90: 6, 180: 3, 270: 8}

var errOrientation = errors.New("tesseract cannot tell the orientation")

func (o OCR) orientation(ctx context.Context, grey *image.Gray) (int, error) {
	output, err := o.run(ctx, grey, "--psm", "0", "-l", "osd")
	if err != nil {
		return 0, err
	}
	degrees, err := rotation(output)
	if err != nil {
		return 0, err
	}
	orientation, found := orientations[degrees]
	if !found {
		return 0, fmt.Errorf("%d degrees: %w", degrees, errOrientation)
	}
	return orientation, nil
}
