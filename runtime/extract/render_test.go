package extract_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// encoded returns an image as PNG.
func encoded(t testing.TB, drawn image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, drawn); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// block is white, but for its upper left quarter.
func block(width, height int) *image.NRGBA {
	drawn := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.Draw(drawn, image.Rect(0, 0, width/2, height/2), image.NewUniform(color.Black), image.Point{}, draw.Src)
	return drawn
}

func render(t *testing.T, content []byte, page, width int) (image.Image, error) {
	t.Helper()
	kind, err := extract.Detect(content)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := newExtractor(t, extract.Limits{}).Render(t.Context(), kind.MIME, file(t, content), page, width)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	decoded, err := png.Decode(bytes.NewReader(drawn))
	if err != nil {
		t.Fatal(err)
	}
	return decoded, nil
}

// darkness counts the dark pixels of a part.
func darkness(drawn image.Image, part image.Rectangle) int {
	dark := 0
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if color.GrayModel.Convert(drawn.At(x, y)).(color.Gray).Y < 128 { //nolint:forcetypeassert // the model's own
				dark++
			}
		}
	}
	return dark
}

func TestPagesAreDrawn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("A line of text.\n", 100)
	for name, c := range map[string]struct {
		content     []byte
		page, width int
		size        image.Point
	}{
		"pdf":                  {pdf("First", "Second"), 2, 595, image.Pt(595, 842)},
		"pdf, wider than ever": {pdf("First"), 1, 4000, image.Pt(1024, 1449)},
		"png":                  {encoded(t, block(400, 200)), 1, 100, image.Pt(100, 50)},
		"png, very tall":       {encoded(t, block(4, 4000)), 1, 100, image.Pt(1, 400)},
		"text":                 {[]byte("Hello"), 1, 600, image.Pt(600, 848)},
		"text, second sheet":   {[]byte(long), 2, 500, image.Pt(500, 707)},
		"one pixel":            {[]byte("Hello"), 1, 0, image.Pt(1, 1)},
	} {
		drawn, err := render(t, c.content, c.page, c.width)
		if err != nil || drawn.Bounds().Size() != c.size {
			t.Errorf("%s: %v, %v; want %v", name, drawn, err, c.size)
			continue
		}
		if c.size.X > 1 && darkness(drawn, drawn.Bounds()) == 0 {
			t.Errorf("%s: nothing is drawn", name)
		}
	}
}

func TestTransparentIsWhite(t *testing.T) {
	t.Parallel()
	drawn, err := render(t, encoded(t, block(100, 100)), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	if upper, all := darkness(drawn, image.Rect(0, 0, 50, 50)), darkness(drawn, drawn.Bounds()); upper < 2400 || all > upper+200 {
		t.Errorf("%d dark pixels in the black quarter, %d in all", upper, all)
	}
}

func TestPagesThatAreNotDrawn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content []byte
		page    int
	}{
		"pdf": {pdf("First"), 2}, "png": {encoded(t, block(4, 4)), 2}, "text": {[]byte("Hello"), 2}, "zero": {[]byte("Hello"), 0},
	} {
		if _, err := render(t, c.content, c.page, 100); !errors.Is(err, document.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, content := range map[string][]byte{
		"pdf": append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("\x93junk\xff\n"), 1000)...),
		"png": encoded(t, block(400, 400))[:200],
	} {
		if _, err := render(t, content, 1, 100); code(err) != document.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
