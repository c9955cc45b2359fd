package extract

import (
	"context"
	"errors"
	"image"
	"os"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/requests"
)

// Read reads in this process what Extract reads in a child: a fuzzer has no time for one.
func Read(ctx context.Context, mime string, file *os.File, limits Limits) (Result, error) {
	return request{MIME: mime, Limits: limits.withDefaults()}.read(ctx, file)
}

// PDFium reads and draws many PDFs in this process, in one sandbox: to start it costs more than to read a hundred small files.
type PDFium struct {
	instance pdfium.Pdfium
	memory   *sandboxMemory
	ctx      context.Context
	stop     context.CancelFunc
	files    int
}

const (
	// filesInASandbox come to the same sandbox, at most: what one of them broke in it must not hide what the others do.
	filesInASandbox = 100
	// fuzzPatience is how long a file may take.
	fuzzPatience = 10 * time.Second
)

// Try reads a PDF, and draws its first page. Errors are as of an Extractor. Where OCR would be needed, nothing is read.
func (s *PDFium) Try(cacheDir string, file *os.File, limits Limits) (result Result, drawn image.Image, err error) {
	r := request{MIME: typePDF.MIME, Limits: limits.withDefaults(), CacheDir: cacheDir, Render: &drawing{Page: 1, Width: 64}}
	if s.instance == nil || s.files == filesInASandbox || s.memory.refused() || s.ctx.Err() != nil {
		if err := s.start(r); err != nil {
			return Result{}, nil, err
		}
	}
	s.files++
	defer time.AfterFunc(fuzzPatience, s.stop).Stop()
	opened, err := open(s.instance, file)
	if err != nil {
		return Result{}, nil, s.excuse(err, r)
	}
	opened.memory = s.memory
	result, err = opened.read(s.ctx, r)
	if err == nil || errors.Is(err, errNoOCR) {
		if drawn, err = (pdfPage{pdf: opened}).colours(r.Render.Width); err != nil {
			err = brokenPage()
		}
	}
	if _, closed := s.instance.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: opened.document}); closed != nil {
		s.stop()
	}
	return result, drawn, s.excuse(err, r)
}

func (s *PDFium) start(r request) (err error) {
	if s.instance != nil {
		s.stop()
		_ = s.instance.Close()
	}
	s.memory, s.files = &sandboxMemory{limit: uint64(r.Limits.MemoryBytes / 2)}, 0
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.instance, err = startPDFium(s.ctx, s.memory, r.CacheDir)
	return err
}

// excuse says of a file what its child would.
func (s *PDFium) excuse(err error, r request) error {
	switch {
	case err == nil:
		return nil
	case s.ctx.Err() != nil:
		return tookTooLong(r.Limits)
	case s.memory.refused():
		return tooMuchMemory()
	}
	return err
}
