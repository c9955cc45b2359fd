package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/docvault/docvault/api/v1alpha1"
)

// settings are the operator's flags.
type settings struct {
	namespace      string
	controllerName string
	watched        []string
	classesRead    bool // and no more
	workers        int
	metricsAddr    string
	metricsSecure  bool
	metricsCertDir string
	probeAddr      string
	leaderElect    bool
	logLevel       slog.Level
	logFormat      string
	check          bool
	version        bool
}

// parse reads and checks the flags. All problems are told at once.
func parse(args []string, podNamespace string, usage io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("docvault-operator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.namespace, "namespace", podNamespace,
		"the operator's own `namespace`, where ledgers and admin Secrets are; default: $POD_NAMESPACE")
	flags.StringVar(&s.controllerName, "controller-name", v1alpha1.DefaultControllerName,
		"reconcile vaults of the classes that have this controllerName; several installations share a cluster by it")
	flags.Func("watch-namespaces", "reconcile vaults in these `namespaces` alone, separated by commas; default: in all", s.addWatched)
	flags.BoolVar(&s.classesRead, "read-only-classes", false,
		"write nothing to classes: needs fewer rights; nothing says whether their servers answer, nor holds those in use")
	flags.IntVar(&s.workers, "max-concurrent-reconciles", 8, "how many vaults are reconciled at a time")
	flags.StringVar(&s.metricsAddr, "metrics-bind-address", ":8443", "where Prometheus reads metrics; 0: nowhere")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", true,
		"serve metrics over TLS, to those alone whose token the API server knows and who may get the path /metrics")
	flags.StringVar(&s.metricsCertDir, "metrics-cert-dir", "",
		"`directory` of tls.crt and tls.key for the metrics; default: a certificate made at each start, which nobody can check")
	flags.StringVar(&s.probeAddr, "health-probe-bind-address", ":8081", "where /healthz and /readyz are")
	flags.BoolVar(&s.leaderElect, "leader-elect", true, "work only while holding the lease, so that replicas do not work at once")
	flags.TextVar(&s.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	flags.StringVar(&s.logFormat, "log-format", "json", "json or text")
	flags.BoolVar(&s.check, "check", false, "look whether an operator works in the namespace and the CRDs are there, and end")
	flags.BoolVar(&s.version, "version", false, "print the version and end")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(usage)
			flags.PrintDefaults()
		}
		return settings{}, err
	}
	if s.version {
		return s, nil
	}
	return s, errors.Join(s.problems(flags.Args())...)
}

// addWatched takes one value of --watch-namespaces. An empty one adds nothing: it is what a template leaves of an empty list.
func (s *settings) addWatched(value string) error {
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			return fmt.Errorf("%q is no name of a namespace: %s", name, strings.Join(problems, "; "))
		}
		s.watched = append(s.watched, name)
	}
	return nil
}

func (s settings) problems(rest []string) []error {
	var problems []error
	if len(rest) > 0 {
		problems = append(problems, fmt.Errorf("unexpected arguments: %q", rest))
	}
	if s.namespace == "" {
		problems = append(problems, errors.New("--namespace is required where POD_NAMESPACE is not set"))
	}
	if s.controllerName == "" {
		problems = append(problems, errors.New("--controller-name must not be empty"))
	}
	if s.workers < 1 {
		problems = append(problems, errors.New("--max-concurrent-reconciles must be at least 1"))
	}
	if s.logFormat != "json" && s.logFormat != "text" {
		problems = append(problems, fmt.Errorf("--log-format must be json or text, not %q", s.logFormat))
	}
	return problems
}

func (s settings) logHandler(w io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: s.logLevel}
	if s.logFormat == "text" {
		return slog.NewTextHandler(w, options)
	}
	return slog.NewJSONHandler(w, options)
}
