// Package extract turns a file's bytes into pages of text. Files are hostile until read: a child process reads them, within
// limits of memory, time and output.
//
// By file: detect* tells types; parent* runs child, which picks the reader of a type: text, html, rtf*, email*; docx, xlsx*, pptx (ooxml*,
// on archive and xml), odf*, ole; image*, and pdf* in sandbox, which ask ocr* where there is no text. render* draws previews. pages
// gathers the text of a page, reading the pages of a document. Readers know these, limits and encoding, and of each other only what
// stands in the other's file: e-mail holds HTML, PDF holds images.
//
// It stays one package: to part the formats, half of what they share would have to be exported, for packages that nobody else imports.
package extract

import (
	"cmp"
	"time"
)

// Defaults of Limits.
const (
	DefaultMaxTextBytes = 16 << 20
	DefaultMaxPages     = 2000
	DefaultTimeout      = 15 * time.Minute
	DefaultMemoryBytes  = 512 << 20

	DefaultMaxExpandedBytes = 256 << 20
	DefaultMaxEntries       = 10_000
	DefaultMaxRatio         = 200
	DefaultMaxDepth         = 256

	DefaultMaxPixels      = 100_000_000
	DefaultOCRPageTimeout = time.Minute
)

// Limits bound what reading one file may cost. Zero values mean the defaults.
type Limits struct {
	MaxTextBytes int           // of text kept, UTF-8; more is cut off, and Result.Truncated says so
	MaxPages     int           // more pages: too_large_to_read
	Timeout      time.Duration // longer: what was read until then is kept, or timed_out when that is nothing
	MemoryBytes  int64         // of the child and the programs that it runs, resident; more: too_large_to_read

	// Of files that hold others, or nest. Beyond each: too_large_to_read.
	MaxExpandedBytes int64 // of all that is unpacked from one file, or read of a marked-up one
	MaxEntries       int   // of an archive; parts of an e-mail
	MaxRatio         int   // an entry's size over its packed size, once it is large
	MaxDepth         int   // XML elements, RTF groups, parts of an e-mail in each other

	MaxPixels      int           // of an image, or of a page of one; more: too_large_to_read
	OCRPageTimeout time.Duration // of OCR for a page; longer: the page is left out, and Result.Truncated says so
}

// withDefaults replaces zero values.
func (l Limits) withDefaults() Limits {
	return Limits{
		MaxTextBytes: cmp.Or(l.MaxTextBytes, DefaultMaxTextBytes),
		MaxPages:     cmp.Or(l.MaxPages, DefaultMaxPages),
		Timeout:      cmp.Or(l.Timeout, DefaultTimeout),
		MemoryBytes:  cmp.Or(l.MemoryBytes, DefaultMemoryBytes),

		MaxExpandedBytes: cmp.Or(l.MaxExpandedBytes, DefaultMaxExpandedBytes),
		MaxEntries:       cmp.Or(l.MaxEntries, DefaultMaxEntries),
		MaxRatio:         cmp.Or(l.MaxRatio, DefaultMaxRatio),
		MaxDepth:         cmp.Or(l.MaxDepth, DefaultMaxDepth),

		MaxPixels:      cmp.Or(l.MaxPixels, DefaultMaxPixels),
		OCRPageTimeout: cmp.Or(l.OCRPageTimeout, DefaultOCRPageTimeout),
	}
}

// Result is what was read.
type Result struct {
	Pages     []string `json:"pages"` // text by page; one page for formats without pages
	PageCount int      `json:"page_count"`
	Truncated bool     `json:"truncated"` // text was cut to Limits.MaxTextBytes, or pages of it could not be read
	Language  string   `json:"language"`  // ISO 639-1, empty when unknown
}

// Extractor reads files in child processes. It is safe for use by many goroutines.
type Extractor struct {
	limits         Limits
	ocr            OCR
	self, cacheDir string

	compiling chan struct{} // takes one: who fills the cache
	compiled  chan struct{} // closed when a PDF has been read: the cache is filled
}

// New returns an Extractor that re-executes the program at self (os.Executable) with ChildCommand, and keeps compiled code in
// cacheDir ("" for none: then every PDF costs seconds of compilation).
func New(limits Limits, self, cacheDir string) *Extractor {
	return &Extractor{
		limits: limits.withDefaults(), self: self, cacheDir: cacheDir,
		compiling: make(chan struct{}, 1), compiled: make(chan struct{}),
	}
}

// WithOCR returns an Extractor that also reads text on images.
func (e *Extractor) WithOCR(ocr OCR) *Extractor {
	with := *e
	with.ocr = ocr
	return &with
}
