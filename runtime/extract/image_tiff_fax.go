package extract

import (
	"bytes"
	"image"

	"golang.org/x/image/tiff"
)

const (
	// twoDimensions is of the options of packedG3.
	twoDimensions = 1 << 0
	// lowestFirst is the order of bits that does not begin with the highest.
	lowestFirst = 2
)

// tiffFax is a page as fax machines pack it. x/image/tiff takes its black for white where the colours say that black is zero.
type tiffFax struct {
	*tiffPieces

	format      faxFormat
	lowestFirst bool
	inverted    bool
	tall        int // lines that a line is drawn as
}

func (d *tiffDirectory) ofFax(limits Limits) (picture, error) {
	pieces, err := d.pieces(limits)
	if err != nil {
		return picture{}, err
	}
	if d.number(tagBitsPerSample, 1) != 1 || d.number(tagSamplesPerPixel, 1) != 1 {
		return picture{}, tiff.UnsupportedError("colours in a fax")
	}
	page := &tiffFax{
		tiffPieces: pieces, lowestFirst: d.number(tagFillOrder, 1) == lowestFirst, tall: 1,
		inverted: d.number(tagColours, coloursWhiteIsZero) == coloursBlackIsZero,
	}
	switch d.number(tagCompression, packedNot) {
	case packedRuns:
		page.format.wholeBytes = true
	case packedG3:
		page.format.lineEnds, page.format.twoDimensions = true, d.number(tagT4Options, 0)&twoDimensions != 0
	case packedG4:
		page.format.twoDimensions = true
	}
	// The coarser of the two finenesses of faxes is 204 by 98 to the inch.
	if across, down := d.number(tagXResolution, 1), d.number(tagYResolution, 1); 2*across > 3*down && across < 3*down {
		page.tall = 2
	}
	return picture{size: image.Pt(page.size.X, page.size.Y*page.tall), decode: page.decode}, nil
}

func (p *tiffFax) decode() (image.Image, error) {
	page := &image.Gray{Pix: bytes.Repeat([]byte{0xff}, p.size.X*p.size.Y), Stride: p.size.X, Rect: image.Rectangle{Max: p.size}}
	lines := 0
	for i := range p.offsets {
		data, err := p.data(i)
		if err != nil {
			return nil, err
		}
		piece := fax{faxFormat: p.format, faxBits: newFaxBits(data, p.lowestFirst), width: p.piece.X}
		lines += piece.draw(page, p.place(i))
	}
	if lines == 0 {
		return nil, tiff.FormatError("fax")
	}
	if p.inverted {
		for i := range page.Pix {
			page.Pix[i] ^= 0xff
		}
	}
	return p.stretched(page), nil
}

func (p *tiffFax) stretched(page *image.Gray) *image.Gray {
	if p.tall == 1 {
		return page
	}
	tall := image.NewGray(image.Rect(0, 0, p.size.X, p.size.Y*p.tall))
	for y := range tall.Rect.Dy() {
		copy(tall.Pix[y*tall.Stride:], page.Pix[y/p.tall*page.Stride:][:p.size.X])
	}
	return tall
}
