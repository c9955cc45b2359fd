package extract

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/docvault/docvault/runtime/document"
)

// ratioGrace is how much of an entry is expanded whatever its ratio: sheets of zeros are small files, no bombs.
const ratioGrace = 8 << 20

// archive is a zip file that is read within limits. Nothing in it is opened but by name, and no archive within.
type archive struct {
	entries map[string]*zip.File
	limits  Limits
	left    int64 // bytes that may still be expanded, of all entries
}

// openArchive reads the directory. Names of entries count without regard to case, and the first of equal ones.
func openArchive(file *os.File, limits Limits) (*archive, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("size of the file: %w", err)
	}
	// Within its section a place that is none is the end; the file itself would fail as if it could not be read now.
	r, err := zip.NewReader(io.NewSectionReader(file, 0, info.Size()), info.Size())
	switch {
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, whyBroken(err)
	case len(r.File) > limits.MaxEntries:
		return nil, tooLarge("The file holds %d entries; at most %d are read.", len(r.File), limits.MaxEntries)
	}
	a := &archive{entries: make(map[string]*zip.File, len(r.File)), limits: limits, left: limits.MaxExpandedBytes}
	for _, entry := range r.File {
		name := entryName(entry.Name)
		if _, found := a.entries[name]; !found {
			a.entries[name] = entry
		}
	}
	return a, nil
}

func entryName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

func (a *archive) has(name string) bool { return a.entries[entryName(name)] != nil }

// open returns the content of an entry: fs.ErrNotExist if there is none, a *document.ReadError where its reading passes a limit.
func (a *archive) open(name string) (io.ReadCloser, error) {
	entry := a.entries[entryName(name)]
	switch {
	case entry == nil:
		return nil, fs.ErrNotExist
	case entry.Flags&1 != 0:
		return nil, passwordRequired()
	}
	most := int64(entry.CompressedSize64) * int64(a.limits.MaxRatio) //nolint:gosec // no larger than the file
	e := &expanding{archive: a, left: max(ratioGrace, most)}
	// An entry that says how large it will be is refused before it is; one that lies, when it is.
	if err := e.exceeds(int64(min(entry.UncompressedSize64, math.MaxInt64))); err != nil {
		return nil, err
	}
	content, err := entry.Open()
	if err != nil {
		return nil, whyBroken(err)
	}
	e.ReadCloser = content
	return e, nil
}

// expanding counts what comes out of an entry.
type expanding struct {
	io.ReadCloser
	archive *archive
	left    int64
}

// Read implements io.Reader.
func (e *expanding) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if err := e.exceeds(int64(n)); err != nil {
		return 0, err
	}
	e.left -= int64(n)
	e.archive.left -= int64(n)
	return n, err
}

// exceeds says which limit n more bytes pass.
func (e *expanding) exceeds(n int64) error {
	switch limits := e.archive.limits; {
	case n > e.archive.left:
		return tooLarge("Unpacked, the file has more than %d bytes of text and markup.", limits.MaxExpandedBytes)
	case n > e.left:
		return tooLarge("A part of the file unpacks to more than %d times its size.", limits.MaxRatio)
	}
	return nil
}

func tooLarge(format string, args ...any) error {
	return &document.ReadError{Code: document.CodeTooLargeToRead, Detail: fmt.Sprintf(format, args...)}
}

func passwordRequired() error {
	return &document.ReadError{
		Code: document.CodePasswordRequired, Detail: "The document opens with a password only. Save a copy without one.",
	}
}

// whyBroken says what an error of a parser means: the file is damaged, unless its reading failed, which may pass.
func whyBroken(err error) error {
	var never *document.ReadError
	var failed *fs.PathError
	switch {
	case errors.As(err, &never):
		return never
	case errors.As(err, &failed):
		return fmt.Errorf("read the file: %w", err)
	case errors.Is(err, zip.ErrAlgorithm):
		return &document.ReadError{
			Code: document.CodeUnsupported, Detail: "The file is compressed in a way that cannot be read. Save it again.",
		}
	}
	return &document.ReadError{
		Code: document.CodeMalformed, Detail: "The file is damaged. Save it again in the program that made it.",
	}
}
