package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

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
	CacheDir string
}

// answer is what a child says on standard output: a result, or why there is none.
type answer struct {
	Result  *Result             `json:"result,omitempty"`
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

func (r request) answer() answer {
	ctx, cancel := context.WithTimeout(context.Background(), r.Limits.Timeout)
	defer cancel()
	result, err := r.read(ctx, os.NewFile(fileDescriptor, "document"))
	var never *document.ReadError
	switch {
	case errors.As(err, &never):
		return answer{Never: never}
	case err != nil:
		return answer{Passing: err.Error()}
	}
	result.Language = language(result.Pages)
	return answer{Result: &result}
}

func (r request) read(ctx context.Context, file *os.File) (Result, error) {
	switch r.MIME {
	case typePDF.MIME:
		return readPDF(ctx, file, r.Limits, r.CacheDir)
	case typeText.MIME:
		return readText(file, r.Limits)
	}
	return Result{}, &document.ReadError{Code: document.CodeUnsupported, Detail: "This type of file cannot be read."}
}
