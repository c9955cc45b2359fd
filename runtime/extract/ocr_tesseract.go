package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// maxOCRBytes is how much tesseract may say about an image: a page of 20 million pixels holds 100,000 words at most, of 80 bytes each.
const maxOCRBytes = 8 << 20

// FindTesseract finds the program in PATH and checks that it has the languages. Errors say, in a line, what to install.
func FindTesseract(ctx context.Context, languages []string) (OCR, error) {
	program, err := exec.LookPath("tesseract")
	if err != nil {
		return OCR{}, errors.New("needs the program tesseract, which is not in PATH: install tesseract-ocr 5 (Debian's name)")
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	list := exec.CommandContext(ctx, program, "--list-langs") //nolint:gosec // found in PATH
	list.Env = tesseractEnvironment()
	output, err := list.Output()
	if err != nil {
		return OCR{}, fmt.Errorf("cannot be checked: tesseract --list-langs: %w", err)
	}
	installed := strings.Fields(string(output[bytes.IndexByte(output, '\n')+1:])) // the first line is a title
	for _, language := range languages {
		if !slices.Contains(installed, language) {
			installed = slices.DeleteFunc(installed, func(name string) bool { return name == "osd" })
			return OCR{}, fmt.Errorf("holds %q, which tesseract does not have; it has %s. Install tesseract-ocr-%s (Debian's name)",
				language, strings.Join(installed, ", "), language)
		}
	}
	return OCR{Program: program, Languages: strings.Join(languages, "+")}, nil
}

// tesseractEnvironment has nothing of the worker's, which holds secrets. With threads of its own tesseract takes many times as long when
// several read.
func tesseractEnvironment() []string { return []string{"OMP_THREAD_LIMIT=1"} }

// run gives an image to tesseract, which runs no longer than ctx and than this process.
func (o OCR) run(ctx context.Context, grey *image.Gray, args ...string) ([]byte, error) {
	// The kernel's signal comes when the thread ends that started the program, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	program := exec.CommandContext(ctx, o.Program, append([]string{"stdin", "stdout"}, args...)...) //nolint:gosec // by FindTesseract
	program.Env = tesseractEnvironment()
	program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	program.Stdin = pgm(grey)
	var output bytes.Buffer
	program.Stdout = &limited{&output, maxOCRBytes}
	err := program.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return output.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err() //nolint:wrapcheck // says whose time is up
	case errors.As(err, &exit) && !killed(exit):
		return nil, fmt.Errorf("%w: tesseract: %w", errPageBroken, err) // a crash of its own will come again
	}
	return nil, fmt.Errorf("run tesseract: %w", err)
}

// killed reports whether somebody else ended a program, such as the kernel when memory is short.
func killed(exit *exec.ExitError) bool {
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGTERM)
}

// pgm writes an image in the simplest format that there is.
func pgm(grey *image.Gray) io.Reader {
	head := fmt.Sprintf("P5\n%d %d\n255\n", grey.Rect.Dx(), grey.Rect.Dy())
	return io.MultiReader(strings.NewReader(head), bytes.NewReader(packed(grey)))
}

// recognised is what tesseract read on an image.
type recognised struct {
	text   string
	weight float64 // characters, each counted by the confidence in its word: 0 to 1
	length int     // characters
}

// confidence is the mean, of 100.
func (r recognised) confidence() float64 { return r.weight * 100 / float64(max(1, r.length)) }

// recognise reads an image as it lies.
func (o OCR) recognise(ctx context.Context, grey *image.Gray) (recognised, error) {
	output, err := o.run(ctx, grey, "-l", o.Languages, "--psm", "3", "tsv")
	if err != nil {
		return recognised{}, err
	}
	return parseTSV(output), nil
}

// The columns of tesseract's table that are used here.
const (
	columnLevel      = 0
	columnBlock      = 2
	columnParagraph  = 3
	columnLine       = 4
	columnConfidence = 10
	columnText       = 11
	columns          = 12

	levelWord = "5"
)

// parseTSV puts words together: a line for a line, and an empty one between paragraphs. A word that the end of a line hyphenates is one.
func parseTSV(table []byte) recognised {
	var r recognised
	var text []byte
	var paragraph, line string
	for row := range strings.Lines(strings.ToValidUTF8(string(table), "\uFFFD")) {
		cells := strings.SplitN(strings.TrimRight(row, "\r\n"), "\t", columns)
		if len(cells) < columns || cells[columnLevel] != levelWord {
			continue
		}
		word := strings.Join(strings.Fields(cells[columnText]), " ")
		if word == "" {
			continue
		}
		inParagraph := cells[columnBlock] + "." + cells[columnParagraph]
		inLine := inParagraph + "." + cells[columnLine]
		switch {
		case line == "":
		case inParagraph != paragraph:
			text = append(text, "\n\n"...)
		case inLine != line && hyphenated(text, word):
			text = text[:len(text)-1]
		case inLine != line:
			text = append(text, '\n')
		default:
			text = append(text, ' ')
		}
		paragraph, line = inParagraph, inLine
		text = append(text, word...)
		length := utf8.RuneCountInString(word)
		confidence, err := strconv.ParseFloat(cells[columnConfidence], 64)
		if err == nil && confidence > 0 {
			r.weight += float64(length) * min(confidence, 100) / 100
		}
		r.length += length
	}
	r.text = string(text)
	return r
}

// notBehindHyphens are words behind a hyphen that stands for what two words have in common: Vor- und Nachname.
var notBehindHyphens = map[string]bool{"and": true, "or": true, "und": true, "oder": true, "bis": true, "et": true, "ou": true}

// hyphenated reports whether the next line goes on with the word that a line ends with.
func hyphenated(text []byte, next string) bool {
	stem, found := bytes.CutSuffix(text, []byte("-"))
	last, _ := utf8.DecodeLastRune(stem)
	first, _ := utf8.DecodeRuneInString(next)
	return found && unicode.IsLetter(last) && unicode.IsLower(first) && !notBehindHyphens[next]
}

// rotation finds by how many degrees tesseract says to turn an image.
func rotation(output []byte) (int, error) {
	for line := range strings.Lines(string(output)) {
		if value, found := strings.CutPrefix(line, "Rotate:"); found {
			degrees, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return 0, errOrientation
			}
			return degrees, nil
		}
	}
	return 0, errOrientation
}
