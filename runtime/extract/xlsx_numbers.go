package extract

import (
	"encoding/xml"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// numberFormats are the styles of a workbook, as far as they make dates of numbers.
type numberFormats struct {
	since1904 bool
	codes     map[int]string // formats of the workbook's own
	styles    []int          // the format of each style
	cells     bool           // within the list of cell styles
}

func (f *numberFormats) open(name string, attributes []xml.Attr) bool {
	format, _ := strconv.Atoi(attribute(attributes, "numFmtId")) // 0, the general one, where there is none
	switch {
	case name == "numFmt":
		f.codes[format] = attribute(attributes, "formatCode")
	case name == "cellXfs":
		f.cells = true
	case name == "xf" && f.cells:
		f.styles = append(f.styles, format)
	}
	return true
}

func (f *numberFormats) close(name string) {
	if name == "cellXfs" {
		f.cells = false
	}
}

func (*numberFormats) text(string) {}
func (*numberFormats) full() bool  { return false }

// maxDays is the last day that Excel knows, the end of the year 9999.
const maxDays = 2_958_466

// show writes a number as a date or time if its style does, else as short as it is exact to Excel's fifteen digits.
func (f *numberFormats) show(value, style string) string {
	number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return value
	}
	if day, clock := f.isDate(style); (day || clock) && number >= 0 && number < maxDays {
		return f.date(number, day, clock)
	}
	if math.Abs(number) >= 1e15 || (number != 0 && math.Abs(number) < 1e-9) {
		return strconv.FormatFloat(number, 'G', 15, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(number, 'g', 15, 64), 64) // it reads what it wrote
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

func (f *numberFormats) date(number float64, day, clock bool) string {
	start := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case f.since1904:
		start = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case number < 60: // Excel takes 1900 for a leap year
		start = start.AddDate(0, 0, 1)
	}
	whole := math.Floor(number)
	at := start.AddDate(0, 0, int(whole)).Add(time.Duration(math.Round((number-whole)*86_400)) * time.Second)
	switch {
	case day && clock:
		return at.Format(time.DateTime)
	case day:
		return at.Format(time.DateOnly)
	}
	return at.Format(time.TimeOnly)
}

// isDate says whether a style shows a day, and a time of day.
func (f *numberFormats) isDate(style string) (day, clock bool) {
	i, err := strconv.Atoi(style)
	if err != nil || i < 0 || i >= len(f.styles) {
		return false, false
	}
	format := f.styles[i]
	code, own := f.codes[format]
	switch {
	case own:
		return dateCode(code)
	case format >= 14 && format <= 17, format >= 27 && format <= 36, format >= 50 && format <= 58:
		return true, false
	case format >= 18 && format <= 21, format >= 45 && format <= 47:
		return false, true
	case format == 22:
		return true, true
	}
	return false, false
}

var (
	formatLiteral  = regexp.MustCompile(`"[^"]*"|[\\_*].|\[[^\]]*\]`)
	formatDuration = regexp.MustCompile(`(?i)\[(h+|m+|s+)\]`)
)

// dateCode looks for the letters of days and times in a format, outside of what it shows as it is. Durations such as [h]:mm are no times of
// day.
func dateCode(code string) (day, clock bool) {
	if formatDuration.MatchString(code) {
		return false, false
	}
	positive, _, _ := strings.Cut(formatLiteral.ReplaceAllString(code, ""), ";")
	return strings.ContainsAny(positive, "yYdD"), strings.ContainsAny(positive, "hHsS")
}
