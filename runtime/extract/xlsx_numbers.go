package extract

import (
	"encoding/xml"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// numberFormats are the styles of a workbook, as far as they make dates, durations, percentages or numbers of fixed length of numbers.
type numberFormats struct {
	since1904 bool
	codes     map[int]string // formats of the workbook's own
	styles    []int          // the format of each style
	list      string         // that is open: other lists name formats of their own
}

func (f *numberFormats) open(name string, attributes []xml.Attr) bool {
	format, _ := strconv.Atoi(attribute(attributes, "numFmtId")) // 0, the general one, where there is none
	switch {
	case name == "numFmt" && f.list == "numFmts":
		f.codes[format] = attribute(attributes, "formatCode")
	case name == "numFmts", name == "cellXfs":
		f.list = name
	case name == "xf" && f.list == "cellXfs":
		f.styles = append(f.styles, format)
	}
	return true
}

func (f *numberFormats) close(name string) {
	if name == f.list {
		f.list = ""
	}
}

func (*numberFormats) text(string) {}
func (*numberFormats) full() bool  { return false }

// maxDays is the last day that Excel knows, the end of the year 9999.
const maxDays = 2_958_466

// show writes a number as its style does where that says more than the number, else as short as it is exact to Excel's fifteen digits.
func (f *numberFormats) show(value, style string) string {
	number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return value
	}
	code := f.code(style)
	if day, clock := dateCode(code); (day || clock) && number >= 0 && number < maxDays {
		return f.date(number, day, clock)
	}
	switch first, _, _ := strings.Cut(formatLiteral.ReplaceAllString(code, ""), ";"); {
	case formatDuration.MatchString(code) && math.Abs(number) < maxDays:
		return duration(number, strings.ContainsAny(code, "sS"))
	case strings.Contains(first, "%"):
		return short(number*100) + "%"
	case formatFixed.MatchString(first) && number >= 0:
		return fmt.Sprintf("%0*.0f", len(first), number)
	}
	return short(number)
}

// duration writes days as hours, minutes and, where they are wanted, seconds.
func duration(days float64, withSeconds bool) string {
	seconds := int64(math.Round(math.Abs(days) * 86_400))
	text := fmt.Sprintf("%d:%02d", seconds/3600, seconds/60%60)
	if withSeconds {
		text += fmt.Sprintf(":%02d", seconds%60)
	}
	if days < 0 {
		return "-" + text
	}
	return text
}

func short(number float64) string {
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

// builtinCode returns the formats that have a number alone, as far as they are dates, times, durations or percentages (ECMA-376, 18.8.30).
// Those of East Asia are dates.
func builtinCode(format int) string {
	switch {
	case format == 9, format == 10:
		return "0%"
	case format >= 14 && format <= 17, format >= 27 && format <= 36, format >= 50 && format <= 58:
		return "yyyy-mm-dd"
	case format >= 18 && format <= 21, format == 45, format == 47:
		return "hh:mm:ss"
	case format == 22:
		return "yyyy-mm-dd hh:mm"
	case format == 46:
		return "[h]:mm:ss"
	}
	return ""
}

// code returns the format of a style, "" for one that shows numbers as they are.
func (f *numberFormats) code(style string) string {
	i, err := strconv.Atoi(style)
	if err != nil || i < 0 || i >= len(f.styles) {
		return ""
	}
	if code, own := f.codes[f.styles[i]]; own {
		return code
	}
	return builtinCode(f.styles[i])
}

var (
	formatLiteral  = regexp.MustCompile(`"[^"]*"|[\\_*].|\[[^\]]*\]`)
	formatDuration = regexp.MustCompile(`(?i)\[(h+|m+|s+)\]`)
	formatFixed    = regexp.MustCompile(`^0{2,15}$`)
)

// dateCode looks for the letters of days and times in a format, outside of what it shows as it is. Durations such as [h]:mm are no times of
// day.
func dateCode(code string) (day, clock bool) {
	if formatDuration.MatchString(code) {
		return false, false
	}
	positive, _, _ := strings.Cut(formatLiteral.ReplaceAllString(code, ""), ";")
	clock = strings.ContainsAny(positive, "hHsS")
	return strings.ContainsAny(positive, "yYdD") || !clock && strings.ContainsAny(positive, "mM"), clock
}
