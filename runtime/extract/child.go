package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/docvault/docvault/runtime/document"
)

// ChildCommand is the hidden subcommand with which a program calls RunChild.
const ChildCommand = "extract-child"

// fileDescriptor is where the child finds the file: the first after standard input, output and error.
const fileDescriptor = 3

// request is what a child is told on standard input.
type request struct {
	MIME     string
	Limits   Limits
	OCR      OCR
	CacheDir string
	Render   *drawing // to draw a page instead of reading all
}

// answer is what a child says on standard output: a result or a drawn page, or why there is none.
type answer struct {
	Result  *Result             `json:"result,omitempty"`
	PNG     []byte              `json:"png,omitempty"`
	Absent  bool                `json:"absent,omitempty"` // there is no such page
	Never   *document.ReadError `json:"never,omitempty"`
	Passing string              `json:"passing,omitempty"`
}

// RunChild reads one file as the child of an Extractor and returns the exit code of the process. The request comes on
// standard input, the answer goes to standard output, the file is descriptor 3.
func RunChild() int {
	decoder := json.NewDecoder(os.Stdin)
	var r request
	if err := decoder.Decode(&r); err != nil {
		fmt.Fprintln(os.Stderr, "this command is for docvault itself")
		return 2
	}
	syscall.CloseOnExec(fileDescriptor) // programs that the child runs have no business with the file
	go dieWithParent()
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r.answer()); err != nil {
		return 1
	}
	return 0
}

// dieWithParent ends the process when standard input ends: the worker holds it open as long as it lives.
func dieWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

// answer keeps a tenth of the time for the answer itself, or what was read until then would be lost.
func (r request) answer() answer {
	ctx, cancel := context.WithTimeout(context.Background(), r.Limits.Timeout-r.Limits.Timeout/10)
	defer cancel()
	file := os.NewFile(fileDescriptor, "document")
	if r.Render != nil {
		return r.render(ctx, file)
	}
	result, err := r.read(ctx, file)
	if err != nil {
		return failed(err)
	}
	return answer{Result: &result}
}

func failed(err error) answer {
	var never *document.ReadError
	if errors.As(err, &never) {
		return answer{Never: never}
	}
	return answer{Passing: err.Error()}
}

// readers are how each type is read, by its MIME type. Detect answers no other types.
var readers = map[string]func(ctx context.Context, file *os.File, r request) (Result, error){
	typeText.MIME:   readText,
	typeHTML.MIME:   readHTML,
	typeRTF.MIME:    readRTF,
	typeEML.MIME:    readEmail,
	typePDF.MIME:    readPDF,
	typeLocked.MIME: readOLE,
	typeDOCX.MIME:   readDOCX,
	typeXLSX.MIME:   readXLSX,
	typePPTX.MIME:   readPPTX,
	typeODT.MIME:    readODF,
	typeODS.MIME:    readODF,
	typeODP.MIME:    readODF,

	typePNG.MIME:  readImage,
	typeJPEG.MIME: readImage,
	typeTIFF.MIME: readImage,
	typeGIF.MIME:  readImage,
	typeWebP.MIME: readImage,
	typeBMP.MIME:  readImage,
}

func (r request) read(ctx context.Context, file *os.File) (Result, error) {
	reader, found := readers[r.MIME]
	if !found {
		return Result{}, &document.ReadError{Code: document.CodeUnsupported, Detail: "This type of file cannot be read."}
	}
	return reader(ctx, file, r)
}
