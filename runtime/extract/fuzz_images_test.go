package extract

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

// fuzzLimits are small, so that what they refuse is refused soon.
var fuzzLimits = Limits{MaxPixels: 100_000, MaxPages: 10, Timeout: 10 * time.Second}.withDefaults()

// FuzzImage opens and decodes whatever comes as each type of image: an image upright and grey, or a reason for people.
func FuzzImage(f *testing.F) {
	mimes := []string{typePNG.MIME, typeJPEG.MIME, typeTIFF.MIME, typeGIF.MIME, typeWebP.MIME, typeBMP.MIME}
	for name, kind := range map[string]byte{"letter.webp": 4, "jpeg-in-strips.tiff": 2, "grey-transparent.tiff": 2} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content, kind)
	}
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00N \x00\x00N \x01\x00\x00\x00\x00"), byte(0))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"), byte(1))
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x03\x00\x00\x00\x08\x00\x00\x00"), byte(2))
	f.Add([]byte("GIF89a\x02\x00\x02\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02D\x0a\x00;"), byte(3))
	f.Fuzz(func(t *testing.T, content []byte, kind byte) {
		path := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		pictures, err := openPictures(file, mimes[int(kind)%len(mimes)], fuzzLimits)
		var never *document.ReadError
		if err != nil && !errors.As(err, &never) {
			t.Fatalf("%v is no reason for people", err)
		}
		for _, p := range pictures {
			grey, err := p.grey()
			if err == nil && len(packed(grey)) != grey.Rect.Dx()*grey.Rect.Dy() {
				t.Fatalf("%v with %d pixels", grey.Rect, len(packed(grey)))
			}
		}
	})
}

// FuzzTesseractTable reads whatever a program says that may itself have been misled.
func FuzzTesseractTable(f *testing.F) {
	f.Add([]byte("5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t96.5\tword\n5\t1\t1\t1\t2\t1\t0\t0\t9\t9\t-1\t\xff\n4\t1\n"))
	f.Add([]byte("5\t\t\t\t\t\t\t\t\t\tNaN\ta\tb"))
	f.Fuzz(func(t *testing.T, table []byte) {
		r := parseTSV(table)
		if math.IsNaN(r.weight) || len(r.text) > 4*len(table)+1 || bytes.ContainsRune([]byte(r.text), '\t') {
			t.Fatalf("%q", r.text)
		}
		_, _ = rotation(table)
	})
}

// FuzzPageText checks what is made of a text layer.
func FuzzPageText(f *testing.F) {
	f.Add("hyphen\x02\r\nated \uFFFE\r\n\x00 \uE000\uE001")
	f.Fuzz(func(t *testing.T, text string) {
		clean := tidy(text)
		if bytes.ContainsAny([]byte(clean), "\x00\x02") {
			t.Fatalf("%q", clean)
		}
		_ = garbage(clean)
		for _, line := range wrap(clean, sheetLines) {
			if len([]rune(line)) > sheetColumns {
				t.Fatalf("a line of %d: %q", len([]rune(line)), line)
			}
		}
	})
}
