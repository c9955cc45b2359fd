package extract_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image/gif"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/image/bmp"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// endless is a program that takes the place of tesseract and does not come to an end. It writes its process id and its parent's to a file.
func endless(t *testing.T) (ocr extract.OCR, ids string) {
	t.Helper()
	directory := t.TempDir()
	ids = filepath.Join(directory, "ids")
	program := filepath.Join(directory, "tesseract")
	script := fmt.Sprintf("#!/bin/sh\necho $$ $PPID > %s.new && /bin/mv %s.new %s\nexec /bin/sleep 3600\n", ids, ids, ids)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return extract.OCR{Program: program, Languages: "eng"}, ids
}

// await polls until done, for as long as a busy machine may take.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain awaited: %s", what)
		}
	}
}

// started waits for the endless program, and returns its process id and its parent's.
func started(t *testing.T, ids string) (program, parent int) {
	t.Helper()
	await(t, "the program starts", func() bool { _, err := os.Stat(ids); return err == nil })
	data, err := os.ReadFile(ids)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(data), &program, &parent); err != nil {
		t.Fatal(err)
	}
	return program, parent
}

func gone(pid int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(state), ") Z ") // a zombie waits for its new parent, and does nothing
}

func TestNoTesseractOutlivesItsChild(t *testing.T) {
	t.Parallel()
	page := encoded(t, drawn(t, letter...))
	for name, end := range map[string]func(cancel context.CancelFunc, child int){
		"the worker cancels":  func(cancel context.CancelFunc, _ int) { cancel() },
		"the child is killed": func(_ context.CancelFunc, child int) { _ = syscall.Kill(child, syscall.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ocr, ids := endless(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			read := make(chan error, 1)
			go func() {
				_, err := newExtractor(t, extract.Limits{}).WithOCR(ocr).Extract(ctx, "image/png", file(t, page))
				read <- err
			}()
			program, child := started(t, ids)
			end(cancel, child)
			if err := <-read; err == nil || code(err) != "" {
				t.Errorf("%v, want a passing error", err)
			}
			await(t, "the program ends", func() bool { return gone(program) })
		})
	}
}

func TestEndlessOCR(t *testing.T) {
	t.Parallel()
	page := drawn(t, letter...)
	var mixed pdfWriter
	mixed.page("", lines("The first page has a text layer."))
	mixed.scan(page, 8, "", onPaper)
	mixed.scan(page, 8, "", onPaper)
	mixed.page("", lines("And the last one has."))
	quick := extract.Limits{OCRPageTimeout: 300 * time.Millisecond}
	for name, c := range map[string]struct {
		limits  extract.Limits
		content []byte
		code    string
		text    string
	}{
		"a page of an image": {quick, encoded(t, page), document.CodeTimedOut, ""},
		"pages of a PDF":     {quick, mixed.bytes(), "", "The first page has a text layer. And the last one has."},
		"all the time there is": {
			extract.Limits{Timeout: 5 * time.Second}, mixed.bytes(), "", "The first page has a text layer.",
		},
		"all the time, no text": {extract.Limits{Timeout: time.Second}, encoded(t, page), document.CodeTimedOut, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ocr, ids := endless(t)
			e := newExtractor(t, c.limits).WithOCR(ocr)
			kind, err := extract.Detect(c.content)
			if err != nil {
				t.Fatal(err)
			}
			result, err := e.Extract(t.Context(), kind.MIME, file(t, c.content))
			if code(err) != c.code || (c.code == "") != (err == nil) {
				t.Fatalf("%+v, %v", result, err)
			}
			if text := strings.Join(strings.Fields(strings.Join(result.Pages, " ")), " "); text != c.text || result.Truncated != (c.text != "") {
				t.Errorf("%+v", result)
			}
			if _, err := os.Stat(ids); err == nil { // a busy machine may not even have started it
				program, _ := started(t, ids)
				await(t, "the program ends", func() bool { return gone(program) })
			}
		})
	}
}

// Noise keeps tesseract itself busy; a real one.
func TestNoiseEnds(t *testing.T) {
	t.Parallel()
	limits := extract.Limits{OCRPageTimeout: 200 * time.Millisecond}
	if result, err := read(t, newOCR(t, limits), encoded(t, noise(2500, 2500))); code(err) != document.CodeTimedOut {
		t.Errorf("%+v, %v", result, err)
	}
}

// bomb is a PNG of one bit a pixel that is packed into almost nothing.
func bomb(t *testing.T, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		whole := append([]byte(kind), data...)
		_ = binary.Write(&out, binary.BigEndian, uint32(len(data)))
		out.Write(whole)
		_ = binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(whole))
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	chunk("IHDR", append(binary.BigEndian.AppendUint32(header, uint32(height)), 1, 0, 0, 0, 0))
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	row := make([]byte, 1+(width+7)/8)
	for range height {
		if _, err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	chunk("IDAT", packed.Bytes())
	chunk("IEND", nil)
	return out.Bytes()
}

func TestTooManyPixels(t *testing.T) {
	t.Parallel()
	small := encoded(t, drawn(t, letter...))
	large := bomb(t, 20_000, 20_000)
	if len(large) > 60<<10 {
		t.Fatalf("the bomb has %d bytes", len(large))
	}
	for name, c := range map[string]struct {
		content []byte
		limits  extract.Limits
	}{
		"a bomb":                 {large, extract.Limits{MemoryBytes: 64 << 20}}, // refused before it is decoded, so in little memory
		"a page of a TIFF":       {tiffOf(1, drawn(t, letter...), noise(1300, 800)), extract.Limits{MaxPixels: 1_000_000}},
		"what was not forbidden": {small, extract.Limits{MaxPixels: 100_000}},
	} {
		_, err := read(t, newOCR(t, c.limits), c.content)
		if code(err) != document.CodeTooLargeToRead || !strings.Contains(err.Error(), "pixels") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A thousand pages are within the limits.
func TestAThousandPages(t *testing.T) {
	t.Parallel()
	pages := make([]string, 1000)
	for i := range pages {
		pages[i] = fmt.Sprintf("This is page %d.", i+1)
	}
	result, err := read(t, newOCR(t, extract.Limits{}), pdf(pages...))
	if err != nil || len(result.Pages) != 1000 || !strings.Contains(result.Pages[999], "page 1000") || result.Truncated {
		t.Errorf("%d pages, %v", len(result.Pages), err)
	}
}

func TestDamagedImages(t *testing.T) {
	t.Parallel()
	page := drawn(t, letter...)
	for name, content := range map[string][]byte{
		"png":  encoded(t, page),
		"jpeg": asJPEG(t, page),
		"tiff": tiffOf(1, page),
		"webp": testdata(t, "letter.webp"),
		"gif":  written(t, func(w io.Writer) error { return gif.Encode(w, page, nil) }),
		"bmp":  written(t, func(w io.Writer) error { return bmp.Encode(w, page) }),
	} {
		if _, err := read(t, newOCR(t, extract.Limits{}), content[:100]); code(err) != document.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, content := range map[string][]byte{
		"BigTIFF":       []byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"),
		"a strange bmp": append([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00"), noise(40, 40).Pix...),
	} {
		if _, err := read(t, newOCR(t, extract.Limits{}), content); code(err) != document.CodeUnsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
}
