package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/importer"
)

const importUsage = `usage: docvault import [--report FILE] DIR

Takes over the data folder of the Python product: docs/import.md. DIR is only read. What to look at is said on standard
output, progress on standard error; FILE gets the whole report as JSON ("-": standard output, instead of the other).
Exit code 0: all is in the vault; 1: something is not, or the run ended early (run it again); 2: wrong usage or configuration.
`

// errNotAll says that a report, which was written, names failures.
var errNotAll = errors.New("not everything was imported: see the report")

// importArguments are those of `docvault import`.
type importArguments struct{ dir, report string }

func parseImport(args []string) (a importArguments, ok bool) {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&a.report, "report", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		return a, false
	}
	a.dir = flags.Arg(0)
	return a, true
}

func runImport(ctx context.Context, get func(string) string, a importArguments, out io.Writer) error {
	c, err := config.LoadRuntime(get)
	if err != nil {
		return err
	}
	log := setLog(c.Log, "import")
	parts, err := assemble(ctx, c, log)
	if err != nil {
		return err
	}
	defer parts.close()
	v := parts.vault(c, log)
	if err := v.Ready(ctx); err != nil {
		return err
	}
	file, err := openReport(a.report, out)
	if err != nil {
		return config.Problems{"--report: " + err.Error()}
	}
	defer file.giveUp()
	report := importer.NewReport(out, file.writer())
	if a.report == "-" {
		report = importer.NewReport(nil, file.writer())
	}
	i := importer.Importer{Vault: v, Actor: document.Anonymous, Log: log, Report: report, Patience: importer.DefaultPatience}
	ended := i.Run(ctx, a.dir)
	if errors.Is(ended, importer.ErrFolder) {
		return config.Problems{ended.Error()}
	}
	summary, err := report.Close(ended == nil)
	if err = errors.Join(ended, err, file.close()); err == nil && summary.Failed() > 0 {
		err = errNotAll
	}
	return err
}

// reportFile is a report as JSON. It gets its name once it is whole.
type reportFile struct {
	*bufio.Writer

	temporary *os.File // nil: the report goes to standard output, or nowhere
	name      string
}

func openReport(name string, out io.Writer) (*reportFile, error) {
	switch name {
	case "":
		return &reportFile{}, nil
	case "-":
		return &reportFile{Writer: bufio.NewWriter(out)}, nil
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return nil, errors.New("no file can be made there")
	}
	return &reportFile{Writer: bufio.NewWriter(temporary), temporary: temporary, name: name}, nil
}

// writer is nil where no report is wanted.
func (f *reportFile) writer() io.Writer {
	if f.Writer == nil {
		return nil
	}
	return f.Writer
}

func (f *reportFile) close() error {
	if f.Writer == nil {
		return nil
	}
	err := f.Flush()
	if f.temporary != nil && err == nil {
		if err = f.temporary.Close(); err == nil {
			err = os.Rename(f.temporary.Name(), f.name)
		}
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// giveUp removes what has not got its name.
func (f *reportFile) giveUp() {
	if f.temporary != nil {
		_ = f.temporary.Close()
		_ = os.Remove(f.temporary.Name())
	}
}
