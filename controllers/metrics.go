package controllers

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Backends, as metrics name them.
const (
	backendPostgres    = "postgres"
	backendObjectStore = "object_store"
)

// metrics are what the operator counts and times; census has what it looks up when it is asked. docs/operator-metrics.md lists all.
// Labels have few values: steps, classes, outcomes; never a vault's name.
type metrics struct {
	steps *prometheus.HistogramVec // by step, outcome
	calls *prometheus.HistogramVec // by class, backend, step, outcome
	// events are those of vaults, by type and reason: what happened to them, rotations and repairs among it.
	events    *prometheus.CounterVec
	rotations *prometheus.CounterVec // by cause, outcome
}

func newMetrics() *metrics {
	// From a look into the cache to a migration of roles that takes its two minutes.
	buckets := prometheus.ExponentialBuckets(0.005, 4, 8)
	m := &metrics{
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docvault_operator_step_duration_seconds", Buckets: buckets,
			Help: "The steps of passes over vaults.",
		}, []string{"step", "outcome"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docvault_operator_backend_call_duration_seconds", Buckets: buckets,
			Help: "Work on the backend servers of classes, the wait for a turn included.",
		}, []string{"class", "backend", "step", "outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_operator_events_total", Help: "Events about vaults.",
		}, []string{"type", "reason"}),
		rotations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "docvault_operator_rotations_total", Help: "Rotations of vaults' credentials, by how far they came.",
		}, []string{"cause", "outcome"}),
	}
	// The first rotation shows as an increase only when there was a zero before it.
	for _, cause := range []string{requested, periodic, leaked} {
		for _, outcome := range rotationOutcomes {
			m.rotations.WithLabelValues(cause, outcome)
		}
	}
	return m
}

// The outcomes of rotations, as metrics name them.
const (
	rotationStarted = "started" // new credentials are made
	rotationServed  = "served"  // they serve
	rotationEnded   = "ended"   // the old logins are gone
	rotationForced  = "forced"  // leaked ones are ended although the pods with new ones do not come up
	rotationFailed  = "failed"  // a pass over it: it is tried again
)

var rotationOutcomes = []string{rotationStarted, rotationServed, rotationEnded, rotationForced, rotationFailed}

func (m *metrics) rotated(cause, outcome string) { m.rotations.WithLabelValues(cause, outcome).Inc() }

// register has a registry tell of them; nil is none.
func (m *metrics) register(registry prometheus.Registerer, also ...prometheus.Collector) error {
	if registry == nil {
		return nil
	}
	for _, collector := range append(also, m.steps, m.calls, m.events, m.rotations) {
		if err := registry.Register(collector); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what was told of a class that is gone.
func (m *metrics) forget(class string) {
	m.calls.DeletePartialMatch(prometheus.Labels{"class": class})
}

// stepKey is under which a context knows the step that it is of.
type stepKey struct{}

// run runs a step and times it. What it does on backends is told under its name, too.
func (m *metrics) run(ctx context.Context, do step) (time.Duration, error) {
	name, began := stepName(do), time.Now()
	wait, err := do(context.WithValue(ctx, stepKey{}, name))
	m.steps.WithLabelValues(name, stepOutcome(wait, err)).Observe(time.Since(began).Seconds())
	return wait, err
}

// stepName is the method's name, so that a step which is added has its metric: "…/controllers.(*pass).observe-fm" is observe.
func stepName(do step) string {
	full := runtime.FuncForPC(reflect.ValueOf(do).Pointer()).Name()
	return strings.TrimSuffix(full[strings.LastIndex(full, ".")+1:], "-fm")
}

func stepOutcome(wait time.Duration, err error) string {
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return "refused"
	case errors.Is(err, errBusy):
		return "busy"
	case errors.Is(err, errOthers):
		return "not_ours"
	case err != nil:
		return "failed"
	case wait > 0:
		return "waits"
	}
	return "done"
}

// called records a piece of work on a backend. What no step asked for, a class did, to see whether the server is there.
func (m *metrics) called(ctx context.Context, class, backend string, took time.Duration, err error) {
	name, ok := ctx.Value(stepKey{}).(string)
	if !ok {
		name = "check"
	}
	m.calls.WithLabelValues(class, backend, name, callOutcome(err)).Observe(took.Seconds())
}

func callOutcome(err error) string {
	var away *unreachableError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &away):
		return "unreachable"
	case errors.Is(err, errBusy):
		return "busy"
	}
	return "failed"
}
