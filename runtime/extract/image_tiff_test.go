package extract_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// colours, as TIFFs number them.
const (
	rgb   = 2
	yCbCr = 6
)

// packedTIFF is how a scanner packs colours: pieces of JPEG, whose tables stand apart.
type packedTIFF struct {
	colours uint32
	piece   image.Point
	tiled   bool
}

// pieces cuts an image. Tiles are all of one size; strips end where the image does.
func (p packedTIFF) pieces(t testing.TB, from image.Image) (tables []byte, pieces [][]byte) {
	t.Helper()
	bounds := from.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y += p.piece.Y {
		for x := bounds.Min.X; x < bounds.Max.X; x += p.piece.X {
			size := p.piece
			if !p.tiled {
				size.Y = min(size.Y, bounds.Max.Y-y)
			}
			piece := image.NewRGBA(image.Rectangle{Max: size})
			draw.Draw(piece, piece.Rect, from, image.Pt(x, y), draw.Src)
			var packed []byte
			if p.colours == rgb {
				packed = asJPEG(t, unconverted(piece))
			} else {
				packed = asJPEG(t, piece)
			}
			var rest []byte
			tables, rest = partTables(packed)
			pieces = append(pieces, rest)
		}
	}
	return tables, pieces
}

// unconverted has red, green and blue where JPEGs have luminance and chrominance.
func unconverted(from *image.RGBA) *image.YCbCr {
	to := image.NewYCbCr(from.Rect, image.YCbCrSubsampleRatio444)
	for y := range from.Rect.Dy() {
		for x := range from.Rect.Dx() {
			at, seen := to.YOffset(x, y), from.RGBAAt(x, y)
			to.Y[at], to.Cb[at], to.Cr[at] = seen.R, seen.G, seen.B
		}
	}
	return to
}

// partTables takes the tables out of a JPEG.
func partTables(packed []byte) (tables, rest []byte) {
	tables, rest = []byte("\xff\xd8"), []byte("\xff\xd8")
	for packed = packed[2:]; packed[1] != 0xda; {
		segment := packed[:2+binary.BigEndian.Uint16(packed[2:])]
		if segment[1] == 0xdb || segment[1] == 0xc4 {
			tables = append(tables, segment...)
		} else {
			rest = append(rest, segment...)
		}
		packed = packed[len(segment):]
	}
	return append(tables, 0xff, 0xd9), append(rest, packed...)
}

// of writes a TIFF of one page.
func (p packedTIFF) of(t testing.TB, from image.Image) []byte {
	t.Helper()
	tables, pieces := p.pieces(t, from)
	var offsets, lengths []uint32
	var out bytes.Buffer
	out.Write(make([]byte, 8))
	put := func(data any) (at uint32) {
		at = uint32(out.Len())
		_ = binary.Write(&out, binary.LittleEndian, data)
		return at
	}
	for _, piece := range pieces {
		offsets, lengths = append(offsets, put(piece)), append(lengths, uint32(len(piece)))
	}
	tablesAt, offsetsAt, lengthsAt := put(tables), offsets[0], lengths[0]
	if len(pieces) > 1 {
		offsetsAt, lengthsAt = put(offsets), put(lengths)
	}
	entries := [][2]uint32{
		{256, uint32(from.Bounds().Dx())}, {257, uint32(from.Bounds().Dy())}, {259, 7}, {262, p.colours},
	}
	if p.tiled {
		entries = append(entries, [2]uint32{322, uint32(p.piece.X)}, [2]uint32{323, uint32(p.piece.Y)}, [2]uint32{324, offsetsAt},
			[2]uint32{325, lengthsAt}, [2]uint32{347, tablesAt})
	} else {
		entries = append(entries, [2]uint32{273, offsetsAt}, [2]uint32{278, uint32(p.piece.Y)}, [2]uint32{279, lengthsAt},
			[2]uint32{347, tablesAt})
	}
	directory := out.Len()
	writeTIFFEntries(&out, entries)
	out.Write(make([]byte, 4))
	file := out.Bytes()
	copy(file, "II*\x00")
	binary.LittleEndian.PutUint32(file[4:], uint32(directory))
	count := func(tag, n int) {
		for at := directory + 2; ; at += 12 {
			if binary.LittleEndian.Uint16(file[at:]) == uint16(tag) {
				binary.LittleEndian.PutUint32(file[at+4:], uint32(n))
				return
			}
		}
	}
	if p.tiled {
		count(324, len(pieces))
		count(325, len(pieces))
	} else {
		count(273, len(pieces))
		count(279, len(pieces))
	}
	count(347, len(tables))
	binary.LittleEndian.PutUint16(file[bytes.LastIndex(file, []byte("\x5b\x01\x04\x00"))+2:], 7)
	return file
}

func packings(page image.Rectangle) map[string]packedTIFF {
	return map[string]packedTIFF{
		"whole":         {yCbCr, page.Size(), false},
		"strips":        {yCbCr, image.Pt(page.Dx(), 64), false},
		"tiles":         {yCbCr, image.Pt(128, 128), true},
		"red and green": {rgb, image.Pt(page.Dx(), 64), false},
	}
}

func TestTIFFsOfJPEGsAreRead(t *testing.T) {
	t.Parallel()
	page := drawn(t, letter...)
	for name, packing := range packings(page.Rect) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := read(t, newOCR(t, extract.Limits{}), packing.of(t, page))
			if err != nil || len(result.Pages) != 1 {
				t.Fatalf("%+v, %v", result, err)
			}
			if score := similarity(strings.Join(letter, " "), result.Pages[0]); score < 0.9 {
				t.Errorf("similarity %.2f: %q", score, result.Pages[0])
			}
		})
	}
}

func TestTIFFsOfJPEGsAreDrawnInTheirColours(t *testing.T) {
	t.Parallel()
	page := image.NewRGBA(image.Rect(0, 0, 200, 200))
	draw.Draw(page, page.Rect, image.NewUniform(color.RGBA{R: 200, G: 30, B: 60, A: 255}), image.Point{}, draw.Src)
	for name, packing := range packings(page.Rect) {
		shown, err := render(t, packing.of(t, page), 1, 200)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, at := range []image.Point{{3, 3}, {100, 100}, {180, 180}} {
			r, g, b, _ := shown.At(at.X, at.Y).RGBA()
			if r>>8 < 190 || g>>8 > 45 || b>>8 < 50 || b>>8 > 75 {
				t.Errorf("%s: %v is %d, %d, %d", name, at, r>>8, g>>8, b>>8)
			}
		}
	}
}

func TestDamagedTIFFsOfJPEGs(t *testing.T) {
	t.Parallel()
	page := drawn(t, letter...)
	tile := packedTIFF{yCbCr, image.Pt(64, 64), true}
	whole := packedTIFF{yCbCr, page.Rect.Size(), false}.of(t, page)
	larger := bytes.Clone(whole) // than the page says
	start := bytes.LastIndex(larger, []byte("\x00\x01\x04\x00\x01\x00\x00\x00"))
	larger[start+8]--
	for name, c := range map[string]struct {
		content []byte
		limits  extract.Limits
		code    string
	}{
		"a piece that is larger": {larger, extract.Limits{}, document.CodeMalformed},
		"pieces that are gone":   {append(bytes.Clone(whole[:8]), whole[len(whole)-400:]...), extract.Limits{}, document.CodeMalformed},
		"tiles of too many":      {tile.of(t, image.NewGray(image.Rect(0, 0, 8, 8))), extract.Limits{MaxPixels: 64 * 63}, document.CodeTooLargeToRead},
	} {
		if _, err := read(t, newOCR(t, c.limits), c.content); code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
