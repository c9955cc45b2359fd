package extract

import (
	"encoding/binary"
	"errors"
	"io"
)

// The fields of TIFF 6.0 that are read here; that of the orientation is EXIF's too.
const (
	tagSubfileType     = 254
	tagWidth           = 256
	tagHeight          = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagColours         = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagXResolution     = 282
	tagYResolution     = 283
	tagPlanar          = 284
	tagT4Options       = 292
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

// reduced is of the subfile types: a smaller copy of another page.
const reduced = 1 << 0

var errNoDirectory = errors.New("no directory of a TIFF")

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

// numbers returns the values of a field, fractions without what is behind the point; none where it is absent or damaged.
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
		case 8:
			values = append(values, d.order.Uint32(raw)/max(1, d.order.Uint32(raw[4:])))
		}
	}
	return values
}

// tiffWidths are the bytes of a value by the types that are read here: BYTE, SHORT, LONG, RATIONAL and UNDEFINED.
var tiffWidths = map[uint16]int{1: 1, 3: 2, 4: 4, 5: 8, 7: 1}

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
