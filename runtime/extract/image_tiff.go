package extract

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"

	"golang.org/x/image/tiff"

	"github.com/docvault/docvault/runtime/document"
)

// tagOrientation is TIFF's and EXIF's number of the field that says how the image is turned.
const tagOrientation = 0x0112

var errNoDirectory = errors.New("no directory of a TIFF")

// openTIFF finds the pages: each directory names where the next one begins.
func openTIFF(file *io.SectionReader, limits Limits) ([]picture, error) {
	order, next, err := tiffHeader(file)
	if err != nil {
		return nil, err
	}
	var pictures []picture
	var seen []uint32
	for next != 0 && !slices.Contains(seen, next) {
		if len(pictures) == limits.MaxPages {
			return nil, &document.ReadError{Code: document.CodeTooLargeToRead, Detail: fmt.Sprintf(
				"The image has more than %d pages, which is as many as are read. Split it.", limits.MaxPages)}
		}
		seen = append(seen, next)
		page := &tiffPage{SectionReader: file, order: order, directory: next}
		config, err := tiff.DecodeConfig(page.reader())
		if err != nil && len(pictures) == 0 {
			return nil, unreadableTIFF(err)
		}
		orientation, following, err2 := readDirectory(file, order, next)
		if err != nil || err2 != nil {
			break // what comes behind damage is lost
		}
		pictures = append(pictures, picture{
			size: image.Pt(config.Width, config.Height), orientation: orientation,
			decode: func() (image.Image, error) { return tiff.Decode(page.reader()) },
		})
		next = following
	}
	if len(pictures) == 0 {
		return nil, brokenImage()
	}
	return pictures, nil
}

func unreadableTIFF(err error) error {
	var unsupported tiff.UnsupportedError
	if errors.As(err, &unsupported) {
		return &document.ReadError{
			Code: document.CodeUnsupported, Detail: "The TIFF is compressed in a way that cannot be read. Save it as PDF, PNG or JPEG.",
		}
	}
	return brokenImage()
}

func tiffHeader(file io.ReaderAt) (binary.ByteOrder, uint32, error) {
	var head [8]byte
	if _, err := file.ReadAt(head[:], 0); err != nil {
		return nil, 0, brokenImage()
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 'M' {
		order = binary.BigEndian
	}
	if order.Uint16(head[2:]) != 42 {
		return nil, 0, &document.ReadError{
			Code: document.CodeUnsupported, Detail: "BigTIFF cannot be read. Save it as PDF, PNG, JPEG or plain TIFF.",
		}
	}
	return order, order.Uint32(head[4:]), nil
}

// readDirectory also returns where the next directory begins, 0 when this is the last.
func readDirectory(file io.ReaderAt, order binary.ByteOrder, at uint32) (orientation int, next uint32, err error) {
	var count [2]byte
	if _, err := file.ReadAt(count[:], int64(at)); err != nil {
		return 0, 0, errNoDirectory
	}
	const entryBytes = 12
	entries := make([]byte, int(order.Uint16(count[:]))*entryBytes+4)
	if n, err := file.ReadAt(entries, int64(at)+2); err != nil && n < len(entries) {
		return 0, 0, errNoDirectory
	}
	orientation = upright
	last := len(entries) - 4
	for i := 0; i < last; i += entryBytes {
		if order.Uint16(entries[i:]) == tagOrientation {
			orientation = int(order.Uint16(entries[i+8:]))
		}
	}
	return orientation, order.Uint32(entries[last:]), nil
}

// tiffPage is a TIFF whose header names another directory as its first: the decoder reads the first one only.
type tiffPage struct {
	*io.SectionReader

	order     binary.ByteOrder
	directory uint32
}

// reader begins at the beginning.
func (p *tiffPage) reader() io.Reader {
	return io.NewSectionReader(p, 0, p.Size())
}

// ReadAt implements io.ReaderAt.
func (p *tiffPage) ReadAt(to []byte, at int64) (int, error) {
	n, err := p.SectionReader.ReadAt(to, at)
	var directory [4]byte
	p.order.PutUint32(directory[:], p.directory)
	for i, b := range directory {
		if place := 4 + int64(i) - at; place >= 0 && place < int64(n) {
			to[place] = b
		}
	}
	return n, err //nolint:wrapcheck // io.EOF is part of the contract of ReaderAt
}
