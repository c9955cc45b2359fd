package extract_test

import (
	"bytes"
	"cmp"
	"image"
	"image/gif"
	"image/jpeg"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/bmp"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/tiff"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// newOCR reads texts on images too, in English unless other languages are named. It takes its time when the machine has other work.
func newOCR(t testing.TB, limits extract.Limits, languages ...string) *extract.Extractor {
	t.Helper()
	if len(languages) == 0 {
		languages = []string{"eng"}
	}
	ocr, err := extract.FindTesseract(t.Context(), languages)
	if err != nil {
		t.Fatal(err)
	}
	limits.Timeout = cmp.Or(limits.Timeout, 10*time.Minute)
	limits.OCRPageTimeout = cmp.Or(limits.OCRPageTimeout, 10*time.Minute)
	return newExtractor(t, limits).WithOCR(ocr)
}

// letter is what the images of these tests say.
var letter = []string{
	"The harbour master counted seven ships at dawn.", "Two of them carried timber from the north,",
	"one was loaded with copper and salt,", "and nobody knew what the others had brought.",
}

// similarity is the part of the wanted words that were read, in any order.
func similarity(want, got string) float64 {
	words, matched := strings.Fields(want), 0
	left := strings.Fields(got)
	for _, word := range words {
		if i := slices.Index(left, word); i >= 0 {
			left = slices.Delete(left, i, i+1)
			matched++
		}
	}
	return float64(2*matched) / float64(len(words)+len(strings.Fields(got)))
}

func written(t testing.TB, write func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asJPEG(t testing.TB, page image.Image) []byte {
	t.Helper()
	return written(t, func(w io.Writer) error { return jpeg.Encode(w, page, nil) })
}

// showsLetter checks that a file is one page that says the letter.
func showsLetter(t *testing.T, content []byte) {
	t.Helper()
	result, err := read(t, newOCR(t, extract.Limits{}), content)
	if err != nil || len(result.Pages) != 1 || result.Truncated {
		t.Fatalf("%+v, %v", result, err)
	}
	if score := similarity(strings.Join(letter, " "), result.Pages[0]); score < 0.9 {
		t.Errorf("similarity %.2f: %q", score, result.Pages[0])
	}
}

func TestHyphensAtTheEndsOfLines(t *testing.T) {
	t.Parallel()
	result, err := read(t, newOCR(t, extract.Limits{}), asJPEG(t, drawn(t, "The harbour master coun-", "ted seven ships of front- and", "rear admirals.")))
	if err != nil || len(result.Pages) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	if want := "The harbour master counted seven ships of front- and\n"; !strings.HasPrefix(result.Pages[0], want) {
		t.Errorf("%q does not begin with %q", result.Pages[0], want)
	}
}

func TestImagesAreRead(t *testing.T) {
	t.Parallel()
	page := drawn(t, letter...)
	small := image.NewGray(image.Rect(0, 0, page.Rect.Dx()/2, page.Rect.Dy()/2))
	xdraw.CatmullRom.Scale(small, small.Rect, page, page.Rect, xdraw.Src, nil)
	for name, content := range map[string][]byte{
		"png":              encoded(t, page),
		"png, transparent": encoded(t, onClear(page)),
		"png, small":       encoded(t, small),
		"png, behind BOM":  append([]byte("\xef\xbb\xbf"), encoded(t, page)...),
		"jpeg":             asJPEG(t, page),
		"jpeg, EXIF":       exifed(asJPEG(t, quarterTurns(page, 3)), 6),
		"gif":              written(t, func(w io.Writer) error { return gif.Encode(w, page, nil) }),
		"bmp":              written(t, func(w io.Writer) error { return bmp.Encode(w, page) }),
		"webp":             testdata(t, "letter.webp"),
		"tiff, deflated": written(t, func(w io.Writer) error {
			return tiff.Encode(w, page, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
		}),
		"tiff, turned by its tag": tiffOf(3, quarterTurns(page, 2)),
		"upside down":             encoded(t, quarterTurns(page, 2)),
		"on its left side":        encoded(t, quarterTurns(page, 3)),
		"on its right side":       encoded(t, quarterTurns(page, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			showsLetter(t, content)
		})
	}
}

func TestTIFFPages(t *testing.T) {
	t.Parallel()
	e := newOCR(t, extract.Limits{MaxPages: 3})
	first, second := drawn(t, letter[:2]...), drawn(t, letter[2:]...)
	blank := drawn(t)
	result, err := read(t, e, tiffOf(1, first, blank, second))
	if err != nil || result.PageCount != 3 || len(result.Pages) != 3 || result.Truncated {
		t.Fatalf("%+v, %v", result, err)
	}
	if similarity(strings.Join(letter[:2], " "), result.Pages[0]) < 0.9 || result.Pages[1] != "" ||
		similarity(strings.Join(letter[2:], " "), result.Pages[2]) < 0.9 {
		t.Errorf("%q", result.Pages)
	}
	if _, err := read(t, e, tiffOf(1, first, blank, second, blank)); code(err) != document.CodeTooLargeToRead {
		t.Errorf("a page too many: %v", err)
	}
	around := tiffOf(1, first, second)
	copy(around[len(around)-4:], around[4:8]) // the last page is followed by the first
	if result, err = read(t, e, around); err != nil || result.PageCount != 2 {
		t.Errorf("a circle of pages: %+v, %v", result, err)
	}
	small := image.NewGray(image.Rect(0, 0, first.Rect.Dx()/4, first.Rect.Dy()/4))
	if result, err = read(t, e, tiffOf(1, first, small)); err != nil || result.PageCount != 1 {
		t.Errorf("a page and its thumbnail: %+v, %v", result, err)
	}
	if drawn, err := render(t, tiffOf(1, first, second), 2, 300); err != nil || drawn.Bounds().Dx() != 300 {
		t.Errorf("draw the second page: %v", err)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for languages, text := range map[[2]string]string{
		{"deu", "eng"}: "Große Häuser müssen schönen Gärten weichen.",
		{"fra", "eng"}: "Les élèves ont reçu une pièce à Orléans.",
	} {
		result, err := read(t, newOCR(t, extract.Limits{}, languages[:]...), encoded(t, drawn(t, text)))
		if err != nil || similarity(text, strings.Join(result.Pages, " ")) < 0.9 {
			t.Errorf("%q, %v", result.Pages, err)
		}
	}
	_, err := extract.FindTesseract(t.Context(), []string{"eng", "tlh"})
	if err == nil || !strings.Contains(err.Error(), `"tlh"`) || !strings.Contains(err.Error(), "deu, eng, fra") {
		t.Errorf("a language that is not there: %v", err)
	}
}

func TestTesseractIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := extract.FindTesseract(t.Context(), []string{"eng"}); err == nil || !strings.Contains(err.Error(), "tesseract-ocr") {
		t.Errorf("%v", err)
	}
}
