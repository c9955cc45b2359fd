// Command corpus measures how well files are read: each NAME.input.EXT of a directory is read as the worker reads it, and compared with
// NAME.expected.txt beside it, word by word. It fails when a file cannot be read.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docvault/docvault/runtime/extract"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == extract.ChildCommand {
		os.Exit(extract.RunChild())
	}
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: corpus DIRECTORY")
		os.Exit(2)
	}
	if err := measure(context.Background(), os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, directory string, to io.Writer) error {
	inputs, err := filepath.Glob(filepath.Join(directory, "*.input.*"))
	if err != nil || len(inputs) == 0 {
		return errors.Join(fmt.Errorf("no *.input.* in %s", directory), err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	ocr, err := extract.FindTesseract(ctx, []string{"eng", "deu", "fra"})
	if err != nil {
		return fmt.Errorf("OCR %w", err)
	}
	extractor := extract.New(extract.Limits{}, self, filepath.Join(os.TempDir(), "docvault-cache")).WithOCR(ocr)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "file\ttype\tpages\tseconds\twords\tsimilarity")
	unread := 0
	for _, input := range inputs {
		row, err := compare(ctx, extractor, input)
		if err != nil {
			unread++
			row = err.Error()
		}
		fmt.Fprintf(table, "%s\t%s\n", filepath.Base(input), row)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	if unread > 0 {
		return fmt.Errorf("%d of %d files were not read", unread, len(inputs))
	}
	return nil
}

// compare reads one file and returns its row of the table.
func compare(ctx context.Context, extractor *extract.Extractor, input string) (string, error) {
	name, _, _ := strings.Cut(filepath.Base(input), ".input.")
	expected, err := os.ReadFile(filepath.Join(filepath.Dir(input), name+".expected.txt")) //nolint:gosec // the directory is the caller's
	if err != nil {
		return "", fmt.Errorf("read what is expected: %w", err)
	}
	file, err := os.Open(input) //nolint:gosec // likewise
	if err != nil {
		return "", fmt.Errorf("open the file: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	head, err := io.ReadAll(io.LimitReader(file, extract.HeadBytes))
	if err != nil {
		return "", fmt.Errorf("read its head: %w", err)
	}
	kind, err := extract.Detect(head)
	if err != nil {
		return "", err
	}
	started := time.Now()
	result, err := extractor.Extract(ctx, kind.MIME, file)
	if err != nil {
		return "", err
	}
	want, got := strings.Fields(string(expected)), strings.Fields(strings.Join(result.Pages, "\n"))
	return fmt.Sprintf("%s\t%d\t%.2f\t%d of %d\t%.4f", kind.Ext, result.PageCount, time.Since(started).Seconds(),
		len(got), len(want), similarity(want, got)), nil
}

// similarity is twice the number of words that both have in the same order, over the words of both: 1 where all are equal.
func similarity(a, b []string) float64 {
	if len(a)+len(b) == 0 {
		return 1
	}
	common := make([]int, len(b)+1) // of what came of a so far, and each beginning of b
	for _, word := range a {
		before := 0
		for i := range b {
			here := common[i+1]
			if word == b[i] {
				common[i+1] = before + 1
			} else {
				common[i+1] = max(here, common[i])
			}
			before = here
		}
	}
	return 2 * float64(common[len(b)]) / float64(len(a)+len(b))
}
