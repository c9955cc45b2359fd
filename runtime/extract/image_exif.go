package extract

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

// jpegOrientation reads the first EXIF segment. What is damaged is upright.
func jpegOrientation(file io.Reader) int {
	r := bufio.NewReader(file)
	var marker [4]byte
	if _, err := io.ReadFull(r, marker[:2]); err != nil {
		return upright
	}
	for {
		if _, err := io.ReadFull(r, marker[:]); err != nil || marker[0] != 0xff || marker[1] == 0xda { // where the image begins
			return upright
		}
		length := int(binary.BigEndian.Uint16(marker[2:])) - 2
		if length < 0 {
			return upright
		}
		if marker[1] != 0xe1 { // APP1
			if _, err := r.Discard(length); err != nil {
				return upright
			}
			continue
		}
		segment := make([]byte, length)
		if _, err := io.ReadFull(r, segment); err != nil {
			return upright
		}
		if exif, found := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); found {
			return exifOrientation(exif)
		}
	}
}

// exifOrientation reads a TIFF of one directory that has no image.
func exifOrientation(exif []byte) int {
	file := io.NewSectionReader(bytes.NewReader(exif), 0, int64(len(exif)))
	order, at, err := tiffHeader(file)
	if err != nil {
		return upright
	}
	directory, err := readDirectory(file, order, at)
	if err != nil {
		return upright
	}
	return directory.number(tagOrientation, upright)
}
