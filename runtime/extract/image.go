package extract

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"github.com/docvault/docvault/runtime/document"
)

// picture is one page of an image file, of which only the header has been read.
type picture struct {
	size        image.Point
	orientation int // as EXIF numbers them: 1 is upright
	decode      func() (image.Image, error)
}

// codec reads one format. All are written in Go: what breaks them costs the child, and reaches nothing.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// codecs are those of formats with one page. Of an animation the first frame is read: the others repeat it, mostly.
var codecs = map[string]codec{
	typePNG.MIME:  {png.DecodeConfig, png.Decode},
	typeJPEG.MIME: {jpeg.DecodeConfig, jpeg.Decode},
	typeGIF.MIME:  {gif.DecodeConfig, gif.Decode},
	typeWebP.MIME: {webp.DecodeConfig, webp.Decode},
	typeBMP.MIME:  {bmp.DecodeConfig, bmp.Decode},
}

// openPictures reads the headers of all pages, and refuses by them: an image of 49 KB may have 400 million pixels.
func openPictures(file *os.File, mime string, limits Limits) ([]picture, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("size of the file: %w", err)
	}
	at := func() *io.SectionReader { return withoutBOM(file, info.Size()) }
	var pictures []picture
	if mime == typeTIFF.MIME {
		pictures, err = openTIFF(at(), limits)
	} else {
		pictures, err = openSingle(at, mime)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range pictures {
		if p.size.X < 1 || p.size.Y < 1 {
			return nil, brokenImage()
		}
		if p.size.X > limits.MaxPixels/p.size.Y {
			return nil, tooManyPixels(p.size, limits)
		}
	}
	return pictures, nil
}

func tooManyPixels(size image.Point, limits Limits) error {
	return &document.ReadError{Code: document.CodeTooLargeToRead, Detail: fmt.Sprintf(
		"The image is %d by %d pixels; at most %d are read. Save a smaller copy.", size.X, size.Y, limits.MaxPixels)}
}

// withoutBOM begins behind a byte order mark: Detect looks there too.
func withoutBOM(file *os.File, size int64) *io.SectionReader {
	head := make([]byte, len(bomUTF8))
	if _, err := file.ReadAt(head, 0); err == nil && string(head) == string(bomUTF8) {
		return io.NewSectionReader(file, int64(len(bomUTF8)), size)
	}
	return io.NewSectionReader(file, 0, size)
}

func openSingle(at func() *io.SectionReader, mime string) ([]picture, error) {
	c := codecs[mime]
	config, err := c.config(bufio.NewReader(at()))
	if err != nil {
		return nil, unreadable(err)
	}
	orientation := upright
	if mime == typeJPEG.MIME {
		orientation = jpegOrientation(at())
	}
	decode := func() (image.Image, error) { return c.decode(bufio.NewReader(at())) }
	return []picture{{size: image.Pt(config.Width, config.Height), orientation: orientation, decode: decode}}, nil
}

// unreadable says what an error of a decoder means: a form of its format that it does not know, or damage.
func unreadable(err error) error {
	var never *document.ReadError
	if errors.As(err, &never) {
		return never
	}
	var ofTIFF tiff.UnsupportedError
	var ofJPEG jpeg.UnsupportedError
	var ofPNG png.UnsupportedError
	if errors.Is(err, bmp.ErrUnsupported) || errors.As(err, &ofTIFF) || errors.As(err, &ofJPEG) || errors.As(err, &ofPNG) {
		return &document.ReadError{
			Code: document.CodeUnsupported, Detail: "The image is packed in a way that cannot be read. Save it as PDF, PNG or JPEG.",
		}
	}
	return brokenImage()
}

func brokenImage() error {
	return &document.ReadError{Code: document.CodeMalformed, Detail: "The file begins like an image but is not one, or is damaged."}
}

// grey decodes a picture as what OCR wants: upright shades of grey, on white where it is transparent.
func (p picture) grey() (*image.Gray, error) {
	decoded, err := p.decode()
	if err != nil || decoded.Bounds().Empty() {
		return nil, errPageBroken
	}
	return turnGrey(greyOf(decoded), p.orientation), nil
}

func (p picture) read(ctx context.Context, r request) (string, error) {
	grey, err := p.grey()
	if err != nil {
		return "", err
	}
	debug.FreeOSMemory() // the colours are not needed any more, and tesseract needs memory now
	return r.OCR.read(ctx, grey, r.Limits)
}

// readImage reads every page of an image by OCR.
func readImage(ctx context.Context, file *os.File, r request) (Result, error) {
	pictures, err := openPictures(file, r.MIME, r.Limits)
	if err != nil {
		return Result{}, err
	}
	reading := newReading(len(pictures), r.Limits)
	for _, p := range pictures {
		if reading.over(ctx) {
			break
		}
		if err := reading.add(p.read(ctx, r)); err != nil {
			return Result{}, err
		}
	}
	return reading.result(ctx)
}
