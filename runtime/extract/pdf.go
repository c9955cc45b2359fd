package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/docvault/docvault/runtime/document"
)

// pdf is an open document, in PDFium in a WebAssembly sandbox that sees no file system and gets half of the process's memory. It is never
// closed: the process ends with the file.
type pdf struct {
	pdfium.Pdfium

	document references.FPDF_DOCUMENT
	pages    int
	memory   *sandboxMemory
}

func readPDF(ctx context.Context, file *os.File, r request) (Result, error) {
	p, err := openPDF(ctx, file, r)
	if err != nil {
		return Result{}, err
	}
	return p.read(ctx, r)
}

// read reads page by page: the text layer, and by OCR what has none.
func (p *pdf) read(ctx context.Context, r request) (Result, error) {
	if p.pages > r.Limits.MaxPages {
		return Result{}, &document.ReadError{
			Code:   document.CodeTooLargeToRead,
			Detail: fmt.Sprintf("The PDF has %d pages; at most %d are read. Split it.", p.pages, r.Limits.MaxPages),
		}
	}
	reading := newReading(p.pages, r.Limits)
	for i := range p.pages {
		if reading.over(ctx) {
			break
		}
		text, err := pdfPage{pdf: p, index: i}.read(ctx, r)
		if err := reading.add(text, err); err != nil {
			return Result{}, err
		}
	}
	if reading.broken > 0 && p.memory.refused() && ctx.Err() == nil {
		return Result{}, tooMuchMemory()
	}
	return reading.result(ctx)
}

func tooMuchMemory() error {
	return &document.ReadError{Code: document.CodeTooLargeToRead, Detail: "Reading this file takes more memory than allowed."}
}

func openPDF(ctx context.Context, file *os.File, r request) (*pdf, error) {
	memory := &sandboxMemory{limit: uint64(r.Limits.MemoryBytes / 2)} //nolint:gosec // a limit is positive
	instance, err := startPDFium(ctx, memory, r.CacheDir)
	if err != nil {
		return nil, err
	}
	opened, err := open(instance, file)
	switch {
	case ctx.Err() != nil:
		return nil, tookTooLong(r.Limits)
	case err != nil && memory.refused():
		return nil, tooMuchMemory()
	case err != nil:
		return nil, err
	}
	opened.memory = memory
	return opened, nil
}

func startPDFium(ctx context.Context, memory *sandboxMemory, cacheDir string) (pdfium.Pdfium, error) {
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling). // PDFium is built with both
		WithCloseOnContextDone(true)
	if cacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
		if err != nil {
			return nil, fmt.Errorf("open the compilation cache: %w", err)
		}
		config = config.WithCompilationCache(cache)
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context:       experimental.WithMemoryAllocator(ctx, memory),
		MaxTotal:      1,
		MaxIdle:       1,
		FSConfig:      wazero.NewFSConfig(),
		RuntimeConfig: config,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return nil, startFailed(memory, err)
	}
	instance, err := pool.GetInstanceWithContext(ctx)
	if err != nil {
		return nil, startFailed(memory, err)
	}
	return instance, nil
}

func startFailed(memory *sandboxMemory, err error) error {
	if memory.refused() {
		return tooMuchMemory()
	}
	return fmt.Errorf("start PDFium: %w", err)
}

func open(instance pdfium.Pdfium, file *os.File) (*pdf, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("size of the file: %w", err)
	}
	opened, err := instance.OpenDocument(&requests.OpenDocument{FileReader: file, FileReaderSize: info.Size()})
	if err != nil {
		return nil, whyClosed(err)
	}
	form, err := instance.FPDF_GetFormType(&requests.FPDF_GetFormType{Document: opened.Document})
	if err == nil && form.FormType == enums.FPDF_FORMTYPE_XFA_FULL { // whose pages say no more than "please wait"
		return nil, &document.ReadError{
			Code: document.CodeUnsupported, Detail: "The PDF is an XFA form, which only Adobe's programs show. Upload a print of it.",
		}
	}
	counted, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil || counted.PageCount == 0 {
		return nil, &document.ReadError{Code: document.CodeMalformed, Detail: "The PDF has no pages."}
	}
	return &pdf{Pdfium: instance, document: opened.Document, pages: counted.PageCount}, nil
}

// whyClosed says why PDFium did not open a document.
func whyClosed(err error) error {
	switch {
	case errors.Is(err, pdfiumerrors.ErrPassword):
		return &document.ReadError{
			Code: document.CodePasswordRequired, Detail: "The PDF opens with a password only. Save a copy without one.",
		}
	case errors.Is(err, pdfiumerrors.ErrSecurity):
		return &document.ReadError{Code: document.CodeUnsupported, Detail: "The PDF is encrypted in a way that cannot be read."}
	}
	return &document.ReadError{Code: document.CodeMalformed, Detail: "The file begins like a PDF but is not one, or is damaged."}
}
