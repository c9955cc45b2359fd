package extract

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"slices"
)

// imageMagic is how images begin.
var imageMagic = []struct {
	magic string
	is    Type
}{
	{"\x89PNG\r\n\x1a\n", typePNG},
	{"\xff\xd8\xff", typeJPEG},
	{"II*\x00", typeTIFF},
	{"MM\x00*", typeTIFF},
	{"II+\x00", typeTIFF}, // BigTIFF
	{"MM\x00+", typeTIFF},
	{"GIF87a", typeGIF},
	{"GIF89a", typeGIF},
}

// newImageMagic begins what no decoder here reads: ISO base media files of still images, JPEG XL.
var newImageMagic = regexp.MustCompile(`^(?s:....ftyp(heic|heix|heim|heis|hevc|mif1|msf1|avif|avis)|\x00\x00\x00\x0cJXL )`)

func tellImage(head []byte) (Type, bool) {
	head = bytes.TrimPrefix(head, bomUTF8)
	for _, image := range imageMagic {
		if bytes.HasPrefix(head, []byte(image.magic)) {
			return image.is, image.is != typeGIF || !isText(head) // a text may begin with GIF89a
		}
	}
	switch {
	case isWebP(head):
		return typeWebP, true
	case isBMP(head):
		return typeBMP, true
	case newImageMagic.Match(head):
		return typeNewImage, true
	}
	return Type{}, false
}

func isWebP(head []byte) bool {
	return len(head) >= 16 && string(head[:4]) == "RIFF" && string(head[8:15]) == "WEBPVP8"
}

// isBMP wants the reserved bytes to be zero and the second header to have one of the lengths that there are: BM begins many a text.
func isBMP(head []byte) bool {
	if len(head) < 18 || string(head[:2]) != "BM" || binary.LittleEndian.Uint32(head[6:]) != 0 {
		return false
	}
	return slices.Contains([]uint32{12, 16, 40, 52, 56, 64, 108, 124}, binary.LittleEndian.Uint32(head[14:]))
}
