package extract_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// colours, as TIFFs number them.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	cmyk        = 5
	yCbCr       = 6
)

// tiffPage is a TIFF of one page, in little-endian.
type tiffPage struct {
	size, piece image.Point
	tiled       bool
	pieces      [][]byte
	fields      map[uint16]any // of the directory, beside those that say where the pieces are: []uint16, []uint32 or []byte
}

func (p tiffPage) bytes() []byte {
	var out bytes.Buffer
	out.Write(make([]byte, 8))
	put := func(data any) (at uint32) {
		out.Write(make([]byte, out.Len()%2))
		at = uint32(out.Len())
		_ = binary.Write(&out, binary.LittleEndian, data)
		return at
	}
	var offsets, lengths []uint32
	for _, piece := range p.pieces {
		offsets, lengths = append(offsets, put(piece)), append(lengths, uint32(len(piece)))
	}
	fields := map[uint16]any{256: []uint32{uint32(p.size.X)}, 257: []uint32{uint32(p.size.Y)}}
	if p.tiled {
		fields[322], fields[323] = []uint32{uint32(p.piece.X)}, []uint32{uint32(p.piece.Y)}
		fields[324], fields[325] = offsets, lengths
	} else {
		fields[273], fields[278], fields[279] = offsets, []uint32{uint32(p.piece.Y)}, lengths
	}
	for tag, value := range p.fields {
		fields[tag] = value
	}
	var directory bytes.Buffer
	_ = binary.Write(&directory, binary.LittleEndian, uint16(len(fields)))
	for _, tag := range slices.Sorted(maps.Keys(fields)) {
		kind, count := uint16(7), uint32(0)
		switch value := fields[tag].(type) {
		case []uint16:
			kind, count = 3, uint32(len(value))
		case []uint32:
			kind, count = 4, uint32(len(value))
		case []byte:
			count = uint32(len(value))
		}
		_ = binary.Write(&directory, binary.LittleEndian, []uint16{tag, kind})
		_ = binary.Write(&directory, binary.LittleEndian, count)
		if size := binary.Size(fields[tag]); size > 4 {
			_ = binary.Write(&directory, binary.LittleEndian, put(fields[tag]))
		} else {
			_ = binary.Write(&directory, binary.LittleEndian, fields[tag])
			directory.Write(make([]byte, 4-size))
		}
	}
	directory.Write(make([]byte, 4))
	at := put(directory.Bytes())
	file := out.Bytes()
	copy(file, "II*\x00")
	binary.LittleEndian.PutUint32(file[4:], at)
	return file
}

// cut gives the pieces of an image. Tiles are all of one size; strips end where the image does.
func (p *tiffPage) cut(from image.Image, pack func(piece *image.RGBA) []byte) {
	for y := 0; y < p.size.Y; y += p.piece.Y {
		for x := 0; x < p.size.X; x += p.piece.X {
			size := p.piece
			if !p.tiled {
				size.Y = min(size.Y, p.size.Y-y)
			}
			piece := image.NewRGBA(image.Rectangle{Max: size})
			draw.Draw(piece, piece.Rect, from, image.Pt(x, y), draw.Src)
			p.pieces = append(p.pieces, pack(piece))
		}
	}
}

// packedTIFF is how a scanner packs colours: pieces of JPEG, whose tables stand apart.
type packedTIFF struct {
	colours uint16
	piece   image.Point
	tiled   bool
}

func (p packedTIFF) of(t testing.TB, from image.Image) []byte {
	t.Helper()
	page := tiffPage{size: from.Bounds().Size(), piece: p.piece, tiled: p.tiled}
	var tables []byte
	page.cut(from, func(piece *image.RGBA) (packed []byte) {
		if p.colours == rgb {
			packed = asJPEG(t, unconverted(piece))
		} else {
			packed = asJPEG(t, piece)
		}
		tables, packed = partTables(packed)
		return packed
	})
	page.fields = map[uint16]any{259: []uint16{7}, 262: []uint16{p.colours}, 347: tables}
	return page.bytes()
}

// samplesTIFF has pixels that x/image/tiff does not know.
type samplesTIFF struct {
	colours       uint16
	bits, samples int
	packed        uint16
	differences   bool
	tiled         bool
	extra         []uint16
	planar        []uint16
}

