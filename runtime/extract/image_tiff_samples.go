package extract

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/tiff"
	"golang.org/x/image/tiff/lzw"
)

// tiffSamples is a page of which x/image/tiff does not know the pixels: grey or a palette in two or four bits, the colours of print,
// grey with transparency, values that no field explains, colours apart.
type tiffSamples struct {
	*tiffPieces

	order         binary.ByteOrder
	packed        int
	differences   bool // each value is told by what it is more than the one to its left
	bits, samples int  // of a value; values of a pixel
	together      int  // values of a pixel that stand together: all, or one of each plane
	colours       int
	own           int // values that make the colour; more are something else
	extra         int // what the first of the others is
	palette       []uint32
}

// What an additional value of a pixel is.
const (
	extraPremultiplied = 1 // transparency, which the colours have been multiplied by
	extraTransparency  = 2
)

// ownSamples is how many values make a colour.
var ownSamples = map[int]int{coloursWhiteIsZero: 1, coloursBlackIsZero: 1, coloursRGB: 3, coloursPalette: 1, coloursCMYK: 4}

func (d *tiffDirectory) ofSamples(limits Limits) (picture, error) {
	pieces, err := d.pieces(limits)
	if err != nil {
		return picture{}, err
	}
	page := &tiffSamples{
		tiffPieces: pieces, order: d.order, packed: d.number(tagCompression, packedNot), differences: d.number(tagPredictor, 1) == 2,
		bits: d.number(tagBitsPerSample, 1), samples: d.number(tagSamplesPerPixel, 1), colours: d.number(tagColours, -1),
		extra: d.number(tagExtraSamples, 0), palette: d.numbers(tagPalette),
	}
	page.own, page.together = ownSamples[page.colours], page.samples/d.planes()
	for _, bits := range d.numbers(tagBitsPerSample) {
		if int(bits) != page.bits {
			return picture{}, tiff.UnsupportedError("values of unlike size")
		}
	}
	if !page.known() || d.number(tagSampleFormat, 1) != 1 {
		return picture{}, tiff.UnsupportedError("values")
	}
	return picture{size: page.size, decode: page.decode}, nil
}

func (p *tiffSamples) known() bool {
	switch p.bits {
	case 1, 2, 4:
		if p.differences {
			return false
		}
	case 8, 16:
	default:
		return false
	}
	const most = 16 // values of a pixel
	return p.own > 0 && p.own <= p.samples && p.samples <= most && (p.colours != coloursPalette || len(p.palette) == 3<<p.bits)
}

func (p *tiffSamples) decode() (image.Image, error) {
	page := image.NewNRGBA(image.Rectangle{Max: p.size})
	row := make([]byte, (p.piece.X*p.together*p.bits+7)/8)
	values, plane := make([]uint16, p.piece.X*p.samples), make([]uint16, p.piece.X*p.together)
	for i := range p.columns() * p.rows() {
		planes, err := p.planes(i)
		if err != nil {
			return nil, err
		}
		at := p.place(i)
		for y := at.Min.Y; y < min(at.Max.Y, p.size.Y); y++ {
			for first, in := range planes {
				if _, err := io.ReadFull(in, row); err != nil {
					return nil, err //nolint:wrapcheck // the page is broken, whatever it says
				}
				p.part(row, plane)
				for x := range p.piece.X {
					copy(values[x*p.samples+first:], plane[x*p.together:][:p.together])
				}
			}
			for x := at.Min.X; x < min(at.Max.X, p.size.X); x++ {
				page.SetNRGBA(x, y, p.colour(values[(x-at.Min.X)*p.samples:][:p.samples]))
			}
		}
	}
	return page, nil
}

// planes opens a piece in each of the planes.
func (p *tiffSamples) planes(i int) ([]io.Reader, error) {
	var planes []io.Reader
	for ; i < len(p.offsets); i += p.columns() * p.rows() {
		data, err := p.data(i)
		if err != nil {
			return nil, err
		}
		in, err := p.unpacked(data)
		if err != nil {
			return nil, err
		}
		planes = append(planes, in)
	}
	return planes, nil
}

