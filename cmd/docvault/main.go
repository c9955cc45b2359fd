// Command docvault is one vault's program: the API, the worker, and what prepares a vault for them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/telemetry"
)

// Set by the linker: -X main.version=... -X main.commit=...
var (
	version = "dev"
	commit  = "unknown"
)

// importCommand is the one command with arguments.
const importCommand = "import"

// Exit codes. A program that is called again may succeed after exitFault, and not after exitUsage until something was edited.
const (
	exitFault = 1
	exitUsage = 2
)

const usage = `usage: docvault COMMAND

  api        serve the REST API
  worker     read and file documents, and sweep
  migrate    bring the schema up to date
  provision  make the database, the bucket and their logins
  import     take over the data folder of the Python product: import [--report FILE] DIR
  version    say which version this is

The configuration comes from the environment: docs/configuration.md.
`

// commands are the subcommands with a configuration. Each loads it first, so that all that is wrong is said at once.
var commands = map[string]func(context.Context, func(string) string) error{
	"api":       runAPI,
	"worker":    runWorker,
	"migrate":   runMigrate,
	"provision": runProvision,
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errOut io.Writer) int {
	if len(args) > 1 && args[0] != importCommand && asksForHelp(args[1:]) {
		fmt.Fprint(out, usage)
		return 0
	}
	if len(args) == 0 || (len(args) > 1 && args[0] != importCommand) {
		fmt.Fprint(errOut, usage)
		return exitUsage
	}
	switch args[0] {
	case importCommand:
		return runWithImport(args[1:], out, errOut)
	case extract.ChildCommand:
		return extract.RunChild()
	case "version":
		fmt.Fprintf(out, "docvault %s (%s, %s)\n", version, commit, runtime.Version())
		return 0
	case "help", "-h", "--help":
		fmt.Fprint(out, usage)
		return 0
	}
	command, known := commands[args[0]]
	if !known {
		fmt.Fprintf(errOut, "docvault: there is no command %q\n\n%s", args[0], usage)
		return exitUsage
	}
	return runCommand(func(ctx context.Context) error { return command(ctx, os.Getenv) }, errOut)
}

func asksForHelp(args []string) bool {
	return slices.Contains([]string{"-h", "-help", "--help"}, args[0])
}

func runWithImport(args []string, out, errOut io.Writer) int {
	if len(args) > 0 && asksForHelp(args) {
		fmt.Fprint(out, importUsage)
		return 0
	}
	a, ok := parseImport(args)
	if !ok {
		fmt.Fprint(errOut, importUsage)
		return exitUsage
	}
	return runCommand(func(ctx context.Context) error { return runImport(ctx, os.Getenv, a, out) }, errOut)
}

// runCommand runs until the command ends by itself or at a signal.
func runCommand(command func(context.Context) error, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	return exitCode(command(ctx), errOut)
}

func exitCode(err error, errOut io.Writer) int {
	var wrong config.Problems
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintln(errOut, wrong)
		return exitUsage
	case errors.Is(err, errNotAll):
		fmt.Fprintln(errOut, err)
		return exitFault
	}
	slog.Error("stopped by a fault", "error", err)
	return exitFault
}

// setLog makes the program's log the default one too, for what of others' code logs on its own.
func setLog(c config.Log, program string) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	var handler slog.Handler = slog.NewTextHandler(os.Stderr, options)
	if c.JSON {
		handler = slog.NewJSONHandler(os.Stderr, options)
	}
	log := slog.New(telemetry.LogHandler(handler)).With("program", program, "version", version)
	slog.SetDefault(log)
	return log
}
