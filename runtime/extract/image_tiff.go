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

// The fields of TIFF 6.0 that are read here; that of the orientation is EXIF's too.
const (
	tagWidth           = 256
	tagHeight          = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagColours         = 262
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagPlanar          = 284
	tagPredictor       = 317
	tagPalette         = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
)

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
		d, err := readDirectory(file, order, next)
		if err != nil {
			break // what comes behind damage is lost
		}
		p, err := d.picture(limits)
		if err != nil && len(pictures) == 0 {
			return nil, unreadable(err)
		}
		if err != nil {
			break
		}
		p.orientation = d.number(tagOrientation, upright)
		pictures = append(pictures, p)
		next = d.next
	}
	if len(pictures) == 0 {
		return nil, brokenImage()
	}
	return pictures, nil
}

// picture finds out the size, and who decodes the page: x/image/tiff what it knows.
func (d *tiffDirectory) picture(limits Limits) (picture, error) {
	switch packed := d.number(tagCompression, packedNot); {
	case !packings[packed], d.number(tagPlanar, 1) != 1:
		return picture{}, tiff.UnsupportedError("packing")
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

// tiffDirectory is what a page of a TIFF says of itself.
type tiffDirectory struct {
	file    *io.SectionReader
	order   binary.ByteOrder
	at      uint32
	entries []byte
	next    uint32 // where the next directory begins, 0 when this is the last
}

const tiffEntryBytes = 12

func readDirectory(file *io.SectionReader, order binary.ByteOrder, at uint32) (*tiffDirectory, error) {
	var count [2]byte
	if _, err := file.ReadAt(count[:], int64(at)); err != nil {
		return nil, errNoDirectory
	}
	entries := make([]byte, int(order.Uint16(count[:]))*tiffEntryBytes+4)
	if n, err := file.ReadAt(entries, int64(at)+2); err != nil && n < len(entries) {
		return nil, errNoDirectory
	}
	last := len(entries) - 4
	return &tiffDirectory{file: file, order: order, at: at, entries: entries[:last], next: order.Uint32(entries[last:])}, nil
}

// number returns the first value of a field, or usual where it has none.
func (d *tiffDirectory) number(tag uint16, usual int) int {
	if values := d.numbers(tag); len(values) > 0 {
		return int(values[0])
	}
	return usual
}

// numbers returns the values of a field of whole numbers; none where it is absent or damaged.
func (d *tiffDirectory) numbers(tag uint16) []uint32 {
	raw, width := d.values(tag)
	values := make([]uint32, 0, len(raw)/width)
	for ; len(raw) >= width; raw = raw[width:] {
		switch width {
		case 1:
			values = append(values, uint32(raw[0]))
		case 2:
			values = append(values, uint32(d.order.Uint16(raw)))
		case 4:
			values = append(values, d.order.Uint32(raw))
		}
	}
	return values
}

// tiffWidths are the bytes of a value by the types that are read here: BYTE, SHORT, LONG and UNDEFINED.
var tiffWidths = map[uint16]int{1: 1, 3: 2, 4: 4, 7: 1}

// values returns the bytes of a field, and how many make a value. They stand in the entry, or where it says.
func (d *tiffDirectory) values(tag uint16) (raw []byte, width int) {
	for entry := d.entries; len(entry) >= tiffEntryBytes; entry = entry[tiffEntryBytes:] {
		if d.order.Uint16(entry) != tag {
			continue
		}
		width := tiffWidths[d.order.Uint16(entry[2:])]
		size := int64(width) * int64(d.order.Uint32(entry[4:]))
		switch {
		case width == 0 || size > d.file.Size():
			return nil, 1
		case size <= 4:
			return entry[8:][:size], width
		}
		raw = make([]byte, size)
		if _, err := d.file.ReadAt(raw, int64(d.order.Uint32(entry[8:]))); err != nil {
			return nil, 1
		}
		return raw, width
	}
	return nil, 1
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
