package extract

import (
	"image"
	"io"
	"math"

	"golang.org/x/image/tiff"
)

// The ways to pack a page that are read.
const (
	packedUnset    = 0 // which some write for the next
	packedNot      = 1
	packedRuns     = 2 // as packedG3, but for the ends of lines
	packedG3       = 3
	packedG4       = 4
	packedLZW      = 5
	packedJPEG     = 7
	packedDeflate  = 8
	packedBits     = 32773
	packedDeflate2 = 32946 // as it was before it had a number of its own
)

var packings = map[int]bool{
	packedUnset: true, packedNot: true, packedRuns: true, packedG3: true, packedG4: true, packedLZW: true, packedJPEG: true,
	packedDeflate: true, packedBits: true, packedDeflate2: true,
}

// What the values of a pixel mean.
const (
	coloursWhiteIsZero = 0
	coloursBlackIsZero = 1
	coloursRGB         = 2
	coloursPalette     = 3
	coloursCMYK        = 5
	coloursYCbCr       = 6
)

// tiffPieces are the strips or tiles of a page, from left to right and from top to bottom; those of its other planes follow.
type tiffPieces struct {
	file             *io.SectionReader
	size, piece      image.Point // pixels
	offsets, lengths []uint32
}

// planes is how many pages of one value a pixel stand for a page of more: one, but where colours are kept apart.
func (d *tiffDirectory) planes() int {
	const apart = 2
	if d.number(tagPlanar, 1) == apart {
		return max(1, d.number(tagSamplesPerPixel, 1))
	}
	return 1
}

// pieces finds them. Errors: a *document.ReadError for tiles of too many pixels; strips are no larger than their page.
func (d *tiffDirectory) pieces(limits Limits) (*tiffPieces, error) {
	p := &tiffPieces{file: d.file, size: image.Pt(d.number(tagWidth, 0), d.number(tagHeight, 0))}
	p.piece, p.offsets, p.lengths = p.size, d.numbers(tagStripOffsets), d.numbers(tagStripByteCounts)
	p.piece.Y = min(p.size.Y, d.number(tagRowsPerStrip, p.size.Y))
	if tiles := d.numbers(tagTileOffsets); len(tiles) > 0 {
		p.piece, p.offsets, p.lengths = image.Pt(d.number(tagTileWidth, 0), d.number(tagTileHeight, 0)), tiles, d.numbers(tagTileByteCounts)
	}
	switch {
	case p.piece.X < 1 || p.piece.Y < 1 || p.size.X < 1 || p.size.Y < 1 || p.size.X > math.MaxInt32 || p.size.Y > math.MaxInt32,
		len(p.offsets) != p.columns()*p.rows()*d.planes(), len(p.lengths) != len(p.offsets):
		return nil, tiff.FormatError("pieces")
	case p.piece.X > limits.MaxPixels/p.piece.Y:
		return nil, tooManyPixels(p.piece, limits)
	}
	return p, nil
}

func (p *tiffPieces) columns() int { return (p.size.X + p.piece.X - 1) / p.piece.X }
func (p *tiffPieces) rows() int    { return (p.size.Y + p.piece.Y - 1) / p.piece.Y }

// place is where a piece lies on the page. Tiles may reach beyond it.
func (p *tiffPieces) place(i int) image.Rectangle {
	at := image.Pt(i%p.columns()*p.piece.X, i/p.columns()*p.piece.Y)
	return image.Rectangle{Min: at, Max: at.Add(p.piece)}
}

// data reads a piece as it is packed.
func (p *tiffPieces) data(i int) ([]byte, error) {
	if int64(p.lengths[i]) > p.file.Size() {
		return nil, tiff.FormatError("length of a piece")
	}
	data := make([]byte, p.lengths[i])
	_, err := p.file.ReadAt(data, int64(p.offsets[i]))
	return data, err //nolint:wrapcheck // the page is broken, whatever it says
}
