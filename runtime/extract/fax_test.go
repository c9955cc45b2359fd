package extract

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaxLines draws lines of 8 pixels, written down by the tables of ITU-T T.4.
func TestFaxLines(t *testing.T) {
	t.Parallel()
	const (
		lineEnd = "000000000001"
		whites3 = "1000"
		whites2 = "0111"
		blacks2 = "11"
		blacks5 = "0011"
	)
	runs := faxFormat{lineEnds: true}
	both := faxFormat{lineEnds: true, twoDimensions: true}
	for name, c := range map[string]struct {
		format faxFormat
		bits   string
		lines  int
		want   string
	}{
		"runs in whole bytes":      {faxFormat{wholeBytes: true}, whites3 + blacks5 + whites3 + blacks2 + whites3, 2, "...#####/...##..."},
		"ends of lines":            {runs, lineEnd + whites3 + blacks5 + lineEnd + whites3 + blacks2 + whites3, 2, "...#####/...##..."},
		"the first end left out":   {runs, whites3 + blacks5 + lineEnd + whites3 + blacks2 + whites3, 2, "...#####/...##..."},
		"filled up":                {runs, "0000" + lineEnd + whites3 + blacks5 + "00000" + lineEnd + whites3 + blacks5, 2, "...#####/...#####"},
		"damage":                   {runs, lineEnd + whites3 + blacks2 + lineEnd + whites3 + blacks5, 1, "...##.../...#####"},
		"lost while black":         {runs, lineEnd + whites3 + lineEnd + whites3 + blacks5, 1, "......../...#####"},
		"more than the line holds": {runs, lineEnd + whites3 + blacks5 + blacks5 + lineEnd + whites3 + blacks5, 2, "...#####/...#####"},
		"longer than the line":     {runs, lineEnd + whites3 + blacks2 + "1100" + lineEnd + whites3 + blacks5, 1, "...##.../...#####"},
		"one to the left":          {both, lineEnd + "1" + whites3 + blacks2 + whites3 + lineEnd + "0" + "010" + "1" + "1", 2, "...##.../..###..."},
		"the lines above it pass":  {both, lineEnd + "1" + whites3 + blacks2 + whites3 + lineEnd + "0" + "0001" + "1", 2, "...##.../........"},
		"runs by the way":          {both, lineEnd + "1" + whites3 + blacks5 + lineEnd + "0" + "001" + whites2 + blacks2 + "1" + "1", 2, "...#####/..##...."},
		"group 4":                  {faxFormat{twoDimensions: true}, "001" + whites3 + blacks2 + "1" + "011" + "1" + "1", 2, "...##.../....#..."},
		"group 4, damaged":         {faxFormat{twoDimensions: true}, "001" + whites3 + blacks2 + "1" + "0000000", 1, "...##.../........"},
	} {
		page := &image.Gray{Pix: bytes.Repeat([]byte{0xff}, 16), Stride: 8, Rect: image.Rect(0, 0, 8, 2)}
		f := fax{faxFormat: c.format, faxBits: faxBits{data: asBytes(c.bits)}, width: 8}
		lines := f.draw(page, page.Rect)
		if got := shown(page); got != c.want || lines != c.lines {
			t.Errorf("%s: %d lines, %s", name, lines, got)
		}
	}
}

func asBytes(bits string) []byte {
	data := make([]byte, (len(bits)+7)/8)
	for i, bit := range bits {
		data[i/8] |= byte(bit-'0') << (7 - i%8)
	}
	return data
}

func shown(page *image.Gray) string {
	var rows []string
	for y := range page.Rect.Dy() {
		row := strings.NewReplacer("\x00", "#", "\xff", ".").Replace(string(page.Pix[y*page.Stride:][:page.Rect.Dx()]))
		rows = append(rows, row)
	}
	return strings.Join(rows, "/")
}

// FuzzFax decodes what comes in each format.
func FuzzFax(f *testing.F) {
	for _, name := range []string{"fax-two-dimensions.tiff", "fax-coarse.tiff", "fax-tiles.tiff"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content[8:], false, true, false)
	}
	f.Fuzz(func(_ *testing.T, data []byte, twoDimensions, lineEnds, wholeBytes bool) {
		page := image.NewGray(image.Rect(0, 0, 300, 40))
		piece := fax{faxFormat: faxFormat{twoDimensions, lineEnds, wholeBytes}, faxBits: newFaxBits(data, true), width: 320}
		piece.draw(page, image.Rect(0, 0, 320, 64))
	})
}