// of keeps a pixel's values from 0 to 0xff, of which only the upper bits stay.
func (p samplesTIFF) of(t testing.TB, from image.Image, values func(color.RGBA) []uint8) []byte {
	t.Helper()
	page := tiffPage{size: from.Bounds().Size(), piece: image.Pt(from.Bounds().Dx(), 32), tiled: p.tiled}
	if p.tiled {
		page.piece = image.Pt(48, 48)
	}
	planes, plane := 1, p
	if slices.Equal(p.planar, []uint16{2}) {
		planes, plane.samples = p.samples, 1
	}
	for first := range planes {
		page.cut(from, func(piece *image.RGBA) []byte {
			var rows bytes.Buffer
			for y := range piece.Rect.Dy() {
				var row []uint8
				for x := range piece.Rect.Dx() {
					row = append(row, values(piece.RGBAAt(x, y))[first:][:plane.samples]...)
				}
				rows.Write(plane.joined(row))
			}
			return p.pack(t, rows.Bytes())
		})
	}
	bits := slices.Repeat([]uint16{uint16(p.bits)}, p.samples)
	page.fields = map[uint16]any{258: bits, 259: []uint16{p.packed}, 262: []uint16{p.colours}, 277: []uint16{uint16(p.samples)}}
	if p.differences {
		page.fields[317] = []uint16{2}
	}
	if p.extra != nil {
		page.fields[338] = p.extra
	}
	if p.planar != nil {
		page.fields[284] = p.planar
	}
	if p.colours == palette { // of shades of grey
		var shades []uint16
		for range 3 {
			for i := range 1 << p.bits {
				shades = append(shades, uint16(i*0xffff/(1<<p.bits-1)))
			}
		}
		page.fields[320] = shades
	}
	return page.bytes()
}

func (p samplesTIFF) joined(row []uint8) []byte {
	if p.differences {
		for i := len(row) - 1; i >= p.samples; i-- {
			row[i] -= row[i-p.samples]
		}
	}
	if p.bits == 16 {
		var wide []byte
		for _, value := range row {
			wide = append(wide, value, value)
		}
		return wide
	}
	joined := make([]byte, (len(row)*p.bits+7)/8)
	for i, value := range row {
		joined[i*p.bits/8] |= value >> (8 - p.bits) << (8 - p.bits - i*p.bits%8)
	}
	return joined
}

func (p samplesTIFF) pack(t testing.TB, rows []byte) []byte {
	t.Helper()
	switch p.packed {
	case 8:
		var out bytes.Buffer
		w := zlib.NewWriter(&out)
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	case 5:
		return literalLZW(rows)
	case 32773:
		var out []byte
		for len(rows) > 0 {
			same := 1
			for same < min(len(rows), 128) && rows[same] == rows[0] {
				same++
			}
			if same > 1 {
				out = append(out, byte(1-same), rows[0])
				rows = rows[same:]
				continue
			}
			out = append(out, 0x80, 0, rows[0])
			rows = rows[1:]
		}
		return out
	}
	return rows
}

// literalLZW packs nothing: before codes would get wider than nine bits, it begins anew.
func literalLZW(data []byte) []byte {
	const anew, end, before = 256, 257, 200
	codes := []int{anew}
	for i, b := range data {
		if codes = append(codes, int(b)); i%before == before-1 {
			codes = append(codes, anew)
		}
	}
	codes = append(codes, end)
	out := make([]byte, (len(codes)*9+7)/8)
	for i, code := range codes {
		for bit := range 9 {
			if code>>(8-bit)&1 == 1 {
				out[(i*9+bit)/8] |= 0x80 >> ((i*9 + bit) % 8)
			}
		}
	}
	return out
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

// packings of a page.
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
			showsLetter(t, packing.of(t, page))
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

func grey(c color.RGBA) []uint8     { return []uint8{c.R} }
func negative(c color.RGBA) []uint8 { return []uint8{0xff - c.R} }

func ink(c color.RGBA) []uint8        { return []uint8{0, 0, 0, 0xff - c.R} }
func andNothing(c color.RGBA) []uint8 { return []uint8{c.R, c.G, c.B, 0} }

// onNothing is black where the page is, on a transparent ground.
func onNothing(c color.RGBA) []uint8 { return []uint8{0, 0xff - c.R} }

func TestTIFFsOfUnusualPixelsAreRead(t *testing.T) {
	t.Parallel()
	page := drawn(t, letter...)
	for name, c := range map[string]struct {
		of     samplesTIFF
		values func(color.RGBA) []uint8
	}{
		"four bits":               {samplesTIFF{colours: blackIsZero, bits: 4, samples: 1, packed: 1}, grey},
		"two bits, white is zero": {samplesTIFF{colours: whiteIsZero, bits: 2, samples: 1, packed: 32773}, negative},
		"palette of sixteen":      {samplesTIFF{colours: palette, bits: 4, samples: 1, packed: 8}, grey},
		"grey, transparent":       {samplesTIFF{colours: blackIsZero, bits: 8, samples: 2, packed: 5, extra: []uint16{2}}, onNothing},
		"grey, transparent, tiles": {
			samplesTIFF{colours: blackIsZero, bits: 8, samples: 2, packed: 8, differences: true, tiled: true, extra: []uint16{2}}, onNothing,
		},
		"one colour, apart":         {samplesTIFF{colours: blackIsZero, bits: 8, samples: 1, packed: 8, planar: []uint16{2}}, grey},
		"print, apart":              {samplesTIFF{colours: cmyk, bits: 8, samples: 4, packed: 5, differences: true, planar: []uint16{2}}, ink},
		"print, apart, in tiles":    {samplesTIFF{colours: cmyk, bits: 16, samples: 4, packed: 8, tiled: true, planar: []uint16{2}}, ink},
		"not packed, as zero":       {samplesTIFF{colours: blackIsZero, bits: 8, samples: 1}, grey},
		"grey, premultiplied":       {samplesTIFF{colours: blackIsZero, bits: 16, samples: 2, packed: 1, extra: []uint16{1}}, onNothing},
		"print":                     {samplesTIFF{colours: cmyk, bits: 8, samples: 4, packed: 8}, ink},
		"colours and one not named": {samplesTIFF{colours: rgb, bits: 8, samples: 4, packed: 8, extra: []uint16{0}}, andNothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			showsLetter(t, c.of.of(t, page, c.values))
		})
	}
}

