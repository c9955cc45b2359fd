// Command docvault-operator reconciles DocVault and DocVaultClass.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Set by the linker.
var (
	version = "dev"
	commit  = "unknown"
)

// The exit codes: wrong or missing configuration is told apart from what may pass.
const (
	exitOK               = 0
	exitFailed           = 1
	exitBadConfiguration = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv("POD_NAMESPACE"), os.Stdout, os.Stderr))
}

// run is main with everything it reads given to it. podNamespace is the default of --namespace.
func run(args []string, podNamespace string, stdout, stderr io.Writer) int {
	s, err := parse(args, podNamespace, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitBadConfiguration
	case s.version:
		fmt.Fprintf(stdout, "docvault-operator %s (commit %s, %s)\n", version, commit, runtime.Version())
		return exitOK
	}
	log := logr.FromSlogHandler(s.logHandler(stderr))
	ctrl.SetLogger(log)
	slog.SetDefault(slog.New(s.logHandler(stderr)))
	if s.check {
		return checked(check(ctrl.SetupSignalHandler(), s.namespace), stdout, stderr)
	}
	if err := manage(ctrl.SetupSignalHandler(), s); err != nil {
		log.Error(err, "the operator ends")
		return exitFailed
	}
	return exitOK
}
