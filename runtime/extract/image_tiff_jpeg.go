package extract

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"math"

	"golang.org/x/image/tiff"
)

// compressedByJPEG is how scanners pack colours. Each strip or tile is a JPEG, without the tables that stand once for the page (TIFF
// Technical Note 2, Adobe Photoshop TIFF Technical Notes).
const compressedByJPEG = 7

// The colours of JPEGs in TIFFs.
const (
	coloursBlackIsZero = 1
	coloursRGB         = 2
	coloursYCbCr       = 6
)

// adobeRGB says of three colours that they are red, green and blue, which decoders would take for luminance and chrominance.
const adobeRGB = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"

const (
	jpegBegins = "\xff\xd8"
	jpegEnds   = "\xff\xd9"
)

// jpegPage is a page of a TIFF whose pieces, strips or tiles, are JPEGs. They stand from left to right and from top to bottom.
type jpegPage struct {
	file             *io.SectionReader
	size, piece      image.Point // pixels
	offsets, lengths []uint32
	head             []byte // what every piece begins with
}

func (d *tiffDirectory) jpegPicture(limits Limits) (picture, error) {
	p := &jpegPage{file: d.file, size: image.Pt(d.number(tagWidth, 0), d.number(tagHeight, 0)), head: []byte(jpegBegins)}
	p.piece, p.offsets, p.lengths = p.size, d.numbers(tagStripOffsets), d.numbers(tagStripByteCounts)
	p.piece.Y = min(p.size.Y, d.number(tagRowsPerStrip, p.size.Y))
	if tiles := d.numbers(tagTileOffsets); len(tiles) > 0 {
		p.piece, p.offsets, p.lengths = image.Pt(d.number(tagTileWidth, 0), d.number(tagTileHeight, 0)), tiles, d.numbers(tagTileByteCounts)
	}
	tables, _ := d.values(tagJPEGTables)
	p.head = append(p.head, bytes.TrimSuffix(bytes.TrimPrefix(tables, []byte(jpegBegins)), []byte(jpegEnds))...)
	switch d.number(tagColours, coloursYCbCr) {
	case coloursRGB:
		p.head = append(p.head, adobeRGB...)
	case coloursYCbCr, coloursBlackIsZero:
	default:
		return picture{}, tiff.UnsupportedError("colours in JPEG")
	}
	switch {
	case d.number(tagPlanar, 1) != 1:
		return picture{}, tiff.UnsupportedError("JPEG of one colour each")
	case p.piece.X < 1 || p.piece.Y < 1 || p.size.X < 1 || p.size.Y < 1 || p.size.X > math.MaxInt32 || p.size.Y > math.MaxInt32,
		len(p.offsets) != p.columns()*p.rows(), len(p.lengths) != len(p.offsets):
		return picture{}, tiff.FormatError("pieces")
	case p.piece.X > limits.MaxPixels/p.piece.Y: // of tiles: strips are no larger than their page
		return picture{}, tooManyPixels(p.piece, limits)
	}
	return picture{size: p.size, decode: p.decode}, nil
}

func (p *jpegPage) columns() int { return (p.size.X + p.piece.X - 1) / p.piece.X }
func (p *jpegPage) rows() int    { return (p.size.Y + p.piece.Y - 1) / p.piece.Y }

// decode puts the pieces together. A page of one piece needs no second copy.
func (p *jpegPage) decode() (image.Image, error) {
	first, err := p.decodePiece(0)
	if err != nil || first.Bounds().Size() == p.size {
		return first, err
	}
	var page draw.Image = image.NewRGBA(image.Rectangle{Max: p.size})
	if _, grey := first.(*image.Gray); grey {
		page = image.NewGray(image.Rectangle{Max: p.size})
	}
	for i, piece := 0, first; ; {
		at := image.Pt(i%p.columns()*p.piece.X, i/p.columns()*p.piece.Y)
		draw.Draw(page, piece.Bounds().Sub(piece.Bounds().Min).Add(at), piece, piece.Bounds().Min, draw.Src)
		if i++; i == len(p.offsets) {
			return page, nil
		}
		if piece, err = p.decodePiece(i); err != nil {
			return nil, err
		}
	}
}

// decodePiece decodes a piece that is no larger than it should be.
func (p *jpegPage) decodePiece(i int) (image.Image, error) {
	length := int64(p.lengths[i])
	if length < int64(len(jpegBegins)) || length > p.file.Size() {
		return nil, tiff.FormatError("length of a piece")
	}
	data := make([]byte, length)
	if _, err := p.file.ReadAt(data, int64(p.offsets[i])); err != nil {
		return nil, err //nolint:wrapcheck // the page is broken, whatever it says
	}
	data = append(bytes.Clone(p.head), bytes.TrimPrefix(data, []byte(jpegBegins))...)
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // likewise
	case config.Width > p.piece.X || config.Height > p.piece.Y:
		return nil, tiff.FormatError("size of a piece")
	}
	return jpeg.Decode(bytes.NewReader(data)) //nolint:wrapcheck // likewise
}