func (p *tiffSamples) unpacked(data []byte) (io.Reader, error) {
	in := bytes.NewReader(data)
	switch p.packed {
	case packedLZW:
		return lzw.NewReader(in, lzw.MSB, 8), nil
	case packedDeflate, packedDeflate2:
		return zlib.NewReader(in) //nolint:wrapcheck // the page is broken, whatever it says
	case packedBits:
		return &unpackBits{in: in}, nil
	}
	return in, nil
}

// part splits a row into values.
func (p *tiffSamples) part(row []byte, values []uint16) {
	for i := range values {
		switch p.bits {
		case 8:
			values[i] = uint16(row[i])
		case 16:
			values[i] = p.order.Uint16(row[2*i:])
		default:
			bit := i * p.bits
			values[i] = uint16(row[bit/8]>>(8-p.bits-bit%8)) & (1<<p.bits - 1)
		}
		if p.differences && i >= p.together {
			values[i] += values[i-p.together]
			if p.bits == 8 {
				values[i] &= 0xff
			}
		}
	}
}

func (p *tiffSamples) colour(values []uint16) color.NRGBA {
	if p.colours == coloursPalette {
		shade := func(i int) uint8 { return uint8(p.palette[i<<p.bits+int(values[0])] >> 8) } //nolint:gosec // of sixteen bits
		return color.NRGBA{shade(0), shade(1), shade(2), 0xff}
	}
	var v [5]uint8
	for i := range min(p.own+1, p.samples) {
		v[i] = uint8(uint32(values[i]) * 0xff / (1<<p.bits - 1)) //nolint:gosec // at most 0xff
	}
	seen := color.NRGBA{v[0], v[1], v[2], 0xff}
	switch p.colours {
	case coloursWhiteIsZero:
		seen = color.NRGBA{0xff - v[0], 0xff - v[0], 0xff - v[0], 0xff}
	case coloursBlackIsZero:
		seen = color.NRGBA{v[0], v[0], v[0], 0xff}
	case coloursCMYK:
		seen.R, seen.G, seen.B = color.CMYKToRGB(v[0], v[1], v[2], v[3])
	}
	if p.own == p.samples {
		return seen
	}
	switch alpha := v[p.own]; p.extra {
	case extraTransparency:
		seen.A = alpha
	case extraPremultiplied:
		return color.NRGBAModel.Convert(color.RGBA{min(seen.R, alpha), min(seen.G, alpha), min(seen.B, alpha), alpha}).(color.NRGBA)
	}
	return seen
}

// unpackBits reads runs of bytes, alike or not, as TIFF 6.0 has them in its section 9.
type unpackBits struct {
	in    *bytes.Reader
	left  int // bytes of the run
	alike bool
	b     byte
}

// Read implements io.Reader.
func (u *unpackBits) Read(to []byte) (n int, err error) {
	for n < len(to) {
		if u.left == 0 {
			if err := u.next(); err != nil {
				return n, err
			}
			continue
		}
		if !u.alike {
			if u.b, err = u.in.ReadByte(); err != nil {
				return n, err //nolint:wrapcheck // io.EOF is part of the contract of Reader
			}
		}
		to[n] = u.b
		n++
		u.left--
	}
	return n, nil
}

// next begins a run. Of the lengths, -128 means nothing.
func (u *unpackBits) next() error {
	head, err := u.in.ReadByte()
	switch length := int(int8(head)); { //nolint:gosec // negative numbers are meant
	case err != nil:
		return err //nolint:wrapcheck // io.EOF is part of the contract of Reader
	case length >= 0:
		u.left, u.alike = length+1, false
	case length != -128:
		u.left, u.alike = 1-length, true
		u.b, err = u.in.ReadByte()
	}
	return err //nolint:wrapcheck // likewise
}
