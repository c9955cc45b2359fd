package extract

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"slices"

	"golang.org/x/image/tiff"

	"github.com/docvault/docvault/runtime/document"
)

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
		d, err := readDirectory(file, order, next)
		if err != nil {
			break // what comes behind damage is lost
		}
		next = d.next
		if len(pictures) > 0 && d.number(tagSubfileType, 0)&reduced != 0 {
			continue // a page again, smaller
		}
		p, err := d.picture(limits)
		if err != nil && len(pictures) == 0 {
			return nil, unreadable(err)
		}
		if err != nil {
			break // likewise
		}
		p.orientation = d.number(tagOrientation, upright)
		pictures = append(pictures, p)
	}
	if len(pictures) == 0 {
		return nil, brokenImage()
	}
	return pictures, nil
}

// picture finds out the size, and who decodes the page: x/image/tiff what it knows.
func (d *tiffDirectory) picture(limits Limits) (picture, error) {
	switch packed := d.number(tagCompression, packedNot); {
	case !packings[packed], packed == packedJPEG && d.planes() > 1:
		return picture{}, tiff.UnsupportedError("packing")
	case packed == packedRuns, packed == packedG3, packed == packedG4:
		return d.ofFax(limits)
	case d.planes() > 1:
		return d.ofSamples(limits)
	case packed == packedJPEG:
		return d.ofJPEGs(limits)
	}
	page := &tiffPage{SectionReader: d.file, order: d.order, directory: d.at}
	config, err := tiff.DecodeConfig(page.reader())
	if err != nil {
		return d.ofSamples(limits)
	}
	decode := func() (image.Image, error) { return tiff.Decode(page.reader()) }
	return picture{size: image.Pt(config.Width, config.Height), decode: decode}, nil
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
