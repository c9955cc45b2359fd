// Package extract turns a file's bytes into pages of text. Files are hostile until read: a child process reads them, within
// limits of memory, time and output.
package extract

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

// HeadBytes is how many first bytes of a file Detect wants.
const HeadBytes = 4096

// Type is what a file is, told from its content.
type Type struct {
	MIME string
	Kind document.Kind
	Ext  string // lower case, with the dot
}

// Defaults of Limits.
const (
	DefaultMaxTextBytes = 16 << 20
	DefaultMaxPages     = 2000
	DefaultTimeout      = 5 * time.Minute
	DefaultMemoryBytes  = 512 << 20
)

// Limits bound what reading one file may cost. Zero values mean the defaults.
type Limits struct {
	MaxTextBytes int64         // of text kept; more is cut off, Result.Truncated says so
	MaxPages     int           // more pages: too_large_to_read
	Timeout      time.Duration // longer: timed_out
	MemoryBytes  int64         // of the child, resident; more: too_large_to_read
}

// Result is what was read.
type Result struct {
	Pages     []string // text by page; one page for formats without pages
	PageCount int
	Truncated bool   // text was cut to Limits.MaxTextBytes
	Language  string // ISO 639-1, empty when unknown
}

// Extractor reads files in child processes. It is safe for use by many goroutines.
type Extractor struct {
	limits         Limits
	self, cacheDir string
}

// Detect tells the type from the first bytes, never from the name. Magic bytes behind a BOM or junk count.
// Errors: document.ErrUnsupportedType.
func Detect(head []byte) (Type, error) {
	return Type{}, document.ErrUnsupportedType
}

// New returns an Extractor that re-executes the program at self (os.Executable) with ChildCommand, and keeps compiled code in
// cacheDir ("" for none).
func New(limits Limits, self, cacheDir string) *Extractor {
	return &Extractor{limits: limits, self: self, cacheDir: cacheDir}
}

// Extract reads file, which is of type mime. A *document.ReadError says that it can never be read; any other error is passing.
func (e *Extractor) Extract(ctx context.Context, mime string, file *os.File) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

// ChildCommand is the hidden subcommand with which a program calls RunChild.
const ChildCommand = "extract-child"

// RunChild reads one file as the child of an Extractor and returns the exit code of the process. The request comes on
// standard input, the answer goes to standard output, the file is descriptor 3.
func RunChild() int {
	return 1
}
