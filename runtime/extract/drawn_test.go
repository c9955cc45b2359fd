package extract_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// drawn returns an image of lines of text, as a scan at 200 dpi has them.
func drawn(t testing.TB, lines ...string) *image.Gray {
	t.Helper()
	const margin, lineHeight, width = 80, 60, 1200
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 36, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	page := image.NewGray(image.Rect(0, 0, width, 2*margin+len(lines)*lineHeight))
	draw.Draw(page, page.Rect, image.White, image.Point{}, draw.Src)
	pen := font.Drawer{Dst: page, Src: image.Black, Face: face}
	for i, line := range lines {
		pen.Dot = fixed.P(margin, margin+(i+1)*lineHeight)
		pen.DrawString(line)
	}
	return page
}

// quarterTurns turns an image clockwise.
func quarterTurns(from *image.Gray, times int) *image.Gray {
	for range times {
		size := from.Rect.Size()
		to := image.NewGray(image.Rect(0, 0, size.Y, size.X))
		for y := range size.Y {
			for x := range size.X {
				to.SetGray(size.Y-1-y, x, from.GrayAt(x, y))
			}
		}
		from = to
	}
	return from
}

// oneBit returns the rows of an image, eight pixels a byte, white is 1.
func oneBit(from *image.Gray) []byte {
	size := from.Rect.Size()
	stride := (size.X + 7) / 8
	rows := make([]byte, stride*size.Y)
	for y := range size.Y {
		for x := range size.X {
			if from.GrayAt(x, y).Y >= 128 {
				rows[y*stride+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return rows
}

// tiffOf writes pages as a scanner does: one bit a pixel, turned as the orientation says.
func tiffOf(orientation int, pages ...*image.Gray) []byte {
	var out bytes.Buffer
	out.WriteString("II*\x00")
	at := uint32(8)
	for i, page := range pages {
		rows := oneBit(page)
		start := at + uint32(len(rows))
		start += start % 2
		_ = binary.Write(&out, binary.LittleEndian, start)
		for out.Len() < int(at) { // the header, or the end of the directory before
			out.WriteByte(0)
		}
		out.Write(rows)
		for out.Len() < int(start) {
			out.WriteByte(0)
		}
		reduced := uint32(0)
		if page.Rect.Dx() < pages[0].Rect.Dx() {
			reduced = 1
		}
		entries := [][2]uint32{
			{254, reduced},
			{256, uint32(page.Rect.Dx())},
			{257, uint32(page.Rect.Dy())},
			{258, 1},
			{259, 1},
			{262, 1},
			{273, at},
			{274, uint32(orientation)},
			{277, 1},
			{278, uint32(page.Rect.Dy())},
			{279, uint32(len(rows))},
		}
		_ = binary.Write(&out, binary.LittleEndian, uint16(len(entries)))
		for _, entry := range entries {
			_ = binary.Write(&out, binary.LittleEndian, []uint16{uint16(entry[0]), 4})
			_ = binary.Write(&out, binary.LittleEndian, []uint32{1, entry[1]})
		}
		at = uint32(out.Len()) + 4
		if i == len(pages)-1 {
			out.Write(make([]byte, 4))
		}
	}
	return out.Bytes()
}

// exifed puts an orientation into a JPEG.
func exifed(jpeg []byte, orientation byte) []byte {
	exif := "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00\x00\x00\x00\x00"
	segment := append([]byte{0xff, 0xe1, 0, byte(len(exif) + 2)}, exif...)
	return append(append(bytes.Clone(jpeg[:2]), segment...), jpeg[2:]...)
}

// noise is what makes tesseract look for letters the longest.
func noise(width, height int) *image.Gray {
	page := image.NewGray(image.Rect(0, 0, width, height))
	seed := uint32(1)
	for i := range page.Pix {
		seed = seed*1664525 + 1013904223
		if seed>>30 == 0 {
			continue
		}
		page.Pix[i] = 0xff
	}
	return page
}

// onClear puts an image's black on a transparent ground.
func onClear(from *image.Gray) *image.NRGBA {
	to := image.NewNRGBA(from.Rect)
	for y := range from.Rect.Dy() {
		for x := range from.Rect.Dx() {
			to.SetNRGBA(x, y, color.NRGBA{A: 255 - from.GrayAt(x, y).Y})
		}
	}
	return to
}
