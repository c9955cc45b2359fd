package extract

import (
	"fmt"
	"image"
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The sheet that text is drawn on: A4, in columns and lines of a font whose characters are 0.6 times as wide as it is high.
const (
	sheetColumns = 90
	sheetMargin  = 5 // columns at the left and at the right, lines at the top
	sheetLines   = 60
	sheetRatio   = 1.414 // height by width
	charWidth    = 0.6   // of the font's size
	tabColumns   = 8
)

// drawText draws a sheet. A document of several pages has a sheet for each, with as much as fits on it; one of a single page goes on
// from sheet to sheet.
func drawText(pages []string, d drawing) (image.Image, error) {
	sheet, found := sheetOf(pages, d.Page)
	if !found {
		return nil, errNoPage
	}
	parsed, err := opentype.Parse(gomono.TTF)
	if err != nil {
		return nil, fmt.Errorf("parse the font: %w", err)
	}
	size := float64(d.Width) / ((sheetColumns + 2*sheetMargin) * charWidth)
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("size the font: %w", err)
	}
	height := int(float64(d.Width) * sheetRatio)
	paper := onWhite(image.Pt(d.Width, max(1, height)))
	pen := font.Drawer{Dst: paper, Src: image.Black, Face: face}
	left := fixed.Int26_6(sheetMargin * charWidth * size * 64)
	lineHeight := float64(height) / (sheetLines + 2*sheetMargin)
	for i, line := range sheet {
		pen.Dot = fixed.Point26_6{X: left, Y: fixed.Int26_6(float64(sheetMargin+i+1) * lineHeight * 64)}
		pen.DrawString(line)
	}
	return paper, nil
}

// sheetOf returns the lines of a sheet, from 1.
func sheetOf(pages []string, number int) ([]string, bool) {
	if len(pages) > 1 {
		if number > len(pages) {
			return nil, false
		}
		return wrap(pages[number-1], sheetLines), true
	}
	lines := wrap(strings.Join(pages, ""), number*sheetLines)
	before := (number - 1) * sheetLines
	if len(lines) <= before && number > 1 {
		return nil, false
	}
	return lines[before:], true
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// wrap breaks a text into at most limit lines of sheetColumns.
func wrap(text string, limit int) []string {
	var lines []string
	for line := range strings.Lines(lineEnds.Replace(text)) {
		runes := printableRunes(line)
		for len(runes) > sheetColumns {
			end := lastSpace(runes[:sheetColumns+1])
			lines = append(lines, string(runes[:end]))
			runes = runes[end:]
			if len(lines) >= limit {
				return lines[:limit]
			}
			for len(runes) > 0 && runes[0] == ' ' {
				runes = runes[1:]
			}
		}
		lines = append(lines, string(runes))
		if len(lines) >= limit {
			return lines[:limit]
		}
	}
	return lines
}

// lastSpace is where a line is broken: before its last space, or at its end.
func lastSpace(runes []rune) int {
	for i := len(runes) - 1; i > 0; i-- {
		if runes[i] == ' ' {
			return i
		}
	}
	return len(runes) - 1
}

func printableRunes(line string) []rune {
	var runes []rune
	for _, r := range line {
		switch {
		case r == '\t':
			for runes = append(runes, ' '); len(runes)%tabColumns != 0; {
				runes = append(runes, ' ')
			}
		case unicode.IsPrint(r):
			runes = append(runes, r)
		case r != '\n' && unicode.IsSpace(r):
			runes = append(runes, ' ')
		}
	}
	return runes
}
