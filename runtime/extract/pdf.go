package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/docvault/docvault/runtime/document"
)

// readPDF reads the text layer page by page, by PDFium in a WebAssembly sandbox that sees no file system and gets half of the
// process's memory.
func readPDF(ctx context.Context, file *os.File, r request) (Result, error) {
	limits := r.Limits
	memory := &sandboxMemory{limit: uint64(limits.MemoryBytes / 2)} //nolint:gosec // a limit is positive
	instance, err := startPDFium(ctx, memory, r.CacheDir)
	if err != nil {
		return Result{}, err
	}
	result, broken, err := readPages(instance, file, limits)
	switch {
	case ctx.Err() != nil:
		return Result{}, tookTooLong(limits)
	case memory.refused() && (err != nil || broken > 0):
		return Result{}, &document.ReadError{Code: document.CodeTooLargeToRead, Detail: "Reading this PDF takes more memory than allowed."}
	}
	result.Truncated = result.Truncated || broken > 0
	return result, err
}

// startPDFium returns an instance that is never closed: the process ends with the file.
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
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	instance, err := pool.GetInstanceWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	return instance, nil
}

// readPages also counts the pages that could not be read.
func readPages(instance pdfium.Pdfium, file *os.File, limits Limits) (result Result, broken int, err error) {
	info, err := file.Stat()
	if err != nil {
		return Result{}, 0, fmt.Errorf("size of the file: %w", err)
	}
	opened, err := instance.OpenDocument(&requests.OpenDocument{FileReader: file, FileReaderSize: info.Size()})
	if err != nil {
		return Result{}, 0, whyClosed(err)
	}
	counted, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	switch {
	case err != nil || counted.PageCount == 0:
		return Result{}, 0, &document.ReadError{Code: document.CodeMalformed, Detail: "The PDF has no pages."}
	case counted.PageCount > limits.MaxPages:
		return Result{}, 0, &document.ReadError{
			Code:   document.CodeTooLargeToRead,
			Detail: fmt.Sprintf("The PDF has %d pages; at most %d are read. Split it.", counted.PageCount, limits.MaxPages),
		}
	}
	result = Result{PageCount: counted.PageCount, Pages: make([]string, 0, counted.PageCount)}
	left := limits.MaxTextBytes
	for i := range counted.PageCount {
		text, err := readPage(instance, opened.Document, i)
		if err != nil {
			broken++
		}
		text, cut := truncate(text, left)
		left -= len(text)
		result.Pages = append(result.Pages, text)
		if cut {
			result.Truncated = true
			break
		}
	}
	if broken == counted.PageCount {
		return Result{}, broken, &document.ReadError{Code: document.CodeMalformed, Detail: "No page of the PDF can be read."}
	}
	return result, broken, nil
}

func readPage(instance pdfium.Pdfium, doc references.FPDF_DOCUMENT, index int) (string, error) {
	page, err := instance.GetPageText(&requests.GetPageText{
		Page: requests.Page{ByIndex: &requests.PageByIndex{Document: doc, Index: index}},
	})
	if err != nil {
		return "", fmt.Errorf("read page %d: %w", index+1, err)
	}
	return tidy(page.Text), nil
}

// tidy joins words that a line's end hyphenates (PDFium marks them with U+0002 or U+FFFE) and drops what is no text.
var tidier = strings.NewReplacer("\r\n", "\n", "\x02\r\n", "", "\uFFFE\r\n", "", "\x02", "", "\uFFFE", "", "\x00", "")

func tidy(text string) string {
	return strings.ToValidUTF8(tidier.Replace(text), "\uFFFD")
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
