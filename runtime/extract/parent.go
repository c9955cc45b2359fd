package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

const (
	// answerOverhead and answerGrowth bound an answer: JSON writes a character as six bytes at worst.
	answerOverhead = 1 << 20
	answerGrowth   = 6
	// compileTimeout is four times what compiling the sandbox takes on a slow core.
	compileTimeout = 30 * time.Second
)

var (
	errMemory = errors.New("the child took too much memory")
	errTime   = errors.New("the child took too long")
)

// Extract reads file, which is of type mime, from its beginning. A *document.ReadError says that it can never be read; any other error is
// passing.
func (e *Extractor) Extract(ctx context.Context, mime string, file *os.File) (Result, error) {
	a, err := e.ask(ctx, request{MIME: mime}, file)
	if err != nil {
		return Result{}, err
	}
	return *a.Result, nil
}

// ask has a child answer a request about a file. Errors as of Extract; without one, the answer holds what was asked for.
func (e *Extractor) ask(ctx context.Context, r request, file *os.File) (answer, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return answer{}, fmt.Errorf("rewind the file: %w", err)
	}
	if r.MIME == typePDF.MIME {
		defer e.firstAlone(ctx)()
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timer := time.AfterFunc(e.limits.Timeout, func() { stop(errTime) })
	defer timer.Stop()
	r.Limits, r.OCR, r.CacheDir = e.limits, e.ocr, e.cacheDir
	output, err := e.run(ctx, stop, r, file)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errMemory):
		return answer{}, tooMuchMemory()
	case errors.Is(cause, errTime):
		return answer{}, tookTooLong(e.limits)
	case cause != nil:
		return answer{}, fmt.Errorf("read the file: %w", cause)
	case err != nil:
		return answer{}, err
	}
	return parseAnswer(output)
}

func tookTooLong(limits Limits) error {
	return &document.ReadError{Code: document.CodeTimedOut, Detail: fmt.Sprintf("Reading this file took more than %s.", limits.Timeout)}
}

// firstAlone lets the first PDF be read alone, and returns what to call afterwards: its child compiles the sandbox into the cache, which
// takes seconds and 350 MiB; workers that did so at once would take that many times as much. A first PDF that takes longer than
// compiling does stops nobody.
func (e *Extractor) firstAlone(ctx context.Context) (done func()) {
	patience, cancel := context.WithTimeout(ctx, compileTimeout)
	defer cancel()
	select {
	case <-e.compiled:
		return func() {}
	case e.compiling <- struct{}{}:
		return sync.OnceFunc(func() { close(e.compiled) })
	case <-patience.Done():
		return func() {}
	}
}

// run runs the child to its end and returns what it wrote.
func (e *Extractor) run(ctx context.Context, stop context.CancelCauseFunc, r request, file *os.File) ([]byte, error) {
	child := exec.CommandContext(ctx, e.self, ChildCommand) //nolint:gosec // the program itself
	child.ExtraFiles = []*os.File{file}
	// Nothing of the worker's environment: it holds secrets.
	child.Env = []string{"GOMAXPROCS=1", "GOMEMLIMIT=" + strconv.FormatInt(e.limits.MemoryBytes*3/4, 10)}
	// A group of its own: a signal for the worker's group is the worker's to handle, and what the child runs is killed with it.
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child.Cancel = func() error { return syscall.Kill(-child.Process.Pid, syscall.SIGKILL) }
	var stderr bytes.Buffer
	child.Stderr = &limited{&stderr, answerOverhead}
	stdin, err := child.StdinPipe() // stays open until Wait: its end tells the child that the worker died
	if err != nil {
		return nil, fmt.Errorf("make the child's input: %w", err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make the child's output: %w", err)
	}
	if err := child.Start(); err != nil {
		return nil, fmt.Errorf("start the child: %w", err)
	}
	watchCtx, watched := context.WithCancel(ctx)
	go watchMemory(watchCtx, child.Process.Pid, e.limits.MemoryBytes, stop)
	sendErr := json.NewEncoder(stdin).Encode(r)
	most := e.limits.MaxTextBytes*answerGrowth + answerOverhead
	output, readErr := io.ReadAll(io.LimitReader(stdout, int64(most)))
	if len(output) == most {
		stop(errMemory) // or it would wait for ever to write the rest
	}
	waitErr := child.Wait()
	watched()
	if waitErr != nil {
		return nil, whyDied(waitErr, stderr.String())
	}
	return output, errors.Join(sendErr, readErr)
}

// whyDied tells what a child's end means that nobody here asked for. A signal comes from outside (the kernel's out-of-memory killer, an
// operator): passing. A crash of its own will come again.
func whyDied(err error, stderr string) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() < 0 {
		return fmt.Errorf("the child ended: %w", err)
	}
	if strings.Contains(stderr, "out of memory") {
		return tooMuchMemory()
	}
	return &document.ReadError{Code: document.CodeMalformed, Detail: "The file makes its reader fail."}
}

func parseAnswer(output []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(output, &a); err != nil {
		return answer{}, fmt.Errorf("understand the child: %w", err)
	}
	switch {
	case a.Never != nil:
		return answer{}, a.Never
	case a.Passing != "" || (a.Result == nil && a.PNG == nil && !a.Absent):
		return answer{}, fmt.Errorf("read the file: %s", a.Passing)
	}
	return a, nil
}

// limited writes no more than left bytes on, and swallows the rest.
type limited struct {
	to   io.Writer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	keep := p[:min(len(p), l.left)]
	l.left -= len(keep)
	if _, err := l.to.Write(keep); err != nil {
		return 0, err
	}
	return len(p), nil
}
