// Command corpus measures how well files are read: each NAME.input.EXT of a directory is read as the worker reads it, and compared with
// NAME.expected.txt beside it, word by word: a text layer must be equal, what OCR reads similar to nine tenths. Of what is below that it
// says which words differ, for what is expected may be at fault. It fails when a file cannot be read.
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

	"github.com/docvault/docvault/runtime/document"
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
	layers := extract.New(extract.Limits{}, self, filepath.Join(os.TempDir(), "docvault-cache"))
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "file\ttype\tpages\tseconds\twords\tsimilarity\taim")
	unread := 0
	var below strings.Builder
	for _, input := range inputs {
		name := filepath.Base(input)
		s, err := compare(ctx, layers, layers.WithOCR(ocr), input)
		if err != nil {
			unread++
			fmt.Fprintf(table, "%s\t%s\n", name, err)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%.2f\t%d of %d\t%.4f\t%.1f\n", name, s.kind, s.pages, s.took.Seconds(), len(s.got), len(s.want),
			s.similarity(), s.aim)
		if s.similarity() < s.aim {
			fmt.Fprintf(&below, "\n%s is below its aim; expected > read:\n  %s\n", name, strings.Join(differences(s.want, s.got), "\n  "))
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	fmt.Fprint(to, below.String())
	if unread > 0 {
		return fmt.Errorf("%d of %d files were not read", unread, len(inputs))
	}
	return nil
}

// The least similarity that is aimed at.
const (
	aimOfLayers = 1.0
	aimOfOCR    = 0.9
)

// score is what was read of a file, beside what is expected.
type score struct {
	kind      string // the extension of its type
	pages     int
	took      time.Duration
	want, got []string // words
	aim       float64
}

func (s score) similarity() float64 { return similarity(s.want, s.got) }

// compare reads one file, with OCR where it is not read without.
func compare(ctx context.Context, layers, withOCR *extract.Extractor, input string) (s score, err error) {
	name, _, _ := strings.Cut(filepath.Base(input), ".input.")
	expected, err := os.ReadFile(filepath.Join(filepath.Dir(input), name+".expected.txt")) //nolint:gosec // the directory is the caller's
	if err != nil {
		return s, fmt.Errorf("read what is expected: %w", err)
	}
	file, err := os.Open(input) //nolint:gosec // likewise
	if err != nil {
		return s, fmt.Errorf("open the file: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	head, err := io.ReadAll(io.LimitReader(file, extract.HeadBytes))
	if err != nil {
		return s, fmt.Errorf("read its head: %w", err)
	}
	kind, err := extract.Detect(head)
	if err != nil {
		return s, err
	}
	started, aim := time.Now(), aimOfLayers
	result, err := layers.Extract(ctx, kind.MIME, file)
	if _, never := errors.AsType[*document.ReadError](err); err != nil && !never {
		started, aim = time.Now(), aimOfOCR
		result, err = withOCR.Extract(ctx, kind.MIME, file)
	}
	return score{
		kind: kind.Ext, pages: result.PageCount, took: time.Since(started), aim: aim,
		want: strings.Fields(string(expected)), got: strings.Fields(strings.Join(result.Pages, "\n")),
	}, err
}

// differences are the words that one text has in place of the other's, as "these > those".
func differences(a, b []string) (all []string) {
	common := commonFrom(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		fromA, fromB := i, j
		for (i < len(a) || j < len(b)) && !(i < len(a) && j < len(b) && a[i] == b[j]) {
			if j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1] {
				i++
			} else {
				j++
			}
		}
		if fromA < i || fromB < j {
			all = append(all, strings.Join(a[fromA:i], " ")+" > "+strings.Join(b[fromB:j], " "))
		}
		if i < len(a) && j < len(b) {
			i, j = i+1, j+1
		}
	}
	return all
}

// commonFrom counts, for each place in a and in b, how many words the rests have in common.
func commonFrom(a, b []string) [][]int {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	return common
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
