package extract

import (
	"image"
	"math/bits"
)

// The colours of a fax. A line begins in white.
const (
	white = 0
	black = 1
)

// faxFormat is how the lines of a fax are told.
type faxFormat struct {
	// twoDimensions has every line say where it differs from the one above (ITU-T T.6); with lineEnds, each line says whether it does.
	twoDimensions bool
	// lineEnds has a mark between lines, by which reading goes on behind damage (T.4).
	lineEnds bool
	// wholeBytes has every line begin with a byte (TIFF 6.0, section 10).
	wholeBytes bool
}

// fax decodes lines of black and white, as fax machines send them. x/image/ccitt gives up at a damaged line, of which faxes have some,
// and does not know lines of T.4 that differ from the one above.
type fax struct {
	faxFormat
	faxBits

	width int
	above []int
}

// draw puts the lines that can be read at their place on a page, which is white and may be smaller, and returns how many they are.
func (f *fax) draw(page *image.Gray, at image.Rectangle) (lines int) {
	for y := at.Min.Y; y < min(at.Max.Y, page.Rect.Max.Y) && f.more(); y++ {
		line, whole := f.line()
		switch {
		case whole:
			lines++
		case !f.lineEnds:
			return lines
		default:
			line = line[:len(line)&^1] // white from where it is lost
		}
		row := page.Pix[page.PixOffset(at.Min.X, y):page.PixOffset(page.Rect.Max.X, y)]
		for i := 0; i < len(line); i += 2 {
			end := f.width
			if i+1 < len(line) {
				end = line[i+1]
			}
			clear(row[min(line[i], len(row)):min(end, len(row))])
		}
		f.above = line
	}
	return lines
}

// line returns where the colour changes, from white first, and whether the line came to its end.
func (f *fax) line() (line []int, whole bool) {
	if f.wholeBytes {
		f.at = (f.at + 7) &^ 7
	}
	differs := f.twoDimensions
	if f.lineEnds {
		f.lineEnd()
		differs = differs && f.take(1) == 0
	}
	if differs {
		return f.differing()
	}
	return f.alone()
}

// alone reads a line of runs.
func (f *fax) alone() (line []int, whole bool) {
	for at := 0; at < f.width; {
		length, known := f.run(len(line) % 2)
		if !known || length > f.width-at {
			return line, false
		}
		at += length
		line = change(line, at)
	}
	return line, true
}

// differing reads a line that is told by the one above. at is what T.4 calls a0, and there is b1: where the line above changes, behind
// at, to the colour that this one has not.
func (f *fax) differing() (line []int, whole bool) {
	for at, passed := -1, 0; at < f.width; {
		for passed < len(f.above) && f.above[passed] <= at {
			passed++
		}
		next := passed + (passed+len(line))%2
		there := f.aboveChanges(next)
		mode := f.code(lineModes)
		switch {
		case mode.bits == 0:
			return line, false
		case mode.value == passes:
			at = f.aboveChanges(next + 1)
			continue
		case mode.value == runs:
			first, known := f.run(len(line) % 2)
			second, alsoKnown := f.run(1 - len(line)%2)
			at = max(at, 0)
			if !known || !alsoKnown || first+second > f.width-at {
				return line, false
			}
			line = change(line, at+first)
			there = at + first + second
		case mode.value >= changesLeft:
			there -= int(mode.value - changesLeft + 1)
		default:
			there += int(mode.value - changesThere)
		}
		if there < max(at, 0) || there > f.width {
			return line, false
		}
		line, at = change(line, there), there
	}
	return line, true
}

func (f *fax) aboveChanges(i int) int {
	if i < len(f.above) {
		return f.above[i]
	}
	return f.width
}

// change adds a change of colour. Two in one place are none.
func change(line []int, at int) []int {
	if last := len(line) - 1; last >= 0 && line[last] == at {
		return line[:last]
	}
	return append(line, at)
}

// run reads the length of a run: codes for multiples of 64, and one for the rest.
func (f *fax) run(colour int) (length int, known bool) {
	for {
		code := f.code(runCodes[colour])
		length += int(code.value)
		if code.bits == 0 || code.value < 64 || length > f.width {
			return length, code.bits > 0
		}
	}
}

// faxBits are the bits of a fax, the first the highest of its byte. Behind the last there are zeros.
type faxBits struct {
	data []byte
	at   int // bits
}

func newFaxBits(data []byte, lowestFirst bool) faxBits {
	if lowestFirst {
		for i, b := range data {
			data[i] = bits.Reverse8(b)
		}
	}
	return faxBits{data: data}
}

func (b *faxBits) more() bool { return b.at < 8*len(b.data) }

func (b *faxBits) peek(count int) int {
	next := 0
	for i := range 3 { // which hold 17 bits from anywhere in the first
		next <<= 8
		if at := b.at/8 + i; at < len(b.data) {
			next |= int(b.data[at])
		}
	}
	return next >> (24 - count - b.at%8) & (1<<count - 1)
}

func (b *faxBits) take(count int) int {
	taken := b.peek(count)
	b.at += count
	return taken
}

// code reads a code; nothing when none is known.
func (b *faxBits) code(known *faxCodes) faxCode {
	code := known[b.peek(longestFaxCode)]
	b.at += int(code.bits)
	return code
}

// lineEnd goes on behind the next end of a line: eleven zeros, which no codes make, or more, and a one. Some leave out the first.
func (b *faxBits) lineEnd() {
	if b.at == 0 && b.peek(11) != 0 {
		return
	}
	for zeros := 0; b.more(); {
		switch bit := b.take(1); {
		case bit == 0:
			zeros++
		case zeros >= 11:
			return
		default:
			zeros = 0
		}
	}
}
