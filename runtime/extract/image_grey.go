package extract

import (
	"bytes"
	"image"
	"image/draw"

	xdraw "golang.org/x/image/draw"
)

// upright is EXIF's number of an image that is stored as it is seen.
const upright = 1

// greyOf draws an image on white, in shades of grey.
func greyOf(decoded image.Image) *image.Gray {
	bounds := decoded.Bounds()
	switch from := decoded.(type) {
	case *image.Gray:
		return from
	case *image.YCbCr: // its first part is the grey image
		return &image.Gray{Pix: from.Y, Stride: from.YStride, Rect: bounds}
	}
	grey := &image.Gray{
		Pix: bytes.Repeat([]byte{0xff}, bounds.Dx()*bounds.Dy()), Stride: bounds.Dx(), Rect: image.Rect(0, 0, bounds.Dx(), bounds.Dy()),
	}
	draw.Draw(grey, grey.Rect, decoded, bounds.Min, draw.Over)
	return grey
}

// turn gives the pixels of the image that EXIF's orientation means, and its size: 2 to 4 mirrored, turned by 180 degrees, upside
// down; 5 to 8 the same with columns for rows. A pixel is some bytes, and there is none between two rows.
func turn(from []byte, bytesEach int, size image.Point, orientation int) ([]byte, image.Point) {
	if orientation <= upright || orientation > 8 {
		return from, size
	}
	swapped := orientation > 4
	mirrored := orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8
	flipped := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
	seen := size
	if swapped {
		seen = image.Pt(size.Y, size.X)
	}
	to := make([]byte, 0, len(from))
	for y := range seen.Y {
		for x := range seen.X {
			at := image.Pt(x, y)
			if swapped {
				at = image.Pt(y, x)
			}
			if mirrored {
				at.X = size.X - 1 - at.X
			}
			if flipped {
				at.Y = size.Y - 1 - at.Y
			}
			start := (at.Y*size.X + at.X) * bytesEach
			to = append(to, from[start:start+bytesEach]...)
		}
	}
	return to, seen
}

// turnGrey turns an image that may have bytes between its rows.
func turnGrey(from *image.Gray, orientation int) *image.Gray {
	if orientation <= upright {
		return from
	}
	pixels, size := turn(packed(from), 1, from.Rect.Size(), orientation)
	return &image.Gray{Pix: pixels, Stride: size.X, Rect: image.Rectangle{Max: size}}
}

// packed returns the pixels of an image without what lies between its rows.
func packed(grey *image.Gray) []byte {
	size := grey.Rect.Size()
	if grey.Stride == size.X {
		return grey.Pix[:size.X*size.Y]
	}
	pixels := make([]byte, 0, size.X*size.Y)
	for y := range size.Y {
		pixels = append(pixels, grey.Pix[y*grey.Stride:][:size.X]...)
	}
	return pixels
}

// scale draws an image larger or smaller.
func scale(from *image.Gray, factor float64) *image.Gray {
	size := from.Rect.Size()
	to := image.NewGray(image.Rect(0, 0, max(1, int(float64(size.X)*factor)), max(1, int(float64(size.Y)*factor))))
	xdraw.CatmullRom.Scale(to, to.Rect, from, from.Rect, xdraw.Src, nil)
	return to
}

// plain reports whether an image has no contrast: there is nothing to read, which tesseract would take its time to find out.
func plain(grey *image.Gray) bool {
	least, most := byte(0xff), byte(0)
	size := grey.Rect.Size()
	for y := range size.Y {
		for _, shade := range grey.Pix[y*grey.Stride:][:size.X] {
			least, most = min(least, shade), max(most, shade)
		}
	}
	return int(most)-int(least) < 16
}