// TestFaxesAreRead has files that libtiff's tiffcp wrote of one page: lines told by those above, filled up to whole bytes, the lowest bit
// first; tiles of group 4, where black is zero; half as many lines as an inch has columns.
func TestFaxesAreRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fax-two-dimensions.tiff", "fax-tiles.tiff", "fax-coarse.tiff"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			showsLetter(t, content)
			shown, err := render(t, content, 1, 110)
			if err != nil {
				t.Fatal(err)
			}
			if r, _, _, _ := shown.At(2, 2).RGBA(); shown.Bounds().Dy() != 30 || r>>8 < 0xf0 {
				t.Errorf("%v, %d in its corner", shown.Bounds(), r>>8)
			}
		})
	}
}

func TestDamagedTIFFs(t *testing.T) {
	t.Parallel()
	page := drawn(t, letter...)
	whole := packedTIFF{yCbCr, page.Rect.Size(), false}
	tiles := samplesTIFF{colours: blackIsZero, bits: 4, samples: 1, packed: 8, tiled: true}.of(t, page, grey)
	strange := tiffPage{
		size: image.Pt(8, 8), piece: image.Pt(8, 8), pieces: [][]byte{make([]byte, 24)},
		fields: map[uint16]any{258: []uint16{3}, 262: []uint16{blackIsZero}},
	}
	empty := tiffPage{size: page.Rect.Size(), piece: page.Rect.Size(), fields: map[uint16]any{259: []uint16{7}}}
	apart := tiffPage{size: image.Pt(8, 8), piece: image.Pt(8, 8), fields: map[uint16]any{259: []uint16{7}, 277: []uint16{3}, 284: []uint16{2}}}
	fax := tiffPage{
		size: image.Pt(8, 8), piece: image.Pt(8, 8), pieces: [][]byte{make([]byte, 24)}, fields: map[uint16]any{259: []uint16{3}},
	}
	colourFax := samplesTIFF{colours: rgb, bits: 8, samples: 3, packed: 4, planar: []uint16{2}}
	unknown := samplesTIFF{colours: rgb, bits: 8, samples: 3, packed: 34661}
	halved := bytes.Clone(whole.of(t, page))
	width := bytes.LastIndex(halved, []byte("\x00\x01\x04\x00\x01\x00\x00\x00")) + 8
	binary.LittleEndian.PutUint32(halved[width:], uint32(page.Rect.Dx()/2))
	for name, c := range map[string]struct {
		content []byte
		limits  extract.Limits
		code    string
	}{
		"a JPEG larger than its place": {halved, extract.Limits{}, document.CodeMalformed},
		"no pieces":                    {empty.bytes(), extract.Limits{}, document.CodeMalformed},
		"a packing that is not known":  {unknown.of(t, page, andNothing), extract.Limits{}, document.CodeUnsupported},
		"JPEGs of one colour each":     {apart.bytes(), extract.Limits{}, document.CodeUnsupported},
		"a fax in colours apart":       {colourFax.of(t, page, andNothing), extract.Limits{}, document.CodeUnsupported},
		"a fax without a line":         {fax.bytes(), extract.Limits{}, document.CodeMalformed},
		"three bits":                   {strange.bytes(), extract.Limits{}, document.CodeUnsupported},
		"tiles of too many pixels":     {tiles, extract.Limits{MaxPixels: 47 * 48}, document.CodeTooLargeToRead},
	} {
		if _, err := read(t, newOCR(t, c.limits), c.content); code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
