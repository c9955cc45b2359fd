package extract

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"

	"golang.org/x/image/tiff"
)

// adobeRGB says of three colours that they are red, green and blue, which decoders would take for luminance and chrominance.
const adobeRGB = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"

const (
	jpegBegins = "\xff\xd8"
	jpegEnds   = "\xff\xd9"
)

// tiffOfJPEGs is a page as scanners pack colours: each piece is a JPEG, without the tables that stand once for the page (TIFF Technical
// Note 2, Adobe Photoshop TIFF Technical Notes).
type tiffOfJPEGs struct {
	*tiffPieces

	head []byte // what every piece begins with
}

func (d *tiffDirectory) ofJPEGs(limits Limits) (picture, error) {
	pieces, err := d.pieces(limits)
	if err != nil {
		return picture{}, err
	}
	tables, _ := d.values(tagJPEGTables)
	head := jpegBegins + string(bytes.TrimSuffix(bytes.TrimPrefix(tables, []byte(jpegBegins)), []byte(jpegEnds)))
	switch d.number(tagColours, coloursYCbCr) {
	case coloursRGB:
		head += adobeRGB
	case coloursYCbCr, coloursBlackIsZero:
	default:
		return picture{}, tiff.UnsupportedError("colours in JPEG")
	}
	page := &tiffOfJPEGs{tiffPieces: pieces, head: []byte(head)}
	return picture{size: page.size, decode: page.decode}, nil
}

// decode puts the pieces together. A page of one piece needs no second copy.
func (p *tiffOfJPEGs) decode() (image.Image, error) {
	first, err := p.decodePiece(0)
	if err != nil || first.Bounds().Size() == p.size {
		return first, err
	}
	var page draw.Image = image.NewRGBA(image.Rectangle{Max: p.size})
	if _, grey := first.(*image.Gray); grey {
		page = image.NewGray(image.Rectangle{Max: p.size})
	}
	for i, piece := 0, first; ; {
		draw.Draw(page, p.place(i), piece, piece.Bounds().Min, draw.Src)
		if i++; i == len(p.offsets) {
			return page, nil
		}
		if piece, err = p.decodePiece(i); err != nil {
			return nil, err
		}
	}
}

// decodePiece decodes a piece that is no larger than it should be.
func (p *tiffOfJPEGs) decodePiece(i int) (image.Image, error) {
	data, err := p.data(i)
	if err != nil {
		return nil, err
	}
	data = append(bytes.Clone(p.head), bytes.TrimPrefix(data, []byte(jpegBegins))...)
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // the page is broken, whatever it says
	case config.Width > p.piece.X || config.Height > p.piece.Y:
		return nil, tiff.FormatError("size of a piece")
	}
	return jpeg.Decode(bytes.NewReader(data)) //nolint:wrapcheck // likewise
}
